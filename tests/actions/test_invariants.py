"""The checker itself: every lie that rows can tell turns it red."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from acts_of_terms import contacted, handed, objected, offered, received
from builders import (
    NOON,
    Clock,
    a_broker,
    a_pen,
    a_question,
    a_tag,
    an_account,
    an_identifier,
    asked,
    consented,
    proved,
    refused,
    registered,
)
from invariants import faults_in
from raw_rows import in_clear, writings
from sheets import in_bulk
from sqlalchemy import Connection, Table

from broker.actions.broker import Broker
from broker.actions.note_ruling import note_ruling
from broker.actions.sign_in import sign_in
from broker.actions.withdraw_consent import withdraw_consent
from broker.core.fingerprint import Fingerprint
from broker.store.columns import metadata
from broker.store.database import Database
from broker.store.idempotency import claim_key, keep_answer
from broker.store.migrating import migrate
from broker.store.people import find_person

#: What is told, by table: rows that are changed, or dropped where nothing is said.
LIES: dict[str, tuple[str, dict[str, Any] | None]] = {
    "a consent without its association": ("associations", None),
    "an association for another identifier": ("associations", {"identifier": b"i" * 16}),
    "an association on no consent": ("associations", {"grant_id": "made up"}),
    "an association on another basis": ("associations", {"basis": "login"}),
    "a withdrawal undone": ("consents", {"status": "given"}),
    "a withdrawal undone, its time too": ("consents", {"status": "given", "ended_at": None}),
    "purposes nobody ticked": ("consents", {"purposes": ["direct-marketing"]}),
    "a consent of another account": ("consents", {"account": b"a" * 16}),
    "a receipt thrown away": ("receipts", None),
    "a receipt that does not open": ("receipts", {"sealed_jwt": b"made up"}),
    "disclosures that do not open": ("receipts", {"sealed_disclosures": b"made up"}),
    "a receipt for another client": ("receipts", {"client_id": "made up"}),
    "a receipt of another status": ("receipts", {"status": "expired"}),
    "a leaf thrown away": ("leaves", None),
    "a leaf of other bytes": ("receipts", {"leaf": b"l" * 32}),
    "a status entry thrown away": ("status_entries", None),
    "every status entry valid": ("status_entries", {"value": 0}),
    "every status entry invalid": ("status_entries", {"value": 1}),
    "a status entry of another client": ("status_entries", {"client_id": "made up"}),
    "a status entry that outlives its consent": ("status_entries", {"valid_until": NOON + timedelta(days=9000)}),
    "an event thrown away": ("events", None),
    "an event of no receipt": ("events", {"receipt_id": "made up"}),
    "an event of another kind": ("events", {"type": "consent-expired"}),
    "names that lead nowhere": ("routes", {"target": "made up"}),
    "names forgotten": ("routes", None),
    "a session forgotten": ("person_sessions", None),
    "a permit on no consent": ("decisions", {"permitted": True, "grant_id": "made up"}),
    "a denial with a basis": ("decisions", {"permitted": False, "basis": "consent"}),
    "a permit for another purpose": ("decisions", {"purpose": "direct-marketing"}),
    "groups of sheets thrown away": ("sheet_entries", None),
    "a group under another number": ("sheet_entries", {"number": 7}),
    "a sheet over other groups": ("sheets", {"digests": b"d" * 32}),
    "a sheet of other numbers": ("sheets", {"answers": 1}),
    "a sheet of another client, with its permits": ("sheets", {"client_id": "made up"}),
    "a person thrown away": ("people", None),
    "a person's key destroyed": ("people", {"wrapped_key": b""}),
    "a refusal without its receipt": ("refusals", {"receipt_id": "made up"}),
    "a handle of nobody": ("handles", {"account": b"a" * 16}),
    "a ground thrown away": ("grounds", None),
    "a ground of another identifier": ("grounds", {"identifier": b"i" * 16}),
    "a ground of another account": ("grounds", {"account": b"a" * 16}),
    "a ground of another client": ("grounds", {"client_id": "made up"}),
    "a ground on another basis": ("grounds", {"basis": "public"}),
    "a ground said to be the platform's": ("grounds", {"from_platform": True}),
    "a ground for more than was stated": ("grounds", {"expected_purposes": ["customer-care", "newsletter"]}),
    "a ground without its statement": ("grounds", {"statement_id": "made up"}),
    "a ground under another name": ("grounds", {"association_id": "made up"}),
    "a statement thrown away": ("statements", None),
    "a statement of another client": ("statements", {"client_id": "made up"}),
    "a statement of another time": ("statements", {"issued_at": NOON + timedelta(days=1)}),
    "a statement that does not open": ("statements", {"sealed_jwt": b"made up"}),
    "evidence that does not open": ("statements", {"sealed_disclosures": b"made up"}),
    "a statement of other bytes": ("statements", {"leaf": b"l" * 32}),
    "leaves of another kind": ("leaves", {"kind": "receipt"}),
    "a permit on no association": ("decisions", {"association_id": "made up"}),
    "every answer a match": ("decisions", {"act": "match"}),
    "a taint that keeps the account": ("tainted_pairs", {"pair": "account"}),
    "a taint of no origin": ("tainted_pairs", {"origin": "made up"}),
    "an objection of nobody": ("objections", {"account": b"a" * 16}),
    "an objection to nobody": ("objections", {"client_id": "made up"}),
    "an objection that came first": ("objections", {"objected_at": NOON - timedelta(days=1)}),
    "a standing thrown away": ("standings", None),
    "a standing out of turn": ("standings", {"number": 7}),
    "a standing of another kind": ("standings", {"standing": "held"}),
    "a standing by nobody": ("standings", {"who": ""}),
    "a standing for no reason": ("standings", {"why": ""}),
    "a client let go in silence": ("clients", {"standing": "suspended"}),
    "a use case that nobody has": ("use_cases", {"client_id": "made up"}),
    "a use case forgotten": ("use_cases", None),
    "a use case of another owner": ("use_cases", {"owner": "made up"}),
    "a recipient thrown away": ("recipients", None),
    "a redistribution to nobody": ("redistributions", {"recipient_id": "made up"}),
    "more ids than the ceiling": ("redistributions", {"objects": "post_ids", "count": 1_500_001}),
    "more objects than the ceiling": ("redistributions", {"objects": "posts", "by": "Sam", "count": 50_001}),
    "whole objects by a program": ("redistributions", {"objects": "posts"}),
    "whole objects uncounted": ("redistributions", {"objects": "users", "by": "Sam", "counted": False}),
    "a message that nobody permitted": ("contacts", {"check_id": "made up"}),
    "a message to another account": ("contacts", {"account": b"a" * 16}),
    "a ruling that was none": ("rulings", {"number": 0}),
    "a ruling by a clause that there is not": ("rulings", {"clause": "MATCH-99"}),
    "a key without its answer": ("idempotency", {"sealed_answer": b""}),
    "a handle in clear": ("refusals", {"receipt_id": "JaneCanary"}),
    "an e-mail address in clear": ("decisions", {"reason": "asked for Jane.Canary@mailbox.example"}),
    "a permanent id in hex": ("routes", {"name": b"2244994945".hex().encode()}),
}


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Let everything happen once: yes, no, an end, answers, a visit. Every lie is told, and taken back."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('history') / 'broker.db'}", pen=a_pen())
    migrate(database)
    broker = a_broker(database)
    client = registered(broker)
    ended = consented(broker, client)
    with broker.database.transaction() as tx:
        withdraw_consent(tx, broker, account=ended.account, grant_id=ended.grant_id)
    second = consented(broker, client, None, "customer-care", identifier=an_identifier("second@mailbox.example"))
    in_bulk(broker, client, an_account(), second.identifier.digest, grant=second.grant_id)
    refused(broker, client, identifier=an_identifier("third@mailbox.example"))
    for identifier in (an_identifier(), an_identifier("second@mailbox.example")):
        asked(broker, client, a_question(identifier=identifier))
    with broker.database.transaction() as tx:
        person = find_person(tx, broker.sealer, ended.account)
        assert person is not None
        sign_in(tx, broker, person)
    what_the_terms_keep(broker)
    yield broker
    database.close()


def what_the_terms_keep(broker: Broker) -> None:
    """Let everything of the terms happen once: a ground, a taint, an objection, a message, a handover, a ruling."""
    client = registered(broker, purposes=("customer-care", "contact"))
    clock = broker.now
    assert isinstance(clock, Clock)
    offered(broker, client)
    offered(broker, client, a_tag(origin="bought"), identifier=an_identifier("second@mailbox.example"))
    asked(broker, client)
    consented(broker, client, None, "contact", purposes=("contact",), identifier=an_identifier("third@mailbox.example"))
    contacted(broker, client, None, Fingerprint(simhash=1), identifier=an_identifier("third@mailbox.example"))
    handed(broker, client, received(broker, client), objects="user_ids")
    note_ruling(broker, ("APPLICATION-1",))
    with broker.database.transaction() as tx:
        key = {"client_id": client.client_id, "key": b"k" * 16}
        claim_key(tx, **key, fingerprint=b"f" * 32, now=NOON, ends=NOON + timedelta(days=1), store=broker.sealer)
        keep_answer(tx, **key, answer={}, store=broker.sealer)
    clock.passes(hours=1)
    objected(broker)
    objected(broker, to=client.client_id)


@pytest.mark.parametrize(("table", "told"), LIES.values(), ids=LIES)
def test_a_lie_in_the_rows_is_seen(history: Broker, table: str, told: dict[str, Any] | None) -> None:
    with history.database.engine.connect() as tx:
        assert [] == faults_in(tx, history)
        tell(tx, metadata.tables[table], told)
        assert [] != faults_in(tx, history)
        tx.rollback()


def tell(tx: Connection, table: Table, told: dict[str, Any] | None) -> None:
    """Drop the first row, or change every row; the first only where a change of the key would make them one.

    A column told as the name of another takes that one's value.
    """
    key = list(table.primary_key)
    first = tx.execute(table.select().order_by(*key).limit(1)).one()
    told = told and {name: getattr(first, str(value)) if str(value) in table.columns else value
                     for name, value in told.items()}  # fmt: skip
    only = [column == getattr(first, column.name) for column in key]
    if told is None:
        tx.execute(table.delete().where(*only))
    elif {column.name for column in key} & told.keys():
        tx.execute(table.update().where(*only).values(told))
    else:
        tx.execute(table.update().values(told))


def test_two_handles_of_one_account_are_seen(sqlite_broker: Broker) -> None:
    for handle in ("first", "second"):
        proved(sqlite_broker, an_account(handle=handle), None)
    with sqlite_broker.database.engine.connect() as tx:
        tx.execute(metadata.tables["handles"].update().values(standing="held"))
        assert ["an account holds 2 handles"] == faults_in(tx, sqlite_broker)
        tx.rollback()


@pytest.mark.parametrize("lead", ["", "a", "ab", "abc"])
def test_a_value_is_found_in_base64_wherever_it_begins(lead: str) -> None:
    for encode in (b64encode, urlsafe_b64encode):
        lying = encode(f"{lead}jane.canary@mailbox.example and more".encode())
        assert any(needle in lying for needle in writings("jane.canary@mailbox.example"))


def test_a_value_is_found_as_utf_16_and_hex_and_not_where_it_is_not() -> None:
    value = "JaneCanary"
    found = [value.encode("utf-16"), value.encode().hex(), value.lower(), "nothing of the kind"]
    rows = {"notices": [{f"column{place}": cell} for place, cell in enumerate(found)]}
    assert {f"notices.column{place} holds 'JaneCanary' in clear" for place in range(3)} == set(in_clear(rows, {value}))
