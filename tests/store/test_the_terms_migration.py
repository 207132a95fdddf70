"""From the first release's rows to the terms': nobody loses a use case, and every answer says what it answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from builders import NOON, a_pen, a_registration, an_id, but_parts
from sqlalchemy import inspect, text

from broker.core.client import Registration, Standing
from broker.store.clients import claim_use_case, find_client, standing_before
from broker.store.columns import metadata
from broker.store.database import Database
from broker.store.migrating import _config, migrate, pending
from broker.store.tables import ClientRow, DecisionRow

FIRST, SECOND, OTHER, DEV = (an_id(name) for name in ("first", "second", "other", "dev"))
BEFORE = {"act", "association_id", "mac"}


def to(database: Database, revision: str, *, up: bool = True) -> None:
    """Bring the database to one revision."""
    config = _config()
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        (command.upgrade if up else command.downgrade)(config, revision)


@pytest.fixture
def first_release(empty_url: str) -> Iterator[Database]:
    """Give a database of the first release, with businesses and an answer in it."""
    database = Database(empty_url, pen=a_pen())
    to(database, "0001")
    fill(database)
    yield database
    database.close()


def fill(database: Database) -> None:
    """Write the rows of the first release, as it wrote them."""
    clients, decisions = ClientRow.__table__, DecisionRow.__table__  # type: ignore[attr-defined]
    letters = ("newsletter", "contact")
    registered = (
        (SECOND, 1, a_registration(purposes=letters, use_case="Send the weekly letter.")),
        (FIRST, 0, a_registration()),
        (OTHER, 2, a_registration(owner="Contoso")),
        (DEV, 3, a_registration(environment="dev")),
    )
    with database.engine.begin() as tx:
        for client_id, day, registration in registered:
            row = {"client_id": client_id, "standing": "active", "standing_why": None}
            moment = NOON + timedelta(days=day)
            tx.execute(clients.insert().values(**row, registration=as_written(registration), registered_at=moment))
        columns = [column for column in decisions.columns if column.name not in BEFORE]
        answer = {
            "account": b"a" * 16, "decision_id": "one", "client_id": FIRST, "identifier": b"i" * 16,
            "purpose": "newsletter", "permitted": False, "basis": None, "reason": "no_basis", "clauses": '["MATCH-4"]',
            "policy_digest": "sha256:00", "grant_id": None, "decided_at": NOON,
        }  # fmt: skip
        names = [column.name for column in columns]
        assert set(names) == set(answer)
        tx.execute(
            text(f"INSERT INTO decisions ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"),  # noqa: S608
            answer | {"decided_at": NOON.isoformat(sep=" ", timespec="microseconds").removesuffix("+00:00")},
        )


def as_written(registration: Registration) -> dict[str, object]:
    """A registration as the first release kept it: it knew no purposes of a client's own."""
    kept = asdict(registration)
    del kept["narrower"]
    return kept


def owned(database: Database) -> set[tuple[str, str, str, str]]:
    """Who has which purpose of whose use cases."""
    with database.transaction() as tx:
        rows = tx.execute(metadata.tables["use_cases"].select()).all()
    return {(row.owner, row.environment, row.claim, row.client_id) for row in rows if ":" not in row.claim}


def test_those_who_registered_first_have_their_use_cases(first_release: Database) -> None:
    migrate(first_release)
    assert {
        ("northwind", "prod", "x customer-care", FIRST), ("northwind", "prod", "x newsletter", FIRST),
        ("northwind", "prod", "x contact", SECOND), ("northwind", "dev", "x customer-care", DEV),
        ("northwind", "dev", "x newsletter", DEV), ("contoso", "prod", "x customer-care", OTHER),
        ("contoso", "prod", "x newsletter", OTHER),
    } == owned(first_release)  # fmt: skip
    with first_release.transaction() as tx:
        words = tx.execute(text("SELECT count(*) FROM use_cases WHERE claim LIKE 'x words:%'")).scalar_one()
        assert (4, FIRST) == (words, claim_use_case(tx, "northwind", "prod", "x newsletter", client_id=OTHER))


def test_what_was_registered_is_read_as_it_was(first_release: Database) -> None:
    migrate(first_release)
    with first_release.transaction() as tx:
        client = find_client(tx, FIRST)
        assert client is not None
        assert (a_registration(), NOON, {}) == (
            client.registration, client.registered_at, client.registration.narrower,
        )  # fmt: skip
        assert Standing.ACTIVE is standing_before(tx, FIRST, Standing.SUSPENDED)


def test_what_was_answered_so_far_were_matches_and_from_now_on_every_answer_says_what_it_is(
    first_release: Database,
) -> None:
    migrate(first_release)
    with first_release.transaction() as tx:
        row = tx.execute(DecisionRow.__table__.select()).one()  # type: ignore[attr-defined]
    assert ("match", None, "one", ["MATCH-4"], NOON) == (
        row.act, row.association_id, row.decision_id, row.clauses, row.decided_at,
    )  # fmt: skip
    act = next(column for column in inspect(first_release.engine).get_columns("decisions") if column["name"] == "act")
    assert (False, None) == (act["nullable"], act["default"])


def test_the_way_down_keeps_the_first_releases_rows_and_the_way_up_brings_all_back(first_release: Database) -> None:
    migrate(first_release)
    before = owned(first_release)
    to(first_release, "0001", up=False)
    assert "0002" == pending(first_release)[0]
    assert not {"use_cases", "grounds", "statements"} & set(inspect(first_release.engine).get_table_names())
    with first_release.transaction() as tx:
        assert (4, 1) == tuple(tx.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()  # noqa: S608
                               for name in ("clients", "decisions"))  # fmt: skip
    migrate(first_release)
    assert before == owned(first_release)
    with first_release.engine.connect() as connection:
        opts = {"compare_type": True, "compare_server_default": True, "include_name": but_parts}
        context = MigrationContext.configure(connection, opts=opts)
        assert [] == compare_metadata(context, metadata)
