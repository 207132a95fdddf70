from __future__ import annotations

import pytest
from builders import NOON, an_account, seeded_random

from broker.core.blinding import Blinder
from broker.store.database import Database
from broker.store.people import find_person, save_proof
from broker.store.sealing import SealBroken, Sealer, store_sealer
from broker.store.tables import PersonRow

PLACE = "table.column:row"


def test_what_was_sealed_opens_in_its_place(store: Sealer) -> None:
    assert b"plain" == store.open(store.seal(b"plain", place=PLACE), place=PLACE)
    assert {"a": ["ü", 1, None]} == store.open_json(store.seal_json({"a": ["ü", 1, None]}, place=PLACE), place=PLACE)


@pytest.mark.parametrize("elsewhere", ["table.column:other row", "table.other:row", "other.column:row", ""])
def test_what_was_moved_to_another_row_or_column_does_not_open(store: Sealer, elsewhere: str) -> None:
    sealed = store.seal(b"plain", place=PLACE)
    with pytest.raises(SealBroken):
        store.open(sealed, place=elsewhere)


def test_a_change_of_any_one_bit_is_seen(store: Sealer) -> None:
    sealed = store.seal(b"plain", place=PLACE)
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealBroken):
            store.open(bytes(changed), place=PLACE)


@pytest.mark.parametrize("length", [0, 1, 11, 12, 13, 27])
def test_what_is_cut_short_does_not_open(store: Sealer, length: int) -> None:
    with pytest.raises(SealBroken):
        store.open(store.seal(b"plain", place=PLACE)[:length], place=PLACE)


def test_a_failure_names_the_column_and_neither_row_nor_value(store: Sealer) -> None:
    with pytest.raises(SealBroken) as caught:
        store.open(b"canary", place="consents.sealed_details:canary-row")
    assert "what is sealed at consents.sealed_details does not open" == caught.value.detail


def test_the_same_value_sealed_twice_looks_different(store: Sealer) -> None:
    assert store.seal(b"plain", place=PLACE) != store.seal(b"plain", place=PLACE)


def test_keys_made_or_derived_open_nothing_of_each_other(store: Sealer) -> None:
    sealers = [store, store.derive("one"), store.derive("two"), store.new_key(place=PLACE)[0]]
    for sealer in sealers:
        sealed = sealer.seal(b"plain", place=PLACE)
        for other in sealers:
            if other is not sealer:
                with pytest.raises(SealBroken):
                    other.open(sealed, place=PLACE)


def test_a_derived_key_is_the_same_every_time(store: Sealer) -> None:
    sealed = store.derive("a use").seal(b"plain", place=PLACE)
    assert b"plain" == Sealer(store.key, seeded_random(2)).derive("a use").open(sealed, place=PLACE)


def test_no_key_stands_in_what_a_sealer_says_of_itself(store: Sealer) -> None:
    assert "kkkk" not in repr(store)


def test_two_people_whose_rows_are_swapped_do_not_open(database: Database, store: Sealer) -> None:
    blinder = Blinder(b"b" * 32)
    people = PersonRow.__table__  # type: ignore[attr-defined]
    keys = []
    for account in (an_account("1001", "first"), an_account("1002", "second")):
        keys.append(blinder.account(account.account))
        with database.transaction() as tx:
            save_proof(tx, store, keys[-1], account, now=NOON)
    with database.transaction() as tx:
        first = tx.execute(people.select().where(people.c.account == keys[0])).one()
        swapped = {"wrapped_key": first.wrapped_key, "sealed_account": first.sealed_account}
        tx.execute(people.update().where(people.c.account == keys[1]).values(swapped))
    with database.transaction() as tx, pytest.raises(SealBroken):
        find_person(tx, store, keys[1])


# --- the store's key and its epochs ----------------------------------------------------------------------------

FIRST, SECOND = b"1" * 32, b"2" * 32


def test_what_the_store_seals_begins_with_its_epoch_and_the_newest_seals() -> None:
    sealed = store_sealer({1: FIRST, 258: SECOND}, seeded_random()).seal(b"plain", place=PLACE)
    assert b"\x01\x02" == sealed[:2]
    assert b"plain" == Sealer(SECOND, seeded_random()).open(sealed[2:], place=PLACE)


def test_what_an_older_epoch_sealed_opens_until_that_epoch_is_gone() -> None:
    sealed = store_sealer({1: FIRST}, seeded_random()).seal(b"plain", place=PLACE)
    assert b"plain" == store_sealer({2: SECOND, 1: FIRST}, seeded_random()).open(sealed, place=PLACE)
    with pytest.raises(SealBroken, match=r"sealed at table\.column is of storage epoch 1, whose key is not here"):
        store_sealer({2: SECOND}, seeded_random()).open(sealed, place=PLACE)


@pytest.mark.parametrize("epoch", [0, 2, 3, 65535])
def test_a_value_put_under_another_epoch_does_not_open(epoch: int) -> None:
    both = store_sealer({1: FIRST, 2: SECOND}, seeded_random())
    sealed = store_sealer({1: FIRST}, seeded_random()).seal(b"plain", place=PLACE)
    with pytest.raises(SealBroken):
        both.open(epoch.to_bytes(2) + sealed[2:], place=PLACE)


@pytest.mark.parametrize("length", [0, 1, 2, 13, 20])
def test_a_value_of_the_stores_that_is_cut_short_does_not_open(length: int) -> None:
    sealer = store_sealer({1: FIRST}, seeded_random())
    with pytest.raises(SealBroken):
        sealer.open(sealer.seal(b"plain", place=PLACE)[:length], place=PLACE)


def test_a_derived_use_has_the_same_epochs_and_opens_nothing_of_the_stores() -> None:
    old, both = store_sealer({1: FIRST}, seeded_random()), store_sealer({1: FIRST, 2: SECOND}, seeded_random())
    sealed = old.derive("a browser").seal(b"plain", place=PLACE)
    assert b"plain" == both.derive("a browser").open(sealed, place=PLACE)
    for other in (both, both.derive("another browser")):
        with pytest.raises(SealBroken):
            other.open(sealed, place=PLACE)


def test_a_persons_key_is_wrapped_under_an_epoch_and_seals_without_one() -> None:
    store = store_sealer({7: FIRST}, seeded_random())
    person, wrapped = store.new_key(place=PLACE)
    sealed = person.seal(b"plain", place=PLACE)
    again = store.unwrap(wrapped, place=PLACE)
    assert (b"\0\7", b"plain", Sealer) == (wrapped[:2], again.open(sealed, place=PLACE), type(again))


def test_no_key_stands_in_what_the_stores_sealer_says_of_itself() -> None:
    assert "111" not in repr(store_sealer({1: FIRST}, seeded_random()))
