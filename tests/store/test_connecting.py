"""How PostgreSQL is spoken to: straight, and through a real PgBouncer in transaction mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic

import pytest
from builders import NOON, a_pen, all_at_once
from harness import pgbouncer
from harness.pgbouncer import PgBouncer
from harness.postgres import PostgresCluster
from sqlalchemy import text

from broker.errors import Unavailable
from broker.store.connecting import Manner
from broker.store.database import Database
from broker.store.row_security import SETTING, bind
from broker.store.tokens import revoke_token, token_revoked

pytestmark = pytest.mark.postgres
SAID = ("statement_timeout", "lock_timeout", "synchronous_commit", "timezone", "jit")
EXPECTED = ("8s", "4s", "on", "UTC", "off")


@pytest.fixture(scope="session")
def bouncer(postgres: Callable[[], PostgresCluster]) -> Iterator[PgBouncer]:
    """Give a PgBouncer in front of the session's cluster."""
    if pgbouncer.BINARY is None:
        pytest.skip("there is no PgBouncer here (Debian: pgbouncer)")
    running = PgBouncer(postgres())
    yield running
    running.stop()


def another(database: Database, manner: Manner, address: Callable[[str], str] = str) -> Database:
    """Reach the same database in another manner."""
    return Database(address(database.engine.url.render_as_string(hide_password=False)), pen=a_pen(), manner=manner)


@pytest.fixture(params=["straight", "pooled"])
def reached(request: pytest.FixtureRequest, postgres_database: Database) -> Iterator[Callable[..., Database]]:
    """Give what reaches the database, straight or through PgBouncer."""
    opened: list[Database] = []
    pooled = request.param == "pooled"
    address = request.getfixturevalue("bouncer").address if pooled else str

    def reach(**manner: int) -> Database:
        opened.append(another(postgres_database, Manner(pooled=pooled, **manner), address))
        return opened[-1]

    yield reach
    for database in opened:
        database.close()


def shown(database: Database) -> list[tuple[str, ...]]:
    """Return what holds in a transaction that writes, in one that looks, and in a snapshot."""
    found = []
    for begin in (database.transaction, database.reading, database.snapshot):
        with begin() as tx:
            found.append(tuple(tx.execute(text(f"SHOW {name}")).scalar_one() for name in SAID))
    return found


def test_every_transaction_has_its_limits_and_a_snapshot_as_long_as_it_takes(
    reached: Callable[..., Database],
) -> None:
    database = reached()
    for _ in range(3):
        assert [EXPECTED, EXPECTED, ("0", *EXPECTED[1:])] == shown(database)


def test_a_statement_ends_after_the_time_that_was_set(reached: Callable[..., Database]) -> None:
    database, began = reached(statement_timeout=1), monotonic()
    with pytest.raises(Unavailable), database.transaction() as tx:
        tx.execute(text("SELECT pg_sleep(5)"))
    assert 0.9 < monotonic() - began < 4
    assert database.answers()


def test_a_lock_is_waited_for_half_as_long(reached: Callable[..., Database]) -> None:
    database = reached(statement_timeout=2)
    with database.transaction() as holder:
        holder.execute(text("LOCK TABLE rulings"))
        began = monotonic()
        with pytest.raises(Unavailable), database.transaction() as tx:
            tx.execute(text("LOCK TABLE rulings"))
        assert 0.9 < monotonic() - began < 1.9


def test_many_at_once_read_what_they_wrote_and_hold_no_session(reached: Callable[..., Database]) -> None:
    database = reached()

    def write(number: int) -> bool:
        for turn in range(12):
            with database.transaction() as tx:
                bind(tx, f"client {number}")
                revoke_token(tx, f"token {number} {turn}", expires_at=NOON)
                bound = tx.execute(text(f"SELECT current_setting('{SETTING}')")).scalar_one()
            with database.reading() as tx:
                after = tx.execute(text(f"SELECT coalesce(current_setting('{SETTING}', true), '')")).scalar_one()
                if not token_revoked(tx, f"token {number} {turn}") or (bound, after) != (f"client {number}", ""):
                    return False
        return True

    assert [True] * 8 == all_at_once(8, write)


def prepared(database: Database) -> int:
    """Say how many statements are prepared in the session that answers."""
    for _ in range(4):
        with database.reading() as tx:
            token_revoked(tx, "a token")
            found: int = tx.execute(
                text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT revoked_tokens%'")
            ).scalar_one()
    return found


def test_what_comes_again_is_prepared_straight_and_nothing_is_through_pgbouncer(
    postgres_database: Database, bouncer: PgBouncer
) -> None:
    straight, pooled = (
        another(postgres_database, Manner()), another(postgres_database, Manner(pooled=True), bouncer.address)
    )  # fmt: skip
    assert (1, 0) == (prepared(straight), prepared(pooled))
    for database in (straight, pooled):
        database.close()


def test_pgbouncer_keeps_nothing_of_a_transaction_for_the_next_in_its_session(
    postgres_database: Database, bouncer: PgBouncer
) -> None:
    pooled = another(postgres_database, Manner(pooled=True, statement_timeout=3), bouncer.address)
    for _ in range(2 * pgbouncer.SESSIONS):
        with pooled.transaction() as tx:
            tx.execute(text("SELECT 1"))
        with pooled.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as bare:
            assert "0" == bare.execute(text("SHOW statement_timeout")).scalar_one()
    pooled.close()


def test_whoever_speaks_straight_to_pgbouncer_is_refused_at_once(
    postgres_database: Database, bouncer: PgBouncer
) -> None:
    straight = another(postgres_database, Manner(), bouncer.address)
    assert not straight.answers()
    straight.close()
