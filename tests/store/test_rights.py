"""Roles with few rights, on real PostgreSQL: what is refused is tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields

import pytest
from builders import NOON, a_pen
from harness.postgres import PostgresCluster
from sqlalchemy import Executable, Table, Update, delete, text, update
from sqlalchemy.exc import DBAPIError

from broker.errors import BadConfiguration, Unavailable
from broker.store.columns import metadata
from broker.store.connecting import Manner
from broker.store.database import Database
from broker.store.migrating import migrate
from broker.store.rights import RIGHTS, role_statements
from broker.store.tokens import revoke_token

#: What is only ever added; whoever serves can neither change nor delete it.
ADDED = (
    *("receipts", "leaves", "decisions", "trail", "batches", "statements", "notices", "policy_texts", "erasures"),
    *("events", "actions", "standings", "redistributions", "led_to", "tainted_pairs", "use_cases"),
    *("log_head", "log_tiles", "checkpoints"),
)
#: What of it the companion and the commands cannot delete either; of the first ones they can change nothing.
STAYS = ("batches", "notices", "policy_texts", "erasures", "actions", "standings", "redistributions", "use_cases")
LOGGED = ("receipts", "leaves", "trail", "statements", "events", "log_head", "clients")
NOBODYS = ("TRUNCATE", "REFERENCES", "TRIGGER")


@dataclass(frozen=True)
class Doors:
    """One database by each of its roles."""

    superuser: Database
    owner: Database
    serving: Database
    keeping: Database

    def close(self) -> None:
        """Give every connection back."""
        for field in fields(self):
            getattr(self, field.name).close()


@pytest.fixture(scope="module")
def doors(postgres: Callable[[], PostgresCluster]) -> Iterator[Doors]:
    """Make roles as an operator does, and migrate as the owner."""
    url = postgres().fresh_database()
    name = url.rsplit("/", 1)[1]

    def door(role: str) -> Database:
        return Database(url.replace("broker@", f"{role}@"), pen=a_pen())

    opened = Doors(door("broker"), door("few_owner"), door("few_serving"), door("few_keeping"))
    prepare(opened.superuser, name)
    migrate(opened.owner)
    yield opened
    opened.close()


def prepare(database: Database, name: str) -> None:
    """Run what `broker database roles` prints."""
    with database.engine.begin() as tx:
        for statement in role_statements("few", name, manner=Manner()):
            tx.execute(text(statement))


@contextmanager
def refused(database: Database) -> Iterator[Callable[[str | Executable], None]]:
    """Give what tries a statement that must be refused for want of a right."""

    def try_it(statement: str | Executable) -> None:
        with pytest.raises(DBAPIError) as caught, database.engine.begin() as tx:
            tx.execute(text(statement) if isinstance(statement, str) else statement)
        assert "InsufficientPrivilege" == type(caught.value.orig).__name__, statement

    yield try_it


def same(table: Table, column: str) -> Update:
    """A change of a column to what it is: the right is asked for, and nothing else could fail."""
    return update(table).values({column: table.c[column]})


@pytest.mark.postgres
@pytest.mark.parametrize("table", ADDED)
def test_whoever_serves_can_neither_change_nor_delete_what_is_only_added(doors: Doors, table: str) -> None:
    found = metadata.tables[table]
    with refused(doors.serving) as fails:
        for column in found.columns:
            fails(same(found, column.name))
        fails(delete(found))


@pytest.mark.postgres
@pytest.mark.parametrize("table", [*STAYS, *LOGGED])
def test_whoever_keeps_cannot_delete_what_stays_and_change_little_of_it(doors: Doors, table: str) -> None:
    found = metadata.tables[table]
    keys = [column.name for column in found.primary_key if column.name != "account"]
    with refused(doors.keeping) as fails:
        fails(delete(found))
        for column in [column.name for column in found.columns] if table in STAYS else keys:
            fails(same(found, column))


@pytest.mark.postgres
def test_nobody_rewrites_a_decision(doors: Doors) -> None:
    for door in (doors.serving, doors.keeping):
        with refused(door) as fails:
            for column in metadata.tables["decisions"].columns:
                fails(same(metadata.tables["decisions"], column.name))


@pytest.mark.postgres
@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE rulings", "DROP TABLE rulings", "ALTER TABLE decisions DISABLE ROW LEVEL SECURITY",
        "DROP POLICY own ON decisions", "CREATE TABLE theirs (a int)", "CREATE POLICY mine ON decisions USING (true)",
        "ALTER TABLE decisions ADD COLUMN more text", "SET ROLE few_owner",
        "UPDATE alembic_version SET version_num = '0'",
        "CREATE FUNCTION theirs() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ],
)  # fmt: skip
def test_neither_who_serves_nor_who_keeps_can_change_the_schema_or_its_locks(doors: Doors, statement: str) -> None:
    for door in (doors.serving, doors.keeping):
        with refused(door) as fails:
            fails(statement)


@pytest.mark.postgres
def test_whoever_serves_cannot_become_who_keeps(doors: Doors) -> None:
    with refused(doors.serving) as fails:
        fails("SET ROLE few_keeping")


@pytest.mark.postgres
def test_a_stranger_reaches_nothing(doors: Doors) -> None:
    with doors.superuser.engine.begin() as tx:
        tx.execute(text("CREATE ROLE stranger"))
        asked = text(
            "SELECT count(*) FROM pg_class c WHERE relkind IN ('r', 'S') AND relnamespace = 'public'::regnamespace"
            " AND has_table_privilege('stranger', c.oid, 'SELECT, INSERT, UPDATE, DELETE')"
        )
        assert 0 == tx.execute(asked).scalar_one()
        tx.execute(text("DROP ROLE stranger"))


@pytest.mark.postgres
def test_what_was_refused_is_unavailable_and_never_done(doors: Doors) -> None:
    with pytest.raises(Unavailable), doors.serving.transaction() as tx:  # noqa: PT012 - the second line fails
        revoke_token(tx, "a token", expires_at=NOON)
        tx.execute(text("DELETE FROM decisions"))
    with doors.serving.reading() as tx:
        assert 0 == tx.execute(text("SELECT count(*) FROM revoked_tokens")).scalar_one()


_WHOLE = """SELECT grantee, table_name, privilege_type FROM information_schema.role_table_grants
            WHERE grantee IN ('few_serving', 'few_keeping')"""
_SINGLE = """SELECT grantee, table_name, column_name FROM information_schema.column_privileges
             WHERE grantee IN ('few_serving', 'few_keeping') AND privilege_type = 'UPDATE'"""


def rights(doors: Doors) -> set[tuple[str, ...]]:
    """Return every right that the two roles have."""
    with doors.superuser.reading() as tx:
        return {tuple(row) for asked in (_WHOLE, _SINGLE) for row in tx.execute(text(asked))}


@pytest.mark.postgres
def test_migrating_again_gives_each_role_what_it_lacks_and_takes_what_is_too_much(doors: Doors) -> None:
    before = rights(doors)
    with doors.superuser.engine.begin() as tx:
        tx.execute(text("REVOKE ALL ON consents, trail FROM few_serving, few_keeping"))
        tx.execute(text("GRANT ALL ON decisions, receipts TO few_serving"))
        tx.execute(text("GRANT UPDATE (leaf) ON receipts TO few_serving"))
    assert before != rights(doors)
    migrate(doors.owner)
    assert before == rights(doors)
    assert not [right for right in before if right[2] in NOBODYS]


@pytest.mark.postgres
def test_making_roles_twice_changes_nothing(doors: Doors) -> None:
    before = rights(doors)
    prepare(doors.superuser, str(doors.superuser.engine.url.database))
    assert before == rights(doors)


@pytest.mark.postgres
def test_roles_take_over_the_tables_that_one_role_made(postgres: Callable[[], PostgresCluster]) -> None:
    url = postgres().fresh_database()
    alone = Database(url, pen=a_pen())
    migrate(alone)
    prepare(alone, url.rsplit("/", 1)[1])
    owner, serving = (Database(url.replace("broker@", f"few_{role}@"), pen=a_pen()) for role in ("owner", "serving"))
    migrate(owner)
    with serving.transaction() as tx:
        revoke_token(tx, "a token", expires_at=NOON)
    for database in (alone, owner, serving):
        database.close()


@pytest.mark.postgres
def test_limits_hold_for_who_serves_however_they_connect_and_not_for_the_owner(doors: Doors) -> None:
    for door, expected in ((doors.serving, "8s"), (doors.keeping, "8s"), (doors.owner, "0")):
        with door.engine.begin() as tx:
            tx.execute(text("RESET statement_timeout"))
            found = text("SELECT reset_val FROM pg_settings WHERE name = 'statement_timeout'")
            role = text(
                "SELECT count(*) FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole"
                " WHERE r.rolname = current_user AND 'statement_timeout=8000' = ANY(s.setconfig)"
            )
            assert "8000" == tx.execute(found).scalar_one()  # what the connection itself asks for
            assert (expected != "0") == bool(tx.execute(role).scalar_one())


def test_every_table_has_its_rights_and_every_right_a_column() -> None:
    assert set(metadata.tables) == set(RIGHTS)
    for name, both in RIGHTS.items():
        named = {*both.serving.update.split(), *both.keeping.update.split()}
        assert named <= {column.name for column in metadata.tables[name].columns}, name


def test_whoever_keeps_may_do_what_whoever_serves_may() -> None:
    for name, both in RIGHTS.items():
        serving, keeping = both.serving, both.keeping
        assert set(serving.update.split()) - {"mac"} <= set(keeping.update.split()), name
        assert serving.insert <= keeping.insert, name
        assert serving.delete <= keeping.delete, name


@pytest.mark.parametrize("prefix", ["", "Broker", "bro-ker", "a b", "1st", "x; DROP TABLE people"])
def test_a_name_that_needs_quotes_is_refused(prefix: str) -> None:
    with pytest.raises(BadConfiguration):
        list(role_statements(prefix, "broker", manner=Manner()))
