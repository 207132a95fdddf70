"""The second lock, with the application's own predicate taken away: bare statements over each table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from builders import NOON, a_pen, a_registration, an_id, undone
from sqlalchemy import Boolean, Connection, Integer, LargeBinary, Table, delete, event, insert, select, text, update
from sqlalchemy.exc import ProgrammingError

from broker.core.client import Client, Standing
from broker.store.clients import enter_client, find_client, save_client
from broker.store.columns import metadata
from broker.store.database import Database
from broker.store.row_security import SETTING, bind, locks
from broker.store.types import UtcDateTime

pytestmark = pytest.mark.postgres
NORTHWIND, CONTOSO = an_id("northwind"), an_id("contoso")
WITH_CLIENT = sorted(name for name, table in metadata.tables.items() if "client_id" in table.columns)
_NUMBERS = count(1)
#: A role with every right and no predicate of its own: what is refused to it, the policies refuse.
_HAND = """DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bare_hand')
           THEN CREATE ROLE bare_hand LOGIN; END IF; END $$"""


def a_value(column: Any) -> object:  # noqa: ANN401 - any column
    """Return something that fits a column, and is in no other row."""
    number = next(_NUMBERS)
    kinds: Mapping[type, object] = {
        LargeBinary: number.to_bytes(16), UtcDateTime: NOON, Boolean: True, Integer: number,
    }  # fmt: skip
    fits = (value for kind, value in kinds.items() if isinstance(column.type, kind))
    return next(fits, {} if column.type.python_type is dict else f"{number:026}")


def a_row(table: Table, **given: object) -> dict[str, object]:
    """Return a row that fits a table."""
    return {column.name: given.get(column.name, a_value(column)) for column in table.columns} | given


@pytest.fixture
def hand(postgres_database: Database) -> Iterator[Database]:
    """Give the database under a role that owns nothing and may do everything; each table has a row of two clients."""
    with postgres_database.engine.begin() as tx:
        for statement in (_HAND, "GRANT ALL ON ALL TABLES IN SCHEMA public TO bare_hand"):
            tx.execute(text(statement))
        for name in WITH_CLIENT:
            for client_id in (NORTHWIND, CONTOSO):
                tx.execute(insert(metadata.tables[name]), a_row(metadata.tables[name], client_id=client_id))
    url = postgres_database.engine.url.set(username="bare_hand")
    database = Database(url.render_as_string(hide_password=False), pen=a_pen())
    yield database
    database.close()


@contextmanager
def bound(database: Database, client_id: str = NORTHWIND) -> Iterator[Connection]:
    """Give a program's transaction, undone at its end."""
    with undone(database) as tx:
        bind(tx, client_id)
        yield tx


def clients_in(tx: Connection, statement: Any) -> list[str]:  # noqa: ANN401 - any statement
    return sorted(tx.execute(statement).scalars())


def bare_update(table: Table) -> Any:  # noqa: ANN401 - a statement
    return update(table).values(mac=b"spoilt").returning(table.c.client_id)


def bare_delete(table: Table) -> Any:  # noqa: ANN401 - a statement
    return delete(table).returning(table.c.client_id)


def bare_select(table: Table) -> Any:  # noqa: ANN401 - a statement
    return select(table.c.client_id)


@pytest.mark.parametrize("bare", [bare_select, bare_update, bare_delete])
def test_a_bare_statement_of_a_program_reaches_its_clients_rows_alone(
    hand: Database, bare: Callable[[Table], Any]
) -> None:
    with bound(hand) as tx:
        assert {name: [NORTHWIND] for name in WITH_CLIENT} == {
            name: clients_in(tx, bare(metadata.tables[name])) for name in WITH_CLIENT
        }


@pytest.mark.parametrize("bare", [bare_select, bare_update, bare_delete])
def test_who_names_no_client_is_not_bound(hand: Database, bare: Callable[[Table], Any]) -> None:
    with undone(hand) as tx:
        assert {name: [CONTOSO, NORTHWIND] for name in WITH_CLIENT} == {
            name: clients_in(tx, bare(metadata.tables[name])) for name in WITH_CLIENT
        }


@pytest.mark.parametrize("name", WITH_CLIENT)
def test_no_row_is_added_for_another_client_and_none_is_given_to_it(hand: Database, name: str) -> None:
    table = metadata.tables[name]
    with bound(hand) as tx, pytest.raises(ProgrammingError, match="row-level security"):
        tx.execute(insert(table), a_row(table, client_id=CONTOSO))
    with bound(hand) as tx, pytest.raises(ProgrammingError, match="row-level security"):
        tx.execute(update(table).values(client_id="somebody else"))


def test_groups_of_sheets_and_cautions_are_whose_they_are_though_no_column_names_a_client(hand: Database) -> None:
    sheets, groups, cautions = (metadata.tables[name] for name in ("sheets", "sheet_entries", "cautions"))
    with hand.engine.begin() as tx:
        for client_id in (NORTHWIND, CONTOSO):
            tx.execute(insert(sheets), a_row(sheets, client_id=client_id, sheet_id=f"of {client_id}"))
            tx.execute(insert(groups), a_row(groups, sheet_id=f"of {client_id}"))
        for whose in (NORTHWIND, CONTOSO, "*"):
            tx.execute(insert(cautions), a_row(cautions, whose=whose))
    statements = [
        *(lambda: select(groups.c.sheet_id), lambda: delete(groups).returning(groups.c.sheet_id)),
        lambda: update(groups).values(mac=b"spoilt").returning(groups.c.sheet_id),
    ]
    for bare in statements:
        with bound(hand) as tx:
            assert [f"of {NORTHWIND}"] == clients_in(tx, bare())
        with undone(hand) as tx:
            assert sorted(f"of {client_id}" for client_id in (NORTHWIND, CONTOSO)) == clients_in(tx, bare())
    with bound(hand) as tx:
        assert sorted([NORTHWIND, "*"]) == clients_in(tx, select(cautions.c.whose))
        assert sorted([NORTHWIND, "*"]) == clients_in(tx, delete(cautions).returning(cautions.c.whose))
        with pytest.raises(ProgrammingError, match="row-level security"):
            tx.execute(insert(cautions), a_row(cautions, whose=CONTOSO))


def test_a_transaction_is_bound_until_it_ends_and_the_next_on_its_connection_is_not(hand: Database) -> None:
    with hand.engine.connect() as connection:
        with connection.begin():
            bind(connection, NORTHWIND)
            assert [NORTHWIND] == clients_in(connection, text("SELECT client_id FROM decisions"))
        with connection.begin():
            assert [CONTOSO, NORTHWIND] == clients_in(connection, text("SELECT client_id FROM decisions"))


def test_an_objection_to_everybody_is_seen_by_every_client_and_changed_by_none(hand: Database) -> None:
    table = metadata.tables["objections"]
    with hand.engine.begin() as tx:
        tx.execute(insert(table), a_row(table, client_id="*"))
    with bound(hand) as tx:
        assert ["*", NORTHWIND] == clients_in(tx, bare_select(table))
        assert [NORTHWIND] == clients_in(tx, bare_update(table))
        assert [NORTHWIND] == clients_in(tx, bare_delete(table))


def test_the_place_of_a_receipt_that_is_nobodys_consent_can_be_taken_and_not_changed(hand: Database) -> None:
    table = metadata.tables["status_entries"]
    with bound(hand) as tx:
        tx.execute(insert(table), a_row(table, client_id=None))
        assert [None, NORTHWIND] == sorted(tx.execute(bare_select(table)).scalars(), key=str)
        assert [NORTHWIND] == clients_in(tx, bare_update(table))


def test_a_ceiling_counts_what_the_owners_other_applications_handed_over_and_nobody_elses(hand: Database) -> None:
    cases, recipients, ledger = (metadata.tables[name] for name in ("use_cases", "recipients", "redistributions"))
    sister, place = an_id("sister"), {"environment": "prod"}
    with hand.engine.begin() as tx:
        for client_id, owner in ((NORTHWIND, "ours"), (sister, "ours"), (CONTOSO, "theirs")):
            tx.execute(insert(cases), a_row(cases, client_id=client_id, owner=owner, **place))
        for owner, client_id in (("ours", sister), ("theirs", CONTOSO)):
            tx.execute(insert(recipients), a_row(recipients, recipient_id=owner, owner=owner, **place))
            tx.execute(insert(ledger), a_row(ledger, recipient_id=owner, client_id=client_id))
    with bound(hand) as tx:
        assert sorted([NORTHWIND, sister]) == clients_in(tx, bare_select(ledger))
        assert [NORTHWIND] == clients_in(tx, bare_delete(ledger))


def unlocked(tx: Connection) -> set[str]:
    """Name the tables with ``client_id`` that are not locked."""
    locked = text(
        "SELECT c.relname FROM pg_class c JOIN pg_policies p ON p.tablename = c.relname"
        " WHERE c.relrowsecurity AND p.policyname = 'own' AND p.cmd = 'ALL' AND p.roles = '{public}'"
    )
    return set(WITH_CLIENT) - set(tx.execute(locked).scalars())


def test_every_table_with_a_client_is_locked(postgres_database: Database) -> None:
    with postgres_database.engine.begin() as tx:
        assert set() == unlocked(tx)


@pytest.mark.parametrize("fault", ["DROP POLICY own ON decisions", "ALTER TABLE decisions DISABLE ROW LEVEL SECURITY"])
def test_a_table_that_is_not_locked_is_named(postgres_database: Database, fault: str) -> None:
    with undone(postgres_database) as tx:
        tx.execute(text(fault))
        assert {"decisions"} == unlocked(tx)


def test_a_table_that_is_new_is_locked_in_the_same_words(postgres_database: Database) -> None:
    with undone(postgres_database) as tx:
        tx.execute(text("CREATE TABLE newcomers (client_id text)"))
        for statement in locks("newcomers"):
            tx.execute(text(statement))
        same = "SELECT qual FROM pg_policies WHERE policyname = 'own' AND tablename = '{}'"
        assert 1 == len({tx.execute(text(same.format(name))).scalar_one() for name in ("newcomers", "decisions")})


A_CLIENT = Client(client_id=NORTHWIND, registration=a_registration(), standing=Standing.ACTIVE, registered_at=NOON)


def test_finding_the_client_that_calls_binds_in_the_same_statement(postgres_database: Database) -> None:
    said: list[str] = []
    with postgres_database.transaction() as tx:
        save_client(tx, A_CLIENT)
        event.listen(tx, "before_cursor_execute", lambda *told: said.append(told[2]))
        assert A_CLIENT == enter_client(tx, NORTHWIND)
        assert 1 == len(said)
        assert NORTHWIND == tx.execute(text(f"SELECT current_setting('{SETTING}')")).scalar_one()


def test_looking_a_client_up_binds_nobody(postgres_database: Database) -> None:
    with postgres_database.transaction() as tx:
        save_client(tx, A_CLIENT)
        assert A_CLIENT == find_client(tx, NORTHWIND)
        assert tx.execute(text(f"SELECT current_setting('{SETTING}', true)")).scalar_one() in {None, ""}
