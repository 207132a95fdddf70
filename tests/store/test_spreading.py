"""The tables as Citus asks for them: held without a cluster, and tried on one where there is one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from builders import a_pen, undone
from sqlalchemy import Column, Index, Integer, MetaData, Table, UniqueConstraint, text

import broker.store.spreading
from broker.errors import BadConfiguration
from broker.store.columns import metadata
from broker.store.database import Database
from broker.store.migrating import migrate
from broker.store.row_security import IN_A_CLUSTER
from broker.store.spreading import BY, EVERYWHERE, HERE, distribute, faults, statements

#: SQLAlchemy's address of a coordinator, with an empty database that has Citus: all in it is dropped.
CLUSTER = os.environ.get("CITUS_DATABASE_URL")


def test_nothing_that_citus_would_refuse_is_in_the_tables() -> None:
    assert [] == faults()


def a_table(*parts: Column[int] | Index | UniqueConstraint, by: str = "account") -> Table:
    return Table("newcomers", MetaData(), Column(by, Integer, primary_key=True), Column("name", Integer), *parts)


BAD = {
    "a unique index": (a_table(Index("by_name", "name", unique=True)), "by_name leaves account out"),
    "a unique constraint": (a_table(UniqueConstraint("name", name="one_name")), "one_name leaves account out"),
    "another primary key": (a_table(by="other"), "leaves account out"),
}


@pytest.mark.parametrize(("table", "fault"), BAD.values(), ids=BAD)
def test_a_key_without_the_column_is_named(table: Table, fault: str) -> None:
    if "account" not in table.columns:
        table.append_column(Column("account", Integer, nullable=False))
    said = list(broker.store.spreading._faults_of(table, "account"))  # noqa: SLF001 - the check of one table
    assert [fault in one for one in said] == [True]


def test_a_table_without_a_place_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker.store.spreading, "HERE", HERE[1:])
    assert ["leaves has no place, or several"] == faults()


def test_what_is_about_a_person_lies_by_account_and_what_is_told_by_client() -> None:
    about = {name for name, table in metadata.tables.items() if next(iter(table.primary_key)).name == "account"}
    assert about == {name for name, column in BY.items() if column == "account"}
    assert {"clients", "notices", "policy_texts"} <= set(EVERYWHERE)
    beside = dict(statements())
    assert all("colocate_with => 'people'" in beside[name] for name in {*about, "handles"} - {"people"})


@pytest.mark.postgres
def test_no_trigger_is_on_any_table(postgres_database: Database) -> None:
    with postgres_database.reading() as tx:
        assert 0 == tx.execute(text("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal")).scalar_one()


@pytest.mark.postgres
def test_no_policy_looks_into_another_table_where_tables_are_spread(postgres_database: Database) -> None:
    looking = text("SELECT tablename FROM pg_policies WHERE concat(qual, with_check) LIKE '%SELECT%'")
    with undone(postgres_database) as tx:
        assert set(IN_A_CLUSTER) == set(tx.execute(looking).scalars())
        for statements_of_one in IN_A_CLUSTER.values():
            for statement in statements_of_one:
                tx.execute(text(statement))
        assert [] == list(tx.execute(looking).scalars())


def test_without_citus_nothing_is_spread(database: Database) -> None:
    with pytest.raises(BadConfiguration, match="no Citus"), database.transaction() as tx:
        distribute(tx)


@pytest.fixture
def cluster_database() -> Iterator[Database]:
    """Give an empty database of a cluster, migrated."""
    if not CLUSTER:
        pytest.skip("CITUS_DATABASE_URL names no coordinator")
    database = Database(CLUSTER, pen=a_pen())
    with database.engine.begin() as tx:
        for name in (*metadata.tables, "alembic_version"):
            tx.execute(text(f"DROP TABLE IF EXISTS {name} CASCADE"))
    migrate(database)
    yield database
    database.close()


def test_a_cluster_takes_every_table_once(cluster_database: Database) -> None:
    with cluster_database.transaction() as tx:
        assert {*BY, *EVERYWHERE} == set(distribute(tx))
    with cluster_database.transaction() as tx:
        assert [] == distribute(tx)
