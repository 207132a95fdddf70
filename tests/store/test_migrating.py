from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from builders import NOON, a_pen, but_parts
from sqlalchemy import inspect, text

import broker.store.migrating
from broker.errors import BadConfiguration, Unavailable
from broker.store.columns import metadata
from broker.store.database import Database
from broker.store.match_tables import CautionRow, PairRow
from broker.store.migrating import migrate, pending, require_schema
from broker.store.partitions import BY, FORMS, is_part
from broker.store.tokens import revoke_token, token_revoked
from broker.store.writing import table_of


@pytest.fixture
def unmigrated(empty_url: str) -> Iterator[Database]:
    """Give a database without a schema."""
    database = Database(empty_url, pen=a_pen())
    yield database
    database.close()


@pytest.fixture
def scripts() -> Config:
    """Give the migrations that are shipped."""
    config = Config()
    config.set_main_option("script_location", str(Path(broker.store.migrating.__file__).parent / "migrations"))
    return config


def revisions(scripts: Config) -> list[str]:
    """Name every migration, the oldest first."""
    return [script.revision for script in ScriptDirectory.from_config(scripts).walk_revisions()][::-1]


def downgrade(database: Database, scripts: Config) -> None:
    """Undo every migration."""
    with database.engine.begin() as connection:
        scripts.attributes["connection"] = connection
        command.downgrade(scripts, "base")


def differences(database: Database) -> list[object]:
    """Compare the schema there is with the tables of the code."""
    with database.engine.connect() as connection:
        opts = {"compare_type": True, "compare_server_default": True, "include_name": but_parts}
        context = MigrationContext.configure(connection, opts=opts)
        return list(compare_metadata(context, metadata))


def tables(database: Database) -> set[str]:
    """Name the tables there are."""
    return {name for name in inspect(database.engine).get_table_names() if not is_part(name)} - {"alembic_version"}


def test_the_migrations_make_the_tables_of_the_code(unmigrated: Database) -> None:
    migrate(unmigrated)
    assert [] == differences(unmigrated)
    assert set(metadata.tables) == tables(unmigrated)


def test_a_schema_that_lacks_a_column_is_seen_to_differ(unmigrated: Database) -> None:
    migrate(unmigrated)
    with unmigrated.transaction() as tx:
        tx.execute(text("ALTER TABLE decisions DROP COLUMN reason"))
    assert [] != differences(unmigrated)


def test_the_keys_of_the_migrations_are_those_of_the_code(unmigrated: Database) -> None:
    migrate(unmigrated)
    seen = inspect(unmigrated.engine)
    for name, table in metadata.tables.items():
        by = [BY] if name in FORMS and unmigrated.engine.dialect.name == "postgresql" else []
        key = [*(column.name for column in table.primary_key), *by]
        assert key == seen.get_pk_constraint(name)["constrained_columns"]
        required = {column.name for column in table.columns if not column.nullable}
        assert required == {column["name"] for column in seen.get_columns(name) if not column["nullable"]}


def test_the_account_leads_the_key_of_every_table_about_a_person() -> None:
    led = {name for name, table in metadata.tables.items() if next(iter(table.primary_key)).name == "account"}
    assert {
        "people", "consents", "associations", "refusals", "receipts", "codes", "decisions", "events", "person_sessions",
        "grounds", "statements", "tainted_pairs", "objections", "presences", "rechecks", "signals", "led_to",
    } == led  # fmt: skip
    # Of these it is the beginning of the key: account and record, or account and client, in one column.
    assert {"pairs": "pair", "cautions": "caution"} == {
        table_of(model).name: next(iter(table_of(model).primary_key)).name for model in (PairRow, CautionRow)
    }


def test_a_way_down_leads_to_nothing_and_up_again_to_the_same(unmigrated: Database, scripts: Config) -> None:
    migrate(unmigrated)
    downgrade(unmigrated, scripts)
    assert set() == tables(unmigrated)
    migrate(unmigrated)
    assert [] == differences(unmigrated)


def test_migrating_twice_changes_nothing_and_loses_no_row(unmigrated: Database) -> None:
    migrate(unmigrated)
    with unmigrated.transaction() as tx:
        revoke_token(tx, "a token", expires_at=NOON)
    migrate(unmigrated)
    with unmigrated.transaction() as tx:
        assert token_revoked(tx, "a token")


def test_what_is_missing_is_named_until_it_is_there(unmigrated: Database, scripts: Config) -> None:
    assert revisions(scripts) == pending(unmigrated)
    migrate(unmigrated)
    assert [] == pending(unmigrated)
    downgrade(unmigrated, scripts)
    assert revisions(scripts) == pending(unmigrated)


def test_a_database_of_a_later_release_is_named_as_such(unmigrated: Database) -> None:
    migrate(unmigrated)
    with unmigrated.transaction() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert ["the database is of a later release (9999)"] == pending(unmigrated)


def test_a_database_that_cannot_be_reached_is_unavailable_not_empty() -> None:
    database = Database("sqlite:////nowhere/at/all.db")
    with pytest.raises(Unavailable):
        pending(database)
    database.close()


def test_nothing_works_on_a_schema_that_is_not_this_releases(unmigrated: Database) -> None:
    with pytest.raises(BadConfiguration, match="broker init"):
        require_schema(unmigrated)
    migrate(unmigrated)
    require_schema(unmigrated)


@pytest.mark.postgres
def test_a_migration_may_take_longer_than_any_request(postgres_database: Database) -> None:
    migrate(postgres_database)
    with postgres_database.transaction() as tx:
        assert "8s" == tx.execute(text("SHOW statement_timeout")).scalar_one()
