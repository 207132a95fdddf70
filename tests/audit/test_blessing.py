"""The broker does not bless what a superuser wrote: what it works on afterwards stays named by the audit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from audit.spoilt import Rows, rows_of
from audit.superuser import Row, Superuser, key_of
from builders import NOON, a_broker, a_pen, a_question, an_account, asked, consented, registered
from lives import SAM, erased, with_marks
from sqlmodel import col

from broker.actions.audit import audit
from broker.actions.broker import Broker
from broker.actions.change_standing import Change, suspend_client
from broker.actions.keep_log import keep_log
from broker.actions.list_consents import open_capability
from broker.actions.sign_in import sign_in, signed_in
from broker.actions.withdraw_consent import withdraw_by_link
from broker.core.blinding import DIGEST_SIZE, name_digest
from broker.errors import NotFound, Unauthorized
from broker.store.auditing import Finding
from broker.store.batches import waiting_entries
from broker.store.columns import metadata
from broker.store.database import Database
from broker.store.migrating import migrate
from broker.store.objections import EVERYONE, object_to
from broker.store.people import Person, find_person
from broker.store.routes import CAPABILITY, CODE, SESSION
from broker.store.row_mac import ABOUT_SIZE, about, row_key_digest
from broker.store.terms_tables import ObjectionRow
from broker.store.tokens import claim_code
from broker.store.trail import gone
from broker.store.transaction import Transaction
from broker.store.writing import change


@dataclass(frozen=True)
class House:
    """A broker that goes on, and somebody who holds its database and no key."""

    broker: Broker
    user: Superuser

    @property
    def rows(self) -> Rows:
        """All there are."""
        return rows_of(self.user)

    def named(self) -> set[tuple[str, str]]:
        """What the audit names."""
        found: list[Finding] = []
        audit(self.broker, found.append, patience=0)
        return {(finding.table, finding.key) for finding in found}


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    """Give a broker with a consent, a permit, and a log that is kept."""
    database = Database(database_url, pen=a_pen())
    migrate(database)
    broker = with_marks(a_broker(database), tmp_path / "marks")
    client = registered(broker)
    consented(broker, client, an_account())
    asked(broker, client, a_question(an_account()))
    keep_log(broker)
    user = Superuser(database_url)
    yield House(broker, user)
    user.close()
    database.close()


def suspended(broker: Broker, client_id: str) -> None:
    """Suspend a client."""
    with broker.database.transaction() as tx:
        suspend_client(tx, broker, client_id, Change(who="Sam", why="sells what it learns"))


def objects(broker: Broker, *, why: str) -> None:
    """Somebody objects to everybody."""
    with broker.database.transaction() as tx:
        object_to(tx, b"a" * DIGEST_SIZE, EVERYONE, why=why, now=NOON)


def person_of(broker: Broker, tx: Transaction) -> Person:
    """Whoever the account is of."""
    found = find_person(tx, broker.sealer, broker.blinder.account(an_account().account))
    assert found is not None
    return found


def an_entry(house: House, of: Row, *, content: Callable[[Row], bytes], is_gone: bool) -> Row:
    """An entry of the trail as one can be made up without a key: key and form are those of a genuine one."""
    salt = b"\0" * 16
    return {
        **of,
        "number": max(int(entry["number"]) for entry in house.rows["trail"]) + 1,
        "salt": salt,
        "digest": hashlib.sha256(salt + content(of)).digest(),
        "gone": is_gone,
        "batch": None,
        "position": None,
    }


def test_a_deletion_that_was_written_into_the_trail_by_somebody_else_is_not_chained(house: House) -> None:
    permit = house.rows["decisions"][0]
    name = row_key_digest(house.broker.database.row_key, metadata.tables["decisions"], permit)
    entry = next(entry for entry in house.rows["trail"] if entry["row_key"] == name)
    house.user.delete("decisions", permit)
    forged = an_entry(house, entry, content=lambda of: gone(metadata.tables["decisions"], of["row_key"]), is_gone=True)
    house.user.insert("trail", forged)
    keep_log(house.broker)
    assert house.named()


def test_an_entry_that_was_taken_from_the_trail_before_it_was_chained_is_not_chained_a_second_time(
    house: House,
) -> None:
    client = registered(house.broker, client_name="Somebody else", owner="Somebody else")
    held = {name: house.rows[name] for name in ("trail", "clients")}
    captured = next(entry for entry in held["trail"] if entry["batch"] is None and entry["row_table"] == "clients")
    active = next(row for row in held["clients"] if row["client_id"] == client.client_id)
    keep_log(house.broker)
    suspended(house.broker, client.client_id)
    keep_log(house.broker)
    house.user.update("clients", active, active)
    house.user.insert("trail", {**captured, "number": 1 + max(int(row["number"]) for row in house.rows["trail"])})
    keep_log(house.broker)
    assert house.named()


def test_however_many_entries_somebody_inserts_none_keeps_a_genuine_one_out_of_the_chain(house: House) -> None:
    entry = house.rows["trail"][0]
    for number in range(3):
        house.user.insert("trail", {**entry, "number": -number, "batch": None, "position": None})
    objects(house.broker, why="page")
    with house.broker.database.transaction() as tx:
        (found,) = waiting_entries(tx, limit=2, key=house.broker.database.row_key)
    assert "objections" == found.row["row_table"]


def test_a_batch_of_a_number_that_never_was_does_not_keep_the_audit_from_its_end(house: House) -> None:
    last = house.rows["batches"][-1]
    house.user.insert("batches", {**last, "number": 10**6})
    objects(house.broker, why="page")
    keep_log(house.broker)
    named = house.named()
    assert ("batches", str(10**6)) in named
    assert len(named) < 10


def test_somebody_who_was_erased_and_is_put_back_with_a_copied_entry_is_named(house: House) -> None:
    consented(house.broker, registered(house.broker), SAM)
    old, sam = house.rows, house.broker.blinder.account(SAM.account)
    keep_log(house.broker)
    erased(house.broker, SAM)
    keep_log(house.broker)
    (person,) = [row for row in old["people"] if row["account"] == sam]
    (entry,) = [row for row in old["trail"] if row["batch"] is None and row["row_table"] == "people"]
    house.user.insert("people", person)
    house.user.insert("trail", {**entry, "number": 1 + max(int(row["number"]) for row in house.rows["trail"])})
    keep_log(house.broker)
    assert {("people", key_of("people", person))} == house.named()


def test_an_entry_that_was_moved_to_somebody_who_is_erased_stays_named(house: House) -> None:
    """Whoever waits for any erasure, or asks for their own, could have a permit of somebody else forgotten with it."""
    consented(house.broker, registered(house.broker), SAM)
    keep_log(house.broker)
    permit, trail = house.rows["decisions"][0], house.rows["trail"]
    name = row_key_digest(house.broker.database.row_key, metadata.tables["decisions"], permit)
    sams = about(house.broker.database.row_key, house.broker.blinder.account(SAM.account))
    entry = next(entry for entry in trail if entry["row_key"] == name)
    house.user.update("trail", entry, {"row_key": sams + name[ABOUT_SIZE:]})
    house.user.delete("decisions", permit)
    erased(house.broker, SAM)
    keep_log(house.broker)
    assert {("trail", str(entry["number"]))} == house.named()
    (emptied,) = [row for row in house.rows["trail"] if row["number"] == entry["number"]]
    assert (b"", b"") == (emptied["row_key"], emptied["salt"])


def test_who_writes_anothers_handle_to_an_account_has_nothing_of_the_other_erased_with_it(house: House) -> None:
    client = registered(house.broker)
    consented(house.broker, client, SAM)
    asked(house.broker, client, a_question(account_id=None, handle="SomebodyElse"))
    keep_log(house.broker)
    decisions, sam = house.rows["decisions"], house.broker.blinder.account(SAM.account)
    (held, *_) = [row for row in house.rows["handles"] if row["account"] == sam]
    others = house.broker.blinder.handle("x", "SomebodyElse")
    assert others in {row["account"] for row in decisions}
    house.user.insert("handles", {**held, "handle": others})
    erased(house.broker, SAM)
    assert decisions == house.rows["decisions"]


def test_a_row_that_somebody_else_edited_stays_named_when_the_broker_writes_to_it_again(house: House) -> None:
    client = house.rows["clients"][0]
    house.user.update("clients", client, {"standing_why": "because"})
    house.user.update("clients", client, {"registered_at": "1999-01-01 00:00:00.000000"})
    suspended(house.broker, client["client_id"])
    keep_log(house.broker)
    assert {("clients", client["client_id"])} <= house.named()


def test_an_older_row_that_was_put_back_stays_named_when_the_broker_writes_to_it_again(house: House) -> None:
    objects(house.broker, why="page")
    (older,) = house.rows["objections"]
    objects(house.broker, why="letter")
    keep_log(house.broker)
    house.user.update("objections", older, older)
    with house.broker.database.transaction() as tx:
        change(tx, ObjectionRow, col(ObjectionRow.client_id) == EVERYONE, why="telephone")
    keep_log(house.broker)
    assert {("objections", key_of("objections", older))} <= house.named()


def test_what_was_written_twice_in_one_transaction_is_the_brokers_own(house: House) -> None:
    with house.broker.database.transaction() as tx:
        object_to(tx, b"a" * DIGEST_SIZE, EVERYONE, why="page", now=NOON)
        change(tx, ObjectionRow, col(ObjectionRow.client_id) == EVERYONE, why="letter")
    objects(house.broker, why="telephone")
    keep_log(house.broker)
    assert set() == house.named()


def test_who_can_insert_rows_signs_nobody_in(house: House) -> None:
    """Else they could have anybody erased, with a certificate that says it was the person's own act."""
    account = house.rows["people"][0]["account"]
    with house.broker.database.transaction() as tx:
        session = sign_in(tx, house.broker, person_of(house.broker, tx))
    (genuine,) = house.rows["person_sessions"]
    house.user.insert("person_sessions", {**genuine, "session": name_digest(SESSION, "mine"), "mac": b"m" * 32})
    (route,) = [row for row in house.rows["routes"] if row["kind"] == SESSION]
    house.user.insert("routes", {**route, "name": name_digest(SESSION, "mine")})
    with house.broker.database.transaction() as tx:
        assert account == signed_in(tx, house.broker, session).key
        with pytest.raises(Unauthorized):
            signed_in(tx, house.broker, "mine")


def test_who_can_insert_rows_gives_no_code_for_anybodys_consent(house: House) -> None:
    """Else a business with a friend at the database could read handle and record of every consent of others."""
    (consent,) = house.rows["consents"]
    mine = {"account": consent["account"], "mac": b"m" * 32, "expires_at": "2100-01-01 00:00:00.000000+00"}
    if house.broker.database.engine.dialect.name == "sqlite":
        mine["expires_at"] = "2100-01-01 00:00:00.000000"
    code = {"client_id": "mine", "grant_id": consent["grant_id"], "redirect_uri": "", "scope": "", "challenge": ""}
    house.user.insert("codes", {**mine, **code, "code": name_digest(CODE, "a code")})
    house.user.insert("routes", {**mine, "kind": CODE, "name": name_digest(CODE, "a code"), "target": ""})
    with house.broker.database.transaction() as tx:
        assert (None, None) == claim_code(tx, "a code", client_id="mine", token_id="t", now=NOON)


def test_who_can_insert_rows_opens_nobodys_page(house: House) -> None:
    """Else the handle, which lies there sealed, could be read by a link of their own."""
    (consent,) = house.rows["consents"]
    link = {"account": consent["account"], "target": consent["grant_id"], "mac": b"m" * 32}
    house.user.insert("routes", {**link, "kind": CAPABILITY, "name": name_digest(CAPABILITY, "mine")})
    for act in (open_capability, withdraw_by_link):
        with pytest.raises(NotFound), house.broker.database.transaction() as tx:
            act(tx, house.broker, capability="mine")
