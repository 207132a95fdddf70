"""``broker database partitions`` and ``retain``: room for months to come, and an end for what is no longer kept."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import datetime

from broker.actions.broker import Broker
from broker.actions.retain import due, finish, plan, prepare_months, retain
from broker.app import open_broker
from broker.commands.opening import FAILED, command, operator
from broker.errors import BadConfiguration
from broker.settings import Settings, read_settings
from broker.store.migrating import require_schema
from broker.store.retaining import kept_since, may_drop

_PARTITIONS = """\
On PostgreSQL what was answered lies in a part for each month. `broker tend`
makes those to come, if its role owns the tables; with roles of few rights run
this as the owner once in a while, by a timer:

    BROKER_DATABASE_URL=postgresql+psycopg://broker_owner@... broker database partitions

Nothing is lost without: what has no month's part goes to the one for all
others, and is moved when its month is made. `broker doctor` warns ahead."""
_RETAIN = """\
Drops what was answered longer ago than BROKER_DECISIONS_KEPT_DAYS, in whole
months, and writes down that it did: who, up to when, how many. `broker tend`
does it by itself, if its role owns the tables; with roles of few rights run
it as the owner, by a timer. There is no way back but a backup.

At 3 a.m.: nothing is urgent about this. --dry-run says what would go. If it
refuses because rows are not as the broker wrote them, do not hurry: run
`broker audit`, find out who touched them, and only then say --anyway; the
retention will say for ever how many there were. If it says that the store did
not finish, somebody reads the tables (an audit, a dump): run it again; what
was begun is ended."""


def add_commands(database: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``broker database partitions``, ``retain``."""
    command(database, "partitions", _partitions, "make the parts of the months to come", _PARTITIONS)
    dropping = command(database, "retain", _retain, "drop answers that are no longer kept", _RETAIN)
    dropping.add_argument("--dry-run", action="store_true", help="say what would be dropped, and do nothing")
    dropping.add_argument("--anyway", action="store_true", help="though rows are not as the broker wrote them")


def _opened() -> tuple[Settings, Broker]:
    """As the role of BROKER_DATABASE_URL, and not as who keeps: only an owner may drop."""
    settings = read_settings()
    broker = open_broker(settings)
    require_schema(broker.database)
    return settings, broker


def _partitions(_asked: argparse.Namespace) -> int:
    _settings, broker = _opened()
    _require_owner(broker)
    made = prepare_months(broker)
    print(f"made {len(made)} parts: {', '.join(made) or 'all were'}")
    return 0


def _retain(asked: argparse.Namespace) -> int:
    settings, broker = _opened()
    days = settings.kept_days()
    before = due(broker, days=days)
    if asked.dry_run:
        return _tell_plan(broker, days, before)
    _require_owner(broker)
    prepare_months(broker)
    with broker.database.reading() as tx:
        since = kept_since(tx)
    if since is not None:  # what an earlier one left undone
        finish(broker, before=since)
    done = before and retain(broker, before=before, who=operator(), tell=print, anyway=asked.anyway)
    print(f"dropped what is from before {done.retention_id}: {_counted(done.dropped)}" if done else _NOTHING[days == 0])
    return 0


_NOTHING = ("nothing is due", "nothing is dropped: BROKER_DECISIONS_KEPT_DAYS is 0, for ever")


def _tell_plan(broker: Broker, days: int, before: datetime | None) -> int:
    found = plan(broker, before=before) if before else None
    if found is None:
        print(_NOTHING[days == 0])
        return 0
    for fault in found.faults:
        print(fault)
    print(f"would drop what is from before {found.before:%Y-%m-%d}: {_counted(found.rows)}")
    return FAILED if found.faults else 0


def _counted(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {table}" for table, number in rows.items() if number) or "no rows"


def _require_owner(broker: Broker) -> None:
    with broker.database.reading() as tx:
        if not may_drop(tx):
            raise BadConfiguration("only the owner of the tables may: run it with the owner's BROKER_DATABASE_URL")
