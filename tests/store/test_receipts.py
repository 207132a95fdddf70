from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import cycle

import pytest
from builders import NOON, all_at_once, an_id, undone

from broker.core.consent import ConsentStatus
from broker.errors import Unavailable
from broker.store.database import Database
from broker.store.receipts import (
    INVALID,
    LIST_SIZE,
    SLEEPING,
    VALID,
    Standing,
    StatusEntry,
    StoredReceipt,
    find_receipt,
    invalidate,
    list_receipts,
    put_to_sleep,
    save_notice,
    save_receipt,
    take_status_entry,
)
from broker.store.sealing import SealBroken, Sealer
from broker.store.tables import LeafRow, NoticeRow, ReceiptRow, StatusEntryRow

RECEIPT = StoredReceipt(
    account=b"a" * 16,
    receipt_id=an_id("a receipt"),
    grant_id="a grant",
    client_id="northwind",
    status=ConsentStatus.GIVEN,
    issued_at=NOON,
    jwt="header.payload.signature",
    disclosures=("WyJ0aGUgYWNjb3VudCJd", "WyJ0aGUgaWRlbnRpZmllciJd"),
    leaf=hashlib.sha256(b"header.payload.signature").digest(),
    entry=StatusEntry(list_id=1, position=7),
)


@pytest.fixture
def person(store: Sealer) -> Sealer:
    """Give a person's own sealer."""
    return store.new_key(place="a person")[0]


def save(database: Database, store: Sealer, person: Sealer, *receipts: StoredReceipt) -> None:
    """Keep receipts, all in one transaction."""
    with database.transaction() as tx:
        for receipt in receipts:
            save_receipt(tx, receipt, store=store, person=person)


def found(
    database: Database, store: Sealer, person: Sealer, receipt_id: str = RECEIPT.receipt_id
) -> StoredReceipt | None:
    """Find one receipt of the account."""
    with database.transaction() as tx:
        return find_receipt(tx, RECEIPT.account, receipt_id, store=store, person=person)


def test_a_receipt_is_found_as_it_was_saved(database: Database, store: Sealer, person: Sealer) -> None:
    save(database, store, person, RECEIPT)
    assert RECEIPT == found(database, store, person)
    assert found(database, store, person, an_id("another")) is None


def test_another_accounts_receipt_is_not_found(database: Database, store: Sealer, person: Sealer) -> None:
    save(database, store, person, replace(RECEIPT, account=b"b" * 16))
    assert found(database, store, person) is None


def test_receipts_are_listed_the_latest_first(database: Database, store: Sealer, person: Sealer) -> None:
    receipts = [
        replace(RECEIPT, receipt_id=name, leaf=name.encode(), issued_at=NOON + timedelta(minutes=minutes))
        for name, minutes in (("early", 0), ("late", 2), ("between", 1))
    ]
    save(database, store, person, *receipts)
    with database.transaction() as tx:
        listed = list_receipts(tx, RECEIPT.account, store=store, person=person)
    assert ["late", "between", "early"] == [receipt.receipt_id for receipt in listed]


def test_a_receipt_brings_its_leaf_that_waits_for_an_index(database: Database, store: Sealer, person: Sealer) -> None:
    save(database, store, person, RECEIPT)
    with database.transaction() as tx:
        leaf = tx.execute(LeafRow.__table__.select()).one()  # type: ignore[attr-defined]
    assert (RECEIPT.leaf, "receipt", NOON, None) == (leaf.leaf, leaf.kind, leaf.left_at, leaf.leaf_index)


def test_a_receipt_cannot_be_written_over(database: Database, store: Sealer, person: Sealer) -> None:
    save(database, store, person, RECEIPT)
    with pytest.raises(Unavailable):
        save(database, store, person, replace(RECEIPT, status=ConsentStatus.WITHDRAWN, leaf=b"another"))
    assert RECEIPT == found(database, store, person)


def test_a_second_leaf_of_the_same_bytes_is_refused_with_its_receipt(
    database: Database, store: Sealer, person: Sealer
) -> None:
    save(database, store, person, RECEIPT)
    with pytest.raises(Unavailable):
        save(database, store, person, replace(RECEIPT, receipt_id=an_id("another")))
    assert found(database, store, person, an_id("another")) is None


def test_neither_jwt_nor_disclosures_lie_in_clear(database: Database, store: Sealer, person: Sealer) -> None:
    save(database, store, person, RECEIPT)
    with database.transaction() as tx:
        row = tx.execute(ReceiptRow.__table__.select()).one()  # type: ignore[attr-defined]
    assert b"payload" not in row.sealed_jwt
    assert b"WyJ0" not in row.sealed_disclosures


def test_another_persons_key_does_not_open_the_disclosures(database: Database, store: Sealer, person: Sealer) -> None:
    save(database, store, person, RECEIPT)
    with pytest.raises(SealBroken):
        found(database, store, store.new_key(place="another person")[0])


def entries(database: Database) -> dict[tuple[int, int], int]:
    """Read every status entry."""
    with database.transaction() as tx:
        rows = tx.execute(StatusEntryRow.__table__.select()).all()  # type: ignore[attr-defined]
    return {(row.list_id, row.position): row.value for row in rows}


def takes(database: Database, draw: Callable[[int], int]) -> StatusEntry:
    """Take a consent's status entry in a transaction of its own."""
    with database.transaction() as tx:
        return take_status_entry(tx, draw=draw, standing=Standing(client_id="northwind", valid_until=NOON))


def test_a_consents_status_entry_begins_valid_at_the_place_that_was_drawn(database: Database) -> None:
    sizes: list[int] = []
    entry = takes(database, lambda size: sizes.append(size) or 131_071)
    assert (StatusEntry(list_id=1, position=131_071), [LIST_SIZE]) == (entry, sizes)
    assert {(1, 131_071): VALID} == entries(database)


def test_the_entry_of_what_is_no_consent_is_invalid_from_its_first_second(database: Database) -> None:
    with database.transaction() as tx:
        take_status_entry(tx, draw=lambda _: 3)
    assert {(1, 3): INVALID} == entries(database)


def test_a_taken_place_is_drawn_again(database: Database) -> None:
    drawn = iter([5, 5, 5, 6])
    places = [takes(database, lambda _: next(drawn)) for _ in range(2)]
    assert [(1, 5), (1, 6)] == [(place.list_id, place.position) for place in places]


def test_a_full_list_is_followed_by_the_next(database: Database) -> None:
    places = [takes(database, lambda _: 0) for _ in range(3)]
    assert [1, 2, 3] == [place.list_id for place in places]


def test_takers_at_once_get_places_of_their_own(database: Database) -> None:
    def take(_: int) -> StatusEntry:
        places = cycle(range(4))
        return takes(database, lambda _: next(places))

    assert 8 == len(set(all_at_once(8, take)))
    assert 8 == len(entries(database))


def test_a_taker_that_failed_leaves_its_place_free(database: Database) -> None:
    with undone(database) as tx:
        take_status_entry(tx, draw=lambda _: 0)
    assert StatusEntry(list_id=1, position=0) == takes(database, lambda _: 0)


def test_only_the_entry_that_is_meant_becomes_invalid(database: Database) -> None:
    for place in (1, 2):
        takes(database, lambda _, place=place: place)
    with database.transaction() as tx:
        invalidate(tx, StatusEntry(list_id=1, position=2))
    assert {(1, 1): VALID, (1, 2): INVALID} == entries(database)


def test_the_entry_of_a_consent_sleeps_and_wakes_up_unless_it_ended_meanwhile(
    database: Database, store: Sealer, person: Sealer
) -> None:
    def asleep(*, it_is: bool) -> int:
        with database.transaction() as tx:
            put_to_sleep(tx, RECEIPT.account, RECEIPT.receipt_id, asleep=it_is)
        return entries(database)[1, 7]

    save(database, store, person, RECEIPT)
    takes(database, lambda _: 7)
    assert [SLEEPING, SLEEPING, VALID] == [asleep(it_is=it) for it in (True, True, False)]
    with database.transaction() as tx:
        invalidate(tx, RECEIPT.entry)
    assert [INVALID, INVALID] == [asleep(it_is=it) for it in (True, False)]


def test_a_notice_is_kept_as_it_was_first_shown(database: Database) -> None:
    for moment in (NOON, NOON + timedelta(days=1)):
        with database.transaction() as tx:
            save_notice(tx, sha256="d", notice_id="n", version="1", language="en", text="the words", now=moment)
    with database.transaction() as tx:
        row = tx.execute(NoticeRow.__table__.select()).one()  # type: ignore[attr-defined]
    assert ("the words", NOON) == (row.text, row.first_shown_at)


def test_one_notice_shown_to_many_at_once_is_kept_once(database: Database) -> None:
    def show(_: int) -> bool:
        with database.transaction() as tx:
            save_notice(tx, sha256="d", notice_id="n", version="1", language="en", text="the words", now=NOON)
        return True

    assert [True] * 8 == all_at_once(8, show)
