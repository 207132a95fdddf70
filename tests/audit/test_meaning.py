"""Rows that bear their MAC and their trail, as only the broker itself can write them, and that mean something false."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from audit.spoilt import Spoilt
from builders import NOON
from sqlalchemy import Table

from broker.actions.keep_log import keep_log
from broker.core.blinding import name_digest
from broker.core.sheet import Entry, digest_of, group_of, unpack
from broker.proof.highwater import read_high_water, write_high_water
from broker.store.delivery_tables import DeliveryRow
from broker.store.sheet_tables import SheetEntriesRow, SheetRow
from broker.store.tables import (
    AssociationRow,
    ConsentRow,
    DecisionRow,
    EventRow,
    LeafRow,
    NoticeRow,
    ReceiptRow,
    RefusalRow,
    RouteRow,
    StatusEntryRow,
)
from broker.store.terms_tables import ContactRow, GroundRow, StatementRow
from broker.store.transaction import Transaction
from broker.store.writing import add, change, drop, table_of

Wrong = Callable[[Transaction], str]
#: An entry that is left as it is.
AS_IT_IS: dict[str, Any] = {}


@pytest.fixture
def spoilt(sqlite_spoilt: Spoilt) -> Iterator[Spoilt]:
    """Give the history on SQLite alone: what rows mean is no matter of the database."""
    yield sqlite_spoilt
    sqlite_spoilt.put_back()


@pytest.fixture
def mistaken(spoilt: Spoilt) -> Iterator[Callable[[Wrong], set[tuple[str, str]]]]:
    """Let the broker make a mistake, with its own pen and its log kept; give what the audit names."""
    mark = read_high_water(spoilt.broker.log.marks)

    def run(wrong: Wrong) -> set[tuple[str, str]]:
        with spoilt.broker.database.transaction() as tx:
            wrong(tx)
        keep_log(spoilt.broker)
        return {(finding.table, finding.wrong) for finding in spoilt.findings()}

    yield run
    write_high_water(spoilt.broker.log.marks, mark)


def one(tx: Transaction, model: type, **same: object) -> dict[str, Any]:
    """A row of which that is true."""
    table: Table = table_of(model)
    where = [table.c[name] == value for name, value in same.items()]
    return tx.execute(table.select().where(*where)).first()._asdict()  # type: ignore[union-attr]


def the(model: type, row: dict[str, Any]) -> list[Any]:
    """The condition that finds that row."""
    return [column == row[column.name] for column in table_of(model).primary_key]


def alive(tx: Transaction) -> dict[str, Any]:
    """A consent that is given."""
    return one(tx, ConsentRow, status="given")


def changed(model: type, found: Callable[[Transaction], dict[str, Any]], **values: object) -> Wrong:
    """Change a row to something else."""

    def run(tx: Transaction) -> str:
        row = found(tx)
        change(tx, model, *the(model, row), **values)
        return str(row)

    return run


def dropped(model: type, found: Callable[[Transaction], dict[str, Any]]) -> Wrong:
    """Delete a row as the broker deletes."""

    def run(tx: Transaction) -> str:
        row = found(tx)
        drop(tx, model, *the(model, row))
        return str(row)

    return run


def of(model: type, **same: object) -> Callable[[Transaction], dict[str, Any]]:
    """A row of which that is true."""
    return lambda tx: one(tx, model, **same)


def beside(model: type, **same: object) -> Callable[[Transaction], dict[str, Any]]:
    """What lies beside a consent that is given, and of which that is true."""
    return lambda tx: one(tx, model, grant_id=alive(tx)["grant_id"], **same)


def its_receipt(tx: Transaction) -> dict[str, Any]:
    """The receipt of a consent that is given."""
    return one(tx, ReceiptRow, receipt_id=alive(tx)["receipt_id"])


def its_entry(tx: Transaction) -> dict[str, Any]:
    """The status entry of a consent that is given."""
    receipt = its_receipt(tx)
    return one(tx, StatusEntryRow, list_id=receipt["status_list"], position=receipt["status_index"])


def its_route(tx: Transaction) -> dict[str, Any]:
    """The route to a grant that is given."""
    return one(tx, RouteRow, kind="grant", name=name_digest("grant", alive(tx)["grant_id"]))


def linked_without_consent(tx: Transaction) -> str:
    """An association that nobody allowed."""
    row = {name: value for name, value in one(tx, AssociationRow).items() if name != "mac"}
    add(tx, AssociationRow, **{**row, "grant_id": "z" * 26})
    return "z" * 26


def leaf_of_nothing(tx: Transaction) -> str:
    """A leaf that no evidence is behind."""
    add(tx, LeafRow, leaf=b"l" * 32, kind="receipt", left_at=NOON)
    return "l" * 32


def statement_of_a_ground(tx: Transaction) -> dict[str, Any]:
    """The statement that an association rests on."""
    return one(tx, StatementRow, statement_id=one(tx, GroundRow)["statement_id"])


def in_a_sheet(
    *,
    outcome: dict[str, Any] | None = None,
    entry: dict[str, Any] | None = AS_IT_IS,
    group: int | None = None,
    more: bytes = b"",
) -> Wrong:
    """Write a permit in a sheet otherwise: its outcome, or its entry (None: leave it out) in its group or another."""

    def run(tx: Transaction) -> str:
        permit, sheet = a_permit(tx)
        outcomes = [{**said, **(outcome or {})} if said["permitted"] else said for said in sheet["outcomes"]]
        own = group_of(permit.account, sheet["groups"])
        into = own if group is None else group
        digests = sheet["digests"]
        for number in sorted({own, into}):
            found = one(tx, SheetEntriesRow, sheet_id=sheet["sheet_id"], number=number)
            kept = [it for it in unpack(found["entries"], sheet["width"]) if it != permit]
            if number == into and entry is not None:
                kept.append(permit._replace(**entry))
            entries = b"".join(sorted(packed(it, sheet["width"]) for it in kept)) + more
            change(tx, SheetEntriesRow, *the(SheetEntriesRow, found), entries=entries)
            digests = digests[: 32 * number] + digest_of(found["salt"], entries) + digests[32 * number + 32 :]
        change(tx, SheetRow, *the(SheetRow, sheet), outcomes=outcomes, digests=digests)
        return str(sheet)

    return run


def a_permit(tx: Transaction) -> tuple[Entry, dict[str, Any]]:
    """A permit that stands in a sheet from which nobody was taken out."""
    for sheet in tx.execute(table_of(SheetRow).select().where(table_of(SheetRow).c.blanked == 0)).all():
        for group in tx.execute(table_of(SheetEntriesRow).select().where(SheetEntriesRow.sheet_id == sheet.sheet_id)):  # type: ignore[arg-type] # a column
            for entry in unpack(group.entries, sheet.width):
                if entry.ground and not entry.led:
                    return entry, sheet._asdict()
    raise LookupError("a permit in a sheet")


def packed(entry: Entry, width: int) -> bytes:
    """An entry as it lies in its group."""
    numbers = entry.place.to_bytes(2) + (entry.outcome | entry.led << 15).to_bytes(2)
    return entry.account + entry.identifier + numbers + (entry.ground or "").encode().ljust(width, b"\0")


MISTAKES: dict[str, tuple[Wrong, str, str]] = {
    "a withdrawn consent that is given again": (
        changed(ConsentRow, of(ConsentRow, status="withdrawn"), status="given", ended_at=None),
        "consents",
        "says another status",
    ),
    "a consent for more than was ticked": (
        changed(ConsentRow, alive, purposes=["customer-care", "profiling"]),
        "consents",
        "says another purposes",
    ),
    "a consent for longer": (
        changed(ConsentRow, alive, valid_until=NOON + timedelta(days=900)),
        "consents",
        "says another valid_until",
    ),
    "a consent about another record": (changed(ConsentRow, alive, type="phone"), "consents", "says another type"),
    "an association without a consent": (linked_without_consent, "associations", "there is no consent for it"),
    "a consent without its association": (
        dropped(AssociationRow, beside(AssociationRow)),
        "associations",
        "is missing: its consent is given",
    ),
    "a consent without its receipt": (dropped(ReceiptRow, its_receipt), "receipts", "is missing"),
    "a receipt of another business": (
        changed(ReceiptRow, its_receipt, client_id="c" * 26),
        "receipts",
        "says another client_id",
    ),
    "an entry that says ended of what stands": (
        changed(StatusEntryRow, its_entry, value=1),
        "status_entries",
        "say another value",
    ),
    "a receipt without its entry": (dropped(StatusEntryRow, its_entry), "status_entries", "is missing"),
    "a grant that leads elsewhere": (changed(RouteRow, its_route, target="g" * 26), "routes", "it leads elsewhere"),
    "a grant that leads nowhere": (dropped(RouteRow, its_route), "routes", "is missing: it leads to"),
    "an event of another kind": (
        changed(EventRow, beside(EventRow, type="consent-granted"), type="consent-withdrawn"),
        "events",
        "says another type",
    ),
    "an event that was never told": (
        dropped(EventRow, beside(EventRow, type="consent-granted")),
        "events",
        "is missing",
    ),
    "an event that nobody is told of": (dropped(DeliveryRow, of(DeliveryRow)), "deliveries", "is missing: events"),
    "another event than happened": (
        changed(DeliveryRow, of(DeliveryRow, kind="consent-granted"), kind="handle-changed"),
        "deliveries",
        "has another kind",
    ),
    "an event of another account": (
        changed(DeliveryRow, of(DeliveryRow), queue=b"q" * 16),
        "deliveries",
        "another queue",
    ),
    "a receipt of another event": (
        changed(DeliveryRow, of(DeliveryRow), told={"grant_id": "g", "receipt_id": "r"}),
        "deliveries",
        "has another grant_id, receipt_id",
    ),
    "an event that never happened": (
        changed(DeliveryRow, of(DeliveryRow), event_id="e" * 26),
        "deliveries",
        "there is no event for it",
    ),
    "a refusal without its receipt": (
        changed(RefusalRow, of(RefusalRow), receipt_id="r" * 26),
        "receipts",
        "is missing: refusals",
    ),
    "a ground for other purposes": (
        changed(GroundRow, of(GroundRow), expected_purposes=["profiling"]),
        "grounds",
        "says another expected_purposes",
    ),
    "a ground without its statement": (
        dropped(StatementRow, statement_of_a_ground),
        "statements",
        "is missing: grounds",
    ),
    "a permit for another purpose": (
        changed(DecisionRow, of(DecisionRow, basis="consent"), purpose="direct-marketing"),
        "decisions",
        "does not cover it",
    ),
    "a permit of no consent": (
        changed(DecisionRow, of(DecisionRow, basis="consent"), identifier=b"n" * 16),
        "decisions",
        "there is no consent",
    ),
    "a permit in a sheet for a purpose that was not allowed": (
        in_a_sheet(outcome={"purpose": "direct-marketing"}),
        "sheets",
        "does not cover it",
    ),
    "a permit in a sheet of no consent": (in_a_sheet(entry={"identifier": b"n" * 16}), "sheets", "there is no consent"),
    "an entry in a sheet where nobody looks for it": (
        in_a_sheet(entry={"account": b"\0" * 16}, group=1),
        "sheet_entries",
        "not where it belongs",
    ),
    "an entry of an outcome that there is not": (
        in_a_sheet(entry={"outcome": 9}),
        "sheet_entries",
        "not where it belongs",
    ),
    "an answer in a sheet twice": (in_a_sheet(entry={"place": 5}), "sheets", "counts its answers otherwise"),
    "an answer in a sheet told otherwise": (in_a_sheet(entry={"outcome": 2}), "sheets", "counts its answers otherwise"),
    "an answer in a sheet too few": (in_a_sheet(entry=None), "sheets", "counts its answers otherwise"),
    "entries in a sheet that are no entries": (in_a_sheet(more=b"x"), "sheet_entries", "cannot be read"),
    "a message that nobody counted": (dropped(ContactRow, of(ContactRow)), "contacts", "is missing"),
    "a notice in other words": (
        changed(NoticeRow, of(NoticeRow), text="Nothing will happen."),
        "notices",
        "is not that of its digest",
    ),
    "a leaf of nothing": (leaf_of_nothing, "leaves", "there is no receipt"),
}


@pytest.mark.parametrize(("wrong", "table", "says"), MISTAKES.values(), ids=MISTAKES.keys())
def test_what_the_broker_itself_wrote_wrongly_is_named(
    mistaken: Callable[[Wrong], set[tuple[str, str]]], wrong: Wrong, table: str, says: str
) -> None:
    named = mistaken(wrong)
    assert any(found == table and says in told for found, told in named), named
