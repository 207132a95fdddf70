"""Who may do what in PostgreSQL: three roles, and the rights of two of them, table by table.

The owner migrates, and does nothing else. Whoever serves adds rows, and changes only what changes in a row's life.
Whoever keeps (the companion, erasing, the commands) may more, and not everything either: what was decided or signed can
be changed by neither, and be deleted by the keeper only where it is about a person who is erased.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from broker.errors import BadConfiguration
from broker.store.columns import metadata
from broker.store.connecting import Manner

#: How a role's name ends; before it stands what the operator chose, `broker` by default.
OWNER, SERVING, KEEPING = "_owner", "_serving", "_keeping"
_VERSION = "alembic_version"
_NUMBERS = "trail_number_seq"


@dataclass(frozen=True, kw_only=True)
class Rights:
    """What one role may do to a table beside reading it; ``update`` names columns, and the row's MAC goes with them."""

    insert: bool = True
    update: str = ""
    delete: bool = False


@dataclass(frozen=True, kw_only=True)
class Both:
    """The rights of whoever serves, and of whoever keeps."""

    serving: Rights = field(default_factory=Rights)
    keeping: Rights = field(default_factory=Rights)


_ADDED = Rights()
_SEEN = Rights(insert=False)
_GONE = Rights(delete=True)


def _lives(update: str, *, keeping: str = "", delete: bool = False) -> Both:
    """Rows that change, and that only an erasure, a sweep or a command deletes, unless *delete*."""
    return Both(
        serving=Rights(update=update, delete=delete),
        keeping=Rights(update=f"{update} {keeping}".strip(), delete=True),
    )


#: `mac` alone, to whoever only holds a row for update: PostgreSQL asks for the right to change some column of it.
_HELD = "mac"
_DELIVERY = "state attempts first_attempt_at next_attempt_at ended_at problem"
_WORK = "leased_by leased_until failures rests_until troubled_since"
_STREAM = "stream_id method endpoint_url sealed_authorization requested description status reason created_at"
#: Every table there is; a test says so when one is forgotten.
RIGHTS: Mapping[str, Both] = {
    # what was decided, said and signed: only ever added
    "decisions": Both(keeping=_GONE),
    "led_to": Both(keeping=_GONE),
    "tainted_pairs": Both(keeping=_GONE),
    "notices": Both(),
    "policy_texts": Both(),
    "actions": Both(),
    "redistributions": Both(),
    "sheet_entries": Both(keeping=Rights(update="salt entries")),
    "sheets": Both(keeping=Rights(update="digests blanked")),
    # and emptied by an erasure: it stays under nobody's name
    "receipts": Both(keeping=Rights(update="account sealed_disclosures sealed_jwt")),
    "statements": Both(keeping=Rights(update="account sealed_disclosures sealed_jwt")),
    "events": Both(keeping=Rights(update="account")),
    # the log: whoever serves leaves leaves and entries, the sequencer gives them their places
    "leaves": Both(keeping=Rights(update="kind left_at leaf_index")),
    "trail": Both(
        keeping=Rights(update="row_table row_key salt digest gone written_at batch position erasure_id"),
    ),
    "batches": Both(serving=_SEEN),
    "erasures": Both(serving=_SEEN),
    # only the owner drops what is too old
    "retentions": Both(serving=_SEEN, keeping=_SEEN),
    "log_head": Both(serving=_SEEN, keeping=Rights(update="size root moved_at")),
    "log_tiles": Both(serving=_SEEN, keeping=Rights(update="hashes", delete=True)),
    "checkpoints": Both(serving=_SEEN, keeping=Rights(update="previous note published_at", delete=True)),
    # the registry
    "clients": Both(
        serving=Rights(insert=False, update=_HELD), keeping=Rights(update="standing standing_why standing_number")
    ),
    "standings": Both(serving=_SEEN),
    "use_cases": Both(serving=_SEEN),
    "recipients": _lives("name agreements academic permission"),
    # what a match reads, made anew with what it is made from
    "pairs": _lives("shape names ends_at"),
    "cautions": _lives("whose content"),
    # people, and what they answered
    "people": _lives("sealed_account proved_at", keeping="wrapped_key"),
    "consents": _lives("status ended_at ended_by due_at"),
    "associations": _lives("", delete=True),
    "grounds": _lives("", delete=True),
    "refusals": _lives("receipt_id refused_at"),
    "objections": _lives("objected_at why", delete=True),
    "signals": _lives("seen_at lifted_at"),
    "presences": _lives("gone_at protected_at", delete=True),
    "rechecks": _lives("checked_at"),
    "handles": _lives("standing proved_at", keeping="account"),
    "routes": _lives("", keeping="account", delete=True),
    "status_entries": Both(serving=Rights(update="value"), keeping=Rights(update="value")),
    # what lives for a while
    "codes": _lives("used_at token_id"),
    "contacts": _lives(""),
    "idempotency": _lives("sealed_answer account", delete=True),
    "links": _lives("returned_at sealed_account account proved_at expires_at", delete=True),
    "person_sessions": _lives("seen_at", delete=True),
    "pushed_requests": _lives("", keeping="sealed_request", delete=True),
    "revoked_tokens": _lives(""),
    "tapes": _lives(""),
    "used_assertions": _lives(""),
    "budgets": _lives("requests items misses"),
    "rulings": Both(serving=Rights(update="number"), keeping=Rights(update="number")),
    # delivery
    "deliveries": _lives(_DELIVERY, keeping="queue"),
    "streams": _lives(_STREAM, delete=True),
    "stream_work": _lives(_WORK, delete=True),
}


def role_statements(prefix: str, database: str, *, manner: Manner) -> Iterator[str]:
    """What a superuser runs once: three roles that may log in, and who owns the tables that are there already."""
    if not prefix.isidentifier() or prefix != prefix.lower():
        raise BadConfiguration("a name for roles is small letters, digits and _, and begins with a letter")
    for ending in (OWNER, SERVING, KEEPING):
        role = prefix + ending
        yield _unless(f"FROM pg_roles WHERE rolname = '{role}'", f"CREATE ROLE {role} LOGIN NOINHERIT")
        # What the owner does takes as long as it takes.
        for name, value in () if ending == OWNER else manner.says.items():
            yield f"ALTER ROLE {role} IN DATABASE {database} SET {name} = '{value}'"
    yield f"REVOKE ALL ON DATABASE {database} FROM PUBLIC"
    yield f"GRANT CONNECT ON DATABASE {database} TO {prefix}{OWNER}, {prefix}{SERVING}, {prefix}{KEEPING}"
    yield "REVOKE ALL ON SCHEMA public FROM PUBLIC"
    yield f"GRANT USAGE, CREATE ON SCHEMA public TO {prefix}{OWNER}"
    yield f"GRANT USAGE ON SCHEMA public TO {prefix}{SERVING}, {prefix}{KEEPING}"
    for table in (*sorted(RIGHTS), _VERSION):
        yield f"ALTER TABLE IF EXISTS public.{table} OWNER TO {prefix}{OWNER}"
    yield _each_part("ALTER TABLE", f"OWNER TO {prefix}{OWNER}")


def grant_statements(prefix: str) -> Iterator[str]:
    """What the owner runs after each migration: nothing to anybody, then to each role what it needs."""
    serving, keeping = prefix + SERVING, prefix + KEEPING
    for table in sorted(metadata.tables):
        yield f"REVOKE ALL ON public.{table} FROM PUBLIC, {serving}, {keeping}"
        # Rights to single columns are rights of their own.
        names = ", ".join(column.name for column in metadata.tables[table].columns)
        yield f"REVOKE UPDATE ({names}) ON public.{table} FROM {serving}, {keeping}"
        both = RIGHTS[table]
        for role, rights in ((serving, both.serving), (keeping, both.keeping)):
            yield f"GRANT {', '.join(_words(rights))} ON public.{table} TO {role}"
    # A part of a table is reached through its table alone.
    yield _each_part("REVOKE ALL ON", f"FROM PUBLIC, {serving}, {keeping}")
    yield f"GRANT SELECT ON public.{_VERSION} TO {serving}, {keeping}"
    yield f"GRANT USAGE ON SEQUENCE public.{_NUMBERS} TO {serving}, {keeping}"


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a role may do, as the server says: rewrite decisions, erase, and pass row-level security by."""

    role: str
    rewrites: bool
    erases: bool
    unbound: bool


_FOUND = text(
    "SELECT current_user::text AS role, has_table_privilege('decisions', 'UPDATE') AS rewrites,"
    " has_table_privilege('decisions', 'DELETE') AS erases, NOT row_security_active('decisions') AS unbound"
)


def rights_of(tx: Connection) -> Found | None:
    """What the role may do that this transaction runs under; None on SQLite, which has no roles."""
    return Found(**tx.execute(_FOUND).one()._asdict()) if tx.dialect.name == "postgresql" else None


def _words(rights: Rights) -> Iterable[str]:
    yield "SELECT"
    if rights.insert:
        yield "INSERT"
    if rights.update:
        yield f"UPDATE ({', '.join(dict.fromkeys((*rights.update.split(), 'mac')))})"
    if rights.delete:
        yield "DELETE"


def _each_part(before: str, after: str) -> str:
    """What is done to each part of a table, its name between *before* and *after*."""
    parts = "SELECT inhrelid::regclass FROM pg_inherits JOIN pg_class ON oid = inhparent WHERE relkind = 'p'"
    run = f"EXECUTE '{before} ' || part::text || ' {after}'"
    return f"DO $$ DECLARE part regclass; BEGIN FOR part IN {parts} LOOP {run}; END LOOP; END $$"


def _unless(found: str, statement: str) -> str:
    return f"DO $$ BEGIN IF NOT EXISTS (SELECT {found}) THEN {statement}; END IF; END $$"
