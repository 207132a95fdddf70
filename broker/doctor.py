"""What an operator asks first: is this broker set up safely, and if not, what is wrong, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from broker.actions.list_confirmations import late_answers
from broker.app import now, reach_database
from broker.custody import read_keys
from broker.errors import BadConfiguration, BrokerError
from broker.platforms.registry import load_platforms
from broker.policies import SHIPPED, load_policies
from broker.proof.journal import read_journal
from broker.settings import Settings, read_settings
from broker.store.deliveries import backlogs
from broker.store.migrating import pending
from broker.store.partitions import AHEAD, TOO_FEW, in_parts, month_of, months_ahead
from broker.store.retaining import begun_at, kept_since
from broker.store.rights import rights_of

#: What each database must report for an acknowledged row to survive a power cut.
_REQUIRED = {
    "journal_mode": {"wal"},
    "synchronous": {"2", "3"},
    "foreign_keys": {"1"},
    "fsync": {"on"},
    "full_page_writes": {"on"},
    "synchronous_commit": {"on", "remote_write", "remote_apply"},
}
_OLDEST_POSTGRES = 150000
#: How late a retention may be.
_GRACE = timedelta(days=7)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str


def examine() -> list[Finding]:
    """Look at everything; what depends on something that failed is not looked at."""
    try:
        settings = read_settings()
    except BrokerError as error:
        return [Finding("settings", ok=False, detail=error.detail)]
    checks: tuple[tuple[str, Callable[[Settings], str]], ...] = (
        ("keys", _keys),
        ("platforms", _platforms),
        ("policies", _policies),
        ("database", _database),
        ("schema", _schema),
        ("rights", _rights),
        ("erasures", _erasures),
        ("deliveries", _deliveries),
        ("actions", _actions),
        ("retention", _retention),
    )
    return [
        Finding("settings", ok=True, detail=settings.issuer),
        *(_look(name, run, settings) for name, run in checks),
    ]


def _look(name: str, check: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(name, ok=True, detail=check(settings))
    except BrokerError as error:
        return Finding(name, ok=False, detail=error.detail)


def _keys(settings: Settings) -> str:
    keys = read_keys(settings)
    return f"receipts are signed with {keys.receipts.kid}; storage epoch {max(keys.storage)}"


def _platforms(settings: Settings) -> str:
    if not settings.loopback:
        _own_alone(settings.platforms_file)
    return ", ".join(load_platforms(settings.platforms_file, loopback=settings.loopback))


def _policies(settings: Settings) -> str:
    policies = load_policies(settings.policies_dir or SHIPPED)
    return ", ".join(f"{policy.ref.id} {policy.ref.version}" for policy in policies.by_platform.values())


def _own_alone(path: Path) -> None:
    if path.exists() and path.stat().st_mode & 0o077:
        raise BadConfiguration(f"{path}: others may read it; run chmod 600")


def _database(settings: Settings) -> str:
    if settings.database_url.startswith("sqlite:///"):
        _own_alone(Path(settings.database_url.removeprefix("sqlite:///")))
    database = reach_database(settings)
    if not database.answers():
        raise BadConfiguration("the database does not answer at BROKER_DATABASE_URL")
    reported = database.safety()
    for name, value in reported.items():
        if value.lower() not in _REQUIRED.get(name, {value.lower()}):
            raise BadConfiguration(f"{name} is {value}: an acknowledged consent could be lost in a power cut")
    if int(reported.get("server_version_num", _OLDEST_POSTGRES)) < _OLDEST_POSTGRES:
        raise BadConfiguration("PostgreSQL must be 15 or later")
    return ", ".join(f"{name}={value}" for name, value in reported.items())


def _schema(settings: Settings) -> str:
    missing = pending(reach_database(settings))
    if missing:
        raise BadConfiguration(f"migrations are missing ({', '.join(missing)}); run `broker init`")
    return "up to date"


def _rights(settings: Settings) -> str:
    """Whoever serves has few rights, and somebody can erase; or one role has all of them, which is said."""
    serving, keeping = reach_database(settings), reach_database(settings.as_keeper())
    if pending(serving):
        raise BadConfiguration("cannot be looked at before the schema is up to date")
    with serving.reading() as tx, keeping.reading() as kept:
        serves, keeps = rights_of(tx), rights_of(kept)
    if serves is None or keeps is None:
        return "a file has no roles"
    if not keeps.erases:
        raise BadConfiguration(f"{keeps.role} cannot erase anybody; set BROKER_KEEPING_DATABASE_URL")
    if settings.keeping_database_url and (serves.rewrites or serves.erases or serves.unbound):
        raise BadConfiguration(f"{serves.role} serves, and may more than it needs; see `broker database roles`")
    if serves.unbound:
        return f"{serves.role} may do everything, and no row-level security binds it; see `broker database roles`"
    return f"{serves.role} serves, bound by row-level security; {keeps.role} keeps"


def _deliveries(settings: Settings) -> str:
    """What businesses were not told, and what waits for a stream that nobody has set up."""
    database = reach_database(settings)
    if pending(database):
        raise BadConfiguration("cannot be looked at before the schema is up to date")
    with database.reading() as tx:
        found = backlogs(tx)
    dead = sum(backlog.dead for backlog in found)
    if dead:
        raise BadConfiguration(f"{dead} events were given up; see `broker deliveries list --dead`")
    return f"{sum(backlog.pending for backlog in found)} waiting, for {len(found)} clients"


def _actions(settings: Settings) -> str:
    """Who has not said in time what they did. That is theirs to put right: nothing is wrong with this broker."""
    database = reach_database(settings)
    if pending(database):
        raise BadConfiguration("cannot be looked at before the schema is up to date")
    with database.reading() as tx:
        late = late_answers(tx, now=now())
    if not late:
        return "every business has answered in time"
    clients = {it.client.client_id for it in late}
    return f"{len(late)} answers of {len(clients)} clients are late; see `broker actions late`"


def _retention(settings: Settings) -> str:
    """Answers that are too old were dropped, and there is room for those of the months to come."""
    database = reach_database(settings)
    if pending(database):
        raise BadConfiguration("cannot be looked at before the schema is up to date")
    days = settings.kept_days()
    with database.reading() as tx:
        since, parts = kept_since(tx) or begun_at(tx), in_parts(tx)
        ahead = months_ahead(tx, now=now()) if parts else AHEAD
    if days and since and since < month_of(now() - timedelta(days=days) - _GRACE):
        raise BadConfiguration("answers that are too old are there; run `broker database retain` as the owner")
    if ahead < TOO_FEW:
        raise BadConfiguration(f"parts for {ahead} months ahead; run `broker database partitions` as the owner")
    kept = f"answers are kept for {days} days" if days else "answers are kept for ever"
    return f"{kept}; parts for {ahead} months ahead" if parts else kept


def _erasures(settings: Settings) -> str:
    """The journal is there and whole; that it agrees with the database is looked at before anything serves."""
    return f"{len(read_journal(settings.marks_dir))} in the journal"
