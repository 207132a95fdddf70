"""Requests that may be sent again: one claim, one answer, kept sealed for as long as it was asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import NOON, all_at_once, an_id, undone

from broker.store.database import Database
from broker.store.idempotency import Kept, claim_key, keep_answer
from broker.store.sealing import SealBroken, Sealer
from broker.store.sweeping import sweep
from broker.store.terms_tables import IdempotencyRow
from broker.store.transaction import Transaction

NORTHWIND, CONTOSO = an_id("northwind"), an_id("contoso")
BODY, OTHER = b"b" * 32, b"o" * 32
DAY = timedelta(days=1)
ANSWER: dict[str, object] = {"id": "an association of jane.canary@mailbox.example"}


def claims(
    tx: Transaction, store: Sealer, client_id: str = NORTHWIND, key: bytes = b"one", **changes: object
) -> Kept | None:
    """Claim a key at noon for a day."""
    told = {"fingerprint": BODY, "now": NOON, "ends": NOON + DAY, **changes}
    return claim_key(tx, client_id, key, store=store, **told)  # type: ignore[arg-type]


def does(database: Database, store: Sealer, client_id: str = NORTHWIND, key: bytes = b"one") -> Kept | None:
    """Claim a key and, where it is free, answer."""
    with database.transaction() as tx:
        kept = claims(tx, store, client_id, key)
        if kept is None:
            keep_answer(tx, client_id, key, answer=ANSWER, store=store)
        return kept


def test_a_second_use_of_a_key_gets_the_first_answer(database: Database, store: Sealer) -> None:
    assert does(database, store) is None
    assert [Kept(BODY, ANSWER)] * 2 == [does(database, store) for _ in range(2)]


def test_another_body_under_the_same_key_is_told_from_the_first(database: Database, store: Sealer) -> None:
    does(database, store)
    with database.transaction() as tx:
        kept = claims(tx, store, fingerprint=OTHER)
    assert kept is not None
    assert BODY == kept.fingerprint


def test_a_key_is_its_own_clients_and_is_read_to_the_letter(database: Database, store: Sealer) -> None:
    for client_id, key in ((NORTHWIND, b"one"), (CONTOSO, b"one"), (NORTHWIND, b"One"), (NORTHWIND, b"one ")):
        assert does(database, store, client_id, key) is None


def test_what_was_undone_claims_nothing(database: Database, store: Sealer) -> None:
    with undone(database) as tx:
        assert claims(tx, store) is None
        keep_answer(tx, NORTHWIND, b"one", answer=ANSWER, store=store)
    assert does(database, store) is None


def test_a_key_is_free_again_at_the_end_of_its_day_and_not_before(database: Database, store: Sealer) -> None:
    does(database, store)
    with database.transaction() as tx:
        assert claims(tx, store, now=NOON + DAY - timedelta(microseconds=1)) is not None
    with undone(database) as tx:
        assert claims(tx, store, now=NOON + DAY, ends=NOON + 2 * DAY) is None


def test_of_many_at_once_one_acts_and_the_others_get_its_answer(database: Database, store: Sealer) -> None:
    outcomes = all_at_once(8, lambda _: does(database, store))
    assert 1 == outcomes.count(None)
    assert 7 == outcomes.count(Kept(BODY, ANSWER))


def test_of_many_at_once_on_a_key_that_has_ended_one_acts(database: Database, store: Sealer) -> None:
    does(database, store)

    def again(_: int) -> Kept | None:
        with database.transaction() as tx:
            kept = claims(tx, store, now=NOON + DAY, ends=NOON + 2 * DAY)
            if kept is None:
                keep_answer(tx, NORTHWIND, b"one", answer={}, store=store)
            return kept

    outcomes = all_at_once(6, again)
    assert 1 == outcomes.count(None)
    assert 5 == outcomes.count(Kept(BODY, {}))


def test_neither_key_nor_answer_lies_in_clear_and_an_answer_opens_only_in_its_place(
    database: Database, store: Sealer
) -> None:
    does(database, store, key=b"a-keyed-digest!!")
    does(database, store, CONTOSO)
    table = IdempotencyRow.__table__  # type: ignore[attr-defined]
    with database.transaction() as tx:
        rows = {row.client_id: row for row in tx.execute(table.select())}
        assert "jane" not in str(rows)
        moved = rows[CONTOSO].sealed_answer
        tx.execute(table.update().where(table.c.client_id == NORTHWIND).values(sealed_answer=moved))
    with pytest.raises(SealBroken), database.transaction() as tx:
        claims(tx, store, key=b"a-keyed-digest!!")


def test_what_has_ended_is_swept_and_what_has_not_stays(database: Database, store: Sealer) -> None:
    does(database, store)
    with database.transaction() as tx:
        sweep(tx, now=NOON + DAY, longest_session=DAY)
        assert claims(tx, store) is not None
        sweep(tx, now=NOON + DAY + timedelta(microseconds=1), longest_session=DAY)
        assert [] == tx.execute(IdempotencyRow.__table__.select()).all()  # type: ignore[attr-defined]
