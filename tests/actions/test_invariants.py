"""The checker itself: every lie that rows can tell turns it red."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from typing import Any

import pytest
from builders import a_question, an_account, an_identifier, asked, consented, proved, refused, registered
from invariants import faults_in
from raw_rows import in_clear, writings
from sqlalchemy import Connection, Table

from broker.actions.broker import Broker
from broker.actions.sign_in import sign_in
from broker.actions.withdraw_consent import withdraw_consent
from broker.store.columns import metadata
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
    "an event thrown away": ("events", None),
    "an event of no receipt": ("events", {"receipt_id": "made up"}),
    "an event of another kind": ("events", {"type": "consent-expired"}),
    "names that lead nowhere": ("routes", {"target": "made up"}),
    "names forgotten": ("routes", None),
    "a session forgotten": ("person_sessions", None),
    "a permit on no consent": ("decisions", {"permitted": True, "grant_id": "made up"}),
    "a denial with a basis": ("decisions", {"permitted": False, "basis": "consent"}),
    "a permit for another purpose": ("decisions", {"purpose": "direct-marketing"}),
    "a person thrown away": ("people", None),
    "a person's key destroyed": ("people", {"wrapped_key": b""}),
    "a refusal without its receipt": ("refusals", {"receipt_id": "made up"}),
    "a handle of nobody": ("handles", {"account": b"a" * 16}),
    "a handle in clear": ("refusals", {"receipt_id": "JaneCanary"}),
    "an e-mail address in clear": ("decisions", {"reason": "asked for Jane.Canary@mailbox.example"}),
    "a permanent id in hex": ("routes", {"name": b"2244994945".hex().encode()}),
}


@pytest.fixture
def history(sqlite_broker: Broker) -> None:
    """Let everything happen once: yes, no, an end, answers, a visit."""
    broker = sqlite_broker
    client = registered(broker)
    ended = consented(broker, client)
    with broker.database.transaction() as tx:
        withdraw_consent(tx, broker, account=ended.account, grant_id=ended.grant_id)
    consented(broker, client, None, "customer-care", identifier=an_identifier("second@mailbox.example"))
    refused(broker, client, identifier=an_identifier("third@mailbox.example"))
    for identifier in (an_identifier(), an_identifier("second@mailbox.example")):
        asked(broker, client, a_question(identifier=identifier))
    with broker.database.transaction() as tx:
        person = find_person(tx, broker.sealer, ended.account)
        assert person is not None
        sign_in(tx, broker, person)


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(("table", "told"), LIES.values(), ids=LIES)
def test_a_lie_in_the_rows_is_seen(sqlite_broker: Broker, table: str, told: dict[str, Any] | None) -> None:
    with sqlite_broker.database.engine.connect() as tx:
        assert [] == faults_in(tx, sqlite_broker)
        tell(tx, metadata.tables[table], told)
        assert [] != faults_in(tx, sqlite_broker)
        tx.rollback()


def tell(tx: Connection, table: Table, told: dict[str, Any] | None) -> None:
    """Drop the first row, or change every row; the first only where a change of the key would make them one."""
    key = list(table.primary_key)
    first = tx.execute(table.select().order_by(*key).limit(1)).one()
    only = [column == getattr(first, column.name) for column in key]
    if told is None:
        tx.execute(table.delete().where(*only))
    elif key[-1].name in told:
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
