"""What lies under the store's key is counted by epoch and moved to the newest, whoever writes meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from alembic import command
from builders import NOON, a_pen, an_account, an_id, seeded_random
from sqlalchemy import LargeBinary, Table, inspect, select, text
from sqlalchemy import column as column_of
from sqlalchemy import table as earlier

from broker.core.blinding import Blinder
from broker.store.columns import metadata
from broker.store.database import Database
from broker.store.epochs import BROWSER_SEALED, STORE_SEALED, Moved, SealedColumn, epochs_in_use, move_some
from broker.store.flows import Link, browser_sealer, claim_pushed, save_link, save_pushed
from broker.store.idempotency import claim_key, keep_answer
from broker.store.migrating import _config, migrate
from broker.store.people import find_person, save_proof
from broker.store.sealing import StoreSealer, store_sealer
from broker.store.tables import PersonRow
from broker.store.writing import change

FIRST, SECOND = b"1" * 32, b"2" * 32
BLINDER = Blinder(b"b" * 32)
#: Sealed under a person's own key, which is what is wrapped under the store's.
PERSON_SEALED = {
    "people.sealed_account", "consents.sealed_details", "receipts.sealed_disclosures", "statements.sealed_disclosures",
}  # fmt: skip
PEOPLE = next(sealed for sealed in STORE_SEALED if sealed.model is PersonRow)


@pytest.fixture
def old() -> StoreSealer:
    """Give the store's sealer of the first epoch."""
    return store_sealer({1: FIRST}, seeded_random())


@pytest.fixture
def new() -> StoreSealer:
    """Give the store's sealer after the second epoch began."""
    return store_sealer({1: FIRST, 2: SECOND}, seeded_random(3))


@pytest.fixture
def newest() -> StoreSealer:
    """Give the store's sealer after the first epoch was destroyed."""
    return store_sealer({2: SECOND}, seeded_random(4))


def met(database: Database, store: StoreSealer, *numbers: int) -> list[bytes]:
    """Let people prove accounts."""
    accounts = [an_account(str(1000 + number), f"bearer{number}") for number in numbers]
    keys = [BLINDER.account(account.account) for account in accounts]
    with database.transaction() as tx:
        for key, account in zip(keys, accounts, strict=True):
            save_proof(tx, store, key, account, now=NOON)
    return keys


def moved(database: Database, store: StoreSealer, sealed: SealedColumn = PEOPLE, *, limit: int = 100) -> list[Moved]:
    """Move a column, step by step, each in a transaction of its own."""
    steps: list[Moved] = []
    while not steps or steps[-1].last is not None:
        with database.transaction() as tx:
            after = steps[-1].last if steps else None
            steps.append(move_some(tx, sealed, store, after=after, limit=limit))
    return steps


def in_use(database: Database) -> dict[int, dict[str, int]]:
    """Count what lies under each epoch."""
    with database.reading() as tx:
        return epochs_in_use(tx)


def test_every_sealed_column_is_listed_as_the_stores_the_browsers_or_a_persons() -> None:
    """A new one must be said to be somebody's: the store's are moved when the store's key is changed."""
    named = {
        f"{table.name}.{column.name}" for table in metadata.tables.values() for column in table.columns
        if isinstance(column.type, LargeBinary) and column.name.startswith(("sealed_", "wrapped_"))
    }  # fmt: skip
    stores = {str(sealed.column) for sealed in STORE_SEALED}
    assert named == stores | {str(column) for column in BROWSER_SEALED} | PERSON_SEALED
    assert len(named) == len(STORE_SEALED) + len(BROWSER_SEALED) + len(PERSON_SEALED)


def test_people_are_moved_and_open_under_the_newest_epoch_alone(
    database: Database, old: StoreSealer, new: StoreSealer, newest: StoreSealer
) -> None:
    keys = met(database, old, *range(5))
    assert {1: {"people.wrapped_key": 5}} == in_use(database)
    assert [2, 2, 1, 0] == [step.anew for step in moved(database, new, limit=2)]
    assert {2: {"people.wrapped_key": 5}} == in_use(database)
    with database.reading() as tx:
        for number, key in enumerate(keys):
            person = find_person(tx, newest, key)
            assert person is not None
            assert str(1000 + number) == person.proven.account.id


def test_moving_again_moves_nothing(database: Database, old: StoreSealer, new: StoreSealer) -> None:
    met(database, old, 1, 2)
    moved(database, new)
    assert [Moved(0, 0, None)] == moved(database, new)


def test_what_was_broken_off_is_gone_on_with(database: Database, old: StoreSealer, new: StoreSealer) -> None:
    met(database, old, *range(3))
    with database.transaction() as tx:
        move_some(tx, PEOPLE, new, after=None, limit=1)
    assert {1: {"people.wrapped_key": 2}, 2: {"people.wrapped_key": 1}} == in_use(database)
    assert 2 == sum(step.anew for step in moved(database, new))
    assert [2] == list(in_use(database))


def test_moved_rows_have_their_macs_and_their_trail(database: Database, old: StoreSealer, new: StoreSealer) -> None:
    met(database, old, 1)
    people = PersonRow.__table__  # type: ignore[attr-defined]
    with database.reading() as tx:
        before = (
            tx.execute(select(people.c.mac)).scalar_one(),
            tx.execute(text("SELECT count(*) FROM trail")).scalar_one(),
        )
    moved(database, new)
    with database.reading() as tx:
        after = (
            tx.execute(select(people.c.mac)).scalar_one(),
            tx.execute(text("SELECT count(*) FROM trail")).scalar_one(),
        )
    assert (True, before[1] + 1) == (before[0] != after[0], after[1])


def test_a_row_that_does_not_open_is_counted_and_keeps_nobody_from_the_rest(
    database: Database, old: StoreSealer, new: StoreSealer
) -> None:
    keys = met(database, old, *range(3))
    with database.transaction() as tx:
        change(
            tx, PersonRow, PEOPLE.column == PEOPLE.column, PEOPLE.keys[0] == keys[1], wrapped_key=b"\0\1" + b"x" * 60
        )
    (first, *_) = moved(database, new)
    assert (2, 1) == (first.anew, first.broken)
    assert {1: {"people.wrapped_key": 1}, 2: {"people.wrapped_key": 2}} == in_use(database)


def test_what_somebody_else_wrote_meanwhile_stays_theirs(
    own_sqlite: Database, old: StoreSealer, new: StoreSealer
) -> None:
    """Sealed anew is only what is still what was read."""
    (key,) = met(own_sqlite, old, 1)
    with own_sqlite.transaction() as tx:
        theirs = new.seal(b"w" * 32, place=f"people.wrapped_key:{key.hex()}")
        swapped = SealedColumn(PersonRow, "wrapped_key", lambda _row: _written_between(tx, key, theirs))
        move_some(tx, swapped, new, after=None, limit=1)
        assert theirs == tx.execute(select(PEOPLE.column)).scalar_one()


def _written_between(tx: Any, key: bytes, value: bytes) -> str:  # noqa: ANN401 - a transaction
    """Write the row between its reading and its writing."""
    change(tx, PersonRow, PEOPLE.keys[0] == key, wrapped_key=value)
    return f"people.wrapped_key:{key.hex()}"


def test_pushed_requests_and_answers_are_moved_and_links_are_counted(
    database: Database, old: StoreSealer, new: StoreSealer, newest: StoreSealer
) -> None:
    client = an_id("northwind")
    key: dict[str, Any] = {"client_id": client, "key": b"k" * 32}
    link = Link(link_id=an_id("link"), platform="x", attempt={"state": "s"}, request=None, account=None)
    with database.transaction() as tx:
        save_pushed(tx, "urn:one", {"a": 1}, client_id=client, expires_at=NOON.replace(hour=13), store=old)
        claim_key(tx, **key, fingerprint=b"f" * 32, now=NOON, ends=NOON.replace(hour=13), store=old)
        keep_answer(tx, **key, answer={"status": 200}, store=old)
        save_link(tx, link, browser="b", state="s", expires_at=NOON.replace(hour=13), store=browser_sealer(old, "b"))
    for sealed in STORE_SEALED:
        moved(database, new, sealed)
    assert {
        1: {"links.sealed_attempt": 1}, 2: {"idempotency.sealed_answer": 1, "pushed_requests.sealed_request": 1},
    } == in_use(database)  # fmt: skip
    with database.transaction() as tx:
        assert {"a": 1} == claim_pushed(tx, "urn:one", client_id=client, now=NOON, store=newest)
        kept = claim_key(tx, **key, fingerprint=b"f" * 32, now=NOON, ends=NOON.replace(hour=13), store=newest)
    assert kept is not None
    assert {"status": 200} == kept.answer


# --- from a release without epochs ----------------------------------------------------------------------------

SEALED = {
    "people": ["wrapped_key"], "receipts": ["sealed_jwt"], "statements": ["sealed_jwt"],
    "idempotency": ["sealed_answer"], "pushed_requests": ["sealed_request"],
    "links": ["sealed_attempt", "sealed_request", "sealed_account"],
}  # fmt: skip
#: Bytes that text would not bear: NUL, and what is no UTF-8.
ODD = bytes(range(256)) + b"\0\xff\xfe\xc3\0"


def to(database: Database, revision: str, *, up: bool = True) -> None:
    """Bring the database to one revision."""
    config = _config()
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        (command.upgrade if up else command.downgrade)(config, revision)


@pytest.fixture
def second_release(empty_url: str) -> Iterator[Database]:
    """Give a database of the second release with something sealed in every column that the store's key sealed."""
    database = Database(empty_url, pen=a_pen())
    to(database, "0002")
    with database.engine.begin() as tx:
        for name in SEALED:
            table = metadata.tables[name]
            there = {column["name"] for column in inspect(tx).get_columns(name)}
            columns = [column for column in table.columns if column.name in there]
            tx.execute(_of(table, columns).insert().values({column.name: _filled(name, column) for column in columns}))
    yield database
    database.close()


def _of(table: Table, columns: list[Any]) -> Any:  # noqa: ANN401 - a lightweight table
    """The table as the earlier release had it."""
    return earlier(table.name, *(column_of(column.name, column.type) for column in columns))


def _filled(table: str, column: Any) -> object:  # noqa: ANN401 - a column of any type
    """A value of the column's kind; what may be missing is."""
    if column.name in SEALED[table]:
        return None if column.nullable else ODD
    if column.nullable:
        return None
    kinds: dict[str, object] = {"UtcDateTime": NOON, "LargeBinary": b"b" * 16, "Integer": 1, "JSON": {}}
    return kinds.get(type(column.type).__name__, "text")


def test_everything_that_the_stores_key_sealed_is_of_the_first_epoch(second_release: Database) -> None:
    migrate(second_release)
    with second_release.reading() as tx:
        for name, columns in SEALED.items():
            for column in (metadata.tables[name].c[column] for column in columns):
                expected = None if column.nullable else b"\0\1" + ODD
                assert [expected] == tx.execute(select(column)).scalars().all()
    assert {1} == in_use(second_release).keys()
    assert sum(map(len, SEALED.values())) - 2 == len(in_use(second_release)[1])


def test_the_way_down_takes_the_epoch_off_again(second_release: Database) -> None:
    migrate(second_release)
    to(second_release, "0002", up=False)
    with second_release.reading() as tx:
        assert [ODD] == tx.execute(select(metadata.tables["receipts"].c.sealed_jwt)).scalars().all()
        assert [ODD] == tx.execute(select(metadata.tables["links"].c.sealed_attempt)).scalars().all()


def test_an_answer_that_is_still_to_be_given_is_of_no_epoch(second_release: Database) -> None:
    """It is claimed as nothing, and nothing it stays."""
    with second_release.engine.begin() as tx:
        tx.execute(text("UPDATE idempotency SET sealed_answer = :nothing"), {"nothing": b""})
    migrate(second_release)
    with second_release.reading() as tx:
        assert [b""] == tx.execute(select(metadata.tables["idempotency"].c.sealed_answer)).scalars().all()
    assert "idempotency.sealed_answer" not in in_use(second_release)[1]
