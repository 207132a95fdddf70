"""Who has the database alone learns nobody's handle, id or address; who has it after an erasure learns nothing more."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from acts_of_platforms import seen
from acts_of_terms import contacted, handed, objected, offered, received
from builders import (
    BROWSER,
    a_choice,
    a_question,
    a_request,
    a_source,
    a_tag,
    an_account,
    an_identifier,
    asked,
    consented,
    proved,
    refused,
    registered,
)
from raw_rows import all_rows, in_clear, writings
from sqlalchemy import text
from statements import a_statement, keyed, owed, stated

from broker.actions.broker import Broker
from broker.actions.decide_matches import decide_matches
from broker.actions.linking import begin_link, new_attempt
from broker.actions.manage_stream import Wish, create_stream
from broker.actions.note_ruling import note_ruling
from broker.actions.read_grant import granted_details, withdrawal_uri
from broker.actions.record_consent import record_consent
from broker.actions.sign_in import sign_in
from broker.actions.withdraw_consent import withdraw_consent
from broker.core.client import Client
from broker.core.delivery import Method
from broker.core.fingerprint import Fingerprint
from broker.proof.receipt import leaf_data
from broker.proof.sdjwt import payload_of
from broker.proof.verify import verify_evidence, verify_receipt
from broker.store.columns import metadata
from broker.store.consents import details_of
from broker.store.flows import claim_choice, save_pushed
from broker.store.grounds import find_statement
from broker.store.idempotency import claim_key, keep_answer
from broker.store.people import find_person, sealer_of
from broker.store.receipts import list_receipts
from broker.store.sealing import SealBroken
from broker.store.tables import PersonRow
from broker.store.tokens import Code, save_code
from broker.store.transaction import Transaction

#: What is made out of digests and signatures alone.
_THE_LOGS_OWN = {"log_head", "log_tiles", "checkpoints", "batches", "erasures", "policy_texts"}

CANARIES = {
    "JaneCanary",
    "MovedCanary",
    "2244994945",
    "jane.canary@mailbox.example",
    "refused.canary@mailbox.example",
    "pushed.canary@mailbox.example",
    "the-code-that-is-a-secret",
    "urn:the-request-that-is-a-secret",
    BROWSER,
}


@pytest.fixture
def client(broker: Broker) -> Client:
    """Give a business with a key."""
    return keyed(broker)


def everything_happens(broker: Broker, client: Client) -> set[str]:
    """Fill every table; return all that must not lie there in clear."""
    secrets = set(CANARIES)
    record = consented(broker, client)
    consented(broker, client, None, "newsletter")
    refused(broker, client, identifier=an_identifier("refused.canary@mailbox.example"))
    for handle in ("JaneCanary", "janecanary"):
        asked(broker, client, a_question(account_id=None, handle=handle))
    with broker.database.transaction() as tx:
        decide_matches(tx, broker, client, [a_question(), a_question(account_id=None, handle="JaneCanary")])
    pushed = a_request(client, identifier=an_identifier("pushed.canary@mailbox.example"), handle="JaneCanary")
    attempt = new_attempt(broker, "x")
    with broker.database.transaction() as tx:
        uri = "urn:the-request-that-is-a-secret"
        save_pushed(tx, uri, pushed.sealed_form(), client_id=client.client_id, expires_at=broker.now(),
                    store=broker.sealer)  # fmt: skip
        begin_link(tx, broker, platform="x", attempt=attempt, request=pushed, browser=BROWSER)
        code = Code(account=record.account, client_id=client.client_id, grant_id=record.grant_id, redirect_uri="",
                    scope="", challenge="", expires_at=broker.now())  # fmt: skip
        save_code(tx, "the-code-that-is-a-secret", code)
        person = find_person(tx, broker.sealer, record.account)
        assert person is not None
        secrets |= {sign_in(tx, broker, person), attempt.state, attempt.verifier, attempt.nonce}
        for receipt in list_receipts(tx, record.account, store=broker.sealer, person=person.sealer):
            secrets.add(withdrawal_uri(receipt).rpartition("/")[2])
    with broker.database.transaction() as tx:
        withdraw_consent(tx, broker, account=record.account, grant_id=record.grant_id)
    stated(broker, client, a_statement(broker, owed(broker, client)[0]))
    seen(broker, handle="MovedCanary", protected=True)
    proved(broker, an_account(), None, gpc=True)
    return secrets - {"consents"} | the_terms_happen(broker)


def the_terms_happen(broker: Broker) -> set[str]:
    """Fill the tables of the terms; return what must not lie there in clear."""
    client = registered(broker, purposes=("customer-care", "contact"))
    canary, url = an_identifier("ground.canary@mailbox.example"), "https://architects.example/directory/jane-canary"
    tag = a_tag("public", source=a_source(url=url))
    for by in ({}, {"account_id": None, "handle": "JaneCanary"}):
        assert offered(broker, client, tag, identifier=canary, **by).ground is not None
        offered(broker, client, a_tag(origin="bought"), identifier=an_identifier("bought.canary@mailbox.example"), **by)
    consented(broker, client, None, "contact", purposes=("contact",), identifier=canary)
    assert contacted(broker, client, None, Fingerprint(sha256=b"s" * 32, simhash=1), identifier=canary)
    objected(broker)
    handed(broker, client, received(broker, client))
    note_ruling(broker, ("APPLICATION-1",))
    told = {"id": "an association of JaneCanary", "url": url}
    with broker.database.transaction() as tx:
        digest = broker.blinder.request(client.client_id, "a-key-that-names-JaneCanary")
        key = {"client_id": client.client_id, "key": digest}
        claim_key(tx, **key, fingerprint=b"f" * 32, now=broker.now(), ends=broker.now(), store=broker.sealer)
        keep_answer(tx, **key, answer=told, store=broker.sealer)
        bearer = "Bearer of-the-receivers-own"
        wish = Wish(method=Method.PUSH, endpoint_url="https://northwind.example/events", authorization=bearer)
        create_stream(tx, broker, client_id=client.client_id, wish=wish)
    return {bearer, url, canary.value, "bought.canary@mailbox.example", "a-key-that-names-JaneCanary"}


def test_no_table_holds_a_persons_value_or_a_secret_in_clear(broker: Broker, client: Client) -> None:
    secrets = everything_happens(broker, client)
    with broker.database.transaction() as tx:
        rows = all_rows(tx)
    # Nobody answers here from a tape or a budget: their rows are names of files, and counts by client.
    empty = {"used_assertions", "revoked_tokens", "retentions", "tapes", "budgets", *_THE_LOGS_OWN}
    assert empty == {name for name, content in rows.items() if not content}
    assert [] == list(in_clear(rows, secrets))


def test_a_dump_of_every_table_holds_none_of_it_either(broker: Broker, client: Client) -> None:
    secrets = everything_happens(broker, client)
    with broker.database.transaction() as tx:
        dumped = "\n".join(dump(tx, name, postgres=tx.dialect.name == "postgresql") for name in metadata.tables)
    found = [value for value in secrets for needle in writings(value) if needle in dumped.lower().encode()]
    found += [value for value in secrets for needle in writings(value) if needle.hex() in dumped.lower()]
    assert [] == found
    assert "customer-care" in dumped


def dump(tx: Transaction, table: str, *, postgres: bool) -> str:
    """Write a table as text, bytes as hex, as a backup does."""
    if postgres:
        shown = tx.execute(text(f"SELECT t::text FROM {table} t")).scalars()  # noqa: S608
        return "\n".join(shown)
    columns = ", ".join(f"CASE typeof({column.name}) WHEN 'blob' THEN hex({column.name}) ELSE {column.name} END"
                        for column in metadata.tables[table].columns)  # fmt: skip
    return "\n".join(map(str, tx.execute(text(f"SELECT {columns} FROM {table}"))))  # noqa: S608


def files_of(database_file: str) -> Iterator[Path]:
    """Name the files that a SQLite database consists of."""
    return (path for suffix in ("", "-wal", "-shm") if (path := Path(database_file + suffix)).exists())


def test_the_file_of_sqlite_holds_none_of_it_in_any_writing(sqlite_broker: Broker) -> None:
    broker = sqlite_broker
    secrets = everything_happens(broker, keyed(broker))
    file = str(broker.database.engine.url.database)
    with closing(sqlite3.connect(file)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    lying = b"".join(path.read_bytes() for path in files_of(file))
    assert [] == [
        value for value in secrets for needle in writings(value) if needle in lying or needle in lying.lower()
    ]
    assert b"Northwind Bikes" in lying


def test_a_destroyed_key_opens_nothing_of_the_person_any_more(sqlite_broker: Broker) -> None:
    broker = sqlite_broker
    client = registered(broker)
    record = consented(broker, client)
    with broker.database.transaction() as tx:
        people = PersonRow.__table__  # type: ignore[attr-defined]
        tx.execute(people.update().values(wrapped_key=b""))
    with broker.database.transaction() as tx:
        for act in (
            lambda: find_person(tx, broker.sealer, record.account),
            lambda: granted_details(tx, broker, record),
            lambda: details_of(tx, record, sealer=broker.sealer),
            lambda: list_receipts(tx, record.account, store=broker.sealer, person=broker.sealer),
        ):
            with pytest.raises(SealBroken):
                act()


def test_a_destroyed_key_leaves_signature_and_leaf_whole(sqlite_broker: Broker) -> None:
    broker = sqlite_broker
    record = consented(broker, registered(broker))
    with broker.database.transaction() as tx:
        tx.execute(PersonRow.__table__.update().values(wrapped_key=b""))  # type: ignore[attr-defined]
        [row], [leaf] = (all_rows(tx)[name] for name in ("receipts", "leaves"))
    jwt = broker.sealer.open(row["sealed_jwt"], place=f"receipts.sealed_jwt:{record.receipt_id}").decode()
    assert verify_receipt(f"{jwt}~", jwks=broker.keys.jwks()).anchored
    assert leaf_data(jwt) == leaf["leaf"]
    assert [] == [value for value in CANARIES if value in str(payload_of(jwt))]


def test_a_statement_opens_with_its_persons_key_alone_and_stays_signed_without_it(sqlite_broker: Broker) -> None:
    broker = sqlite_broker
    ground = offered(broker, registered(broker)).ground
    assert ground is not None
    account = broker.blinder.account(an_account().account)
    with broker.database.transaction() as tx:
        sealer = sealer_of(tx, broker.sealer, account)
        text = find_statement(tx, account, ground.statement_id, store=broker.sealer, person=sealer)
        with pytest.raises(SealBroken):
            find_statement(tx, account, ground.statement_id, store=broker.sealer, person=broker.sealer)
        tx.execute(PersonRow.__table__.update().values(wrapped_key=b""))  # type: ignore[attr-defined]
        with pytest.raises(SealBroken):
            sealer_of(tx, broker.sealer, account)
        [row], [leaf] = (all_rows(tx)[name] for name in ("statements", "leaves"))
    assert text is not None
    assert {"account", "identifier", "evidence"} == set(verify_evidence(text, jwks=broker.keys.jwks()).disclosed)
    jwt = broker.sealer.open(row["sealed_jwt"], place=f"statements.sealed_jwt:{ground.statement_id}").decode()
    assert verify_evidence(f"{jwt}~", jwks=broker.keys.jwks()).anchored
    assert (leaf_data(jwt), "statement") == (leaf["leaf"], leaf["kind"])
    assert [] == [value for value in CANARIES if value in str(payload_of(jwt))]


def test_what_waited_for_the_choice_does_not_outlive_it(broker: Broker, client: Client) -> None:
    """It was sealed under the store's key, which no erasure destroys."""
    seen = proved(broker, an_account(), a_request(client))
    with broker.database.transaction() as tx:
        assert claim_choice(tx, seen.link_id, browser=BROWSER, now=broker.now())
        record_consent(tx, broker, client, a_choice(seen, "customer-care"))
    with broker.database.transaction() as tx:
        assert [] == all_rows(tx)["links"]
