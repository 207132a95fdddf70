"""What lives for minutes: pushed requests, people on their way through linking, browser sessions.

Every step is claimed in one statement that holds only while the step is still open, so that a second browser, tab or
click finds it closed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, literal, select
from sqlmodel import col

from broker.core.blinding import name_digest
from broker.core.names import is_id
from broker.store.columns import Table
from broker.store.routes import SESSION, add_route, drop_route, find_route, find_way_in
from broker.store.sealing import Sealer
from broker.store.short_lived import LinkRow, PushedRequestRow
from broker.store.tables import PersonSessionRow
from broker.store.transaction import Transaction
from broker.store.writing import add, change, change_ours, drop, table_of

_PUSHED, _BROWSER, _STATE = "pushed", "browser", "state"


@dataclass(frozen=True, kw_only=True)
class Link:
    """One way through the linking flow. ``request`` is None when a person signs in for themselves."""

    link_id: str
    platform: str
    attempt: dict[str, str]
    request: dict[str, object] | None
    account: dict[str, str] | None


def browser_sealer(store: Sealer, browser: str) -> Sealer:
    """A sealer that needs the browser's cookie, of which the store has only a hash.

    A link names both sides of a pair that nobody has allowed yet; the store alone cannot put them together.
    """
    return store.derive(f"browser:{browser}")


def save_pushed(
    tx: Transaction,
    request_uri: str,
    request: dict[str, object],
    *,
    client_id: str,
    expires_at: datetime,
    store: Sealer,
) -> None:
    """Keep a pushed request; it holds a raw identifier, so it is sealed."""
    key = name_digest(_PUSHED, request_uri)
    add(
        tx,
        PushedRequestRow,
        request=key,
        client_id=client_id,
        sealed_request=store.seal_json(request, place=_place("pushed_requests", key.hex())),
        expires_at=expires_at,
    )


def is_pushed(tx: Transaction, request_uri: str, *, client_id: str, now: datetime) -> bool:
    """Whether there is a request that :func:`claim_pushed` would take. A look that takes nothing."""
    return is_id(client_id) and _is_there(tx, PushedRequestRow, *_waiting_pushed(request_uri, client_id, now))


def claim_pushed(
    tx: Transaction, request_uri: str, *, client_id: str, now: datetime, store: Sealer
) -> dict[str, object] | None:
    """Take a pushed request, once, for the client that pushed it."""
    if not is_id(client_id):
        return None
    key = name_digest(_PUSHED, request_uri)
    taken = drop(tx, PushedRequestRow, *_waiting_pushed(request_uri, client_id, now))
    place = _place("pushed_requests", key.hex())
    return next((_table(store.open_json(row.sealed_request, place=place)) for row in taken), None)


def drop_pushed(tx: Transaction, names: Callable[[dict[str, object]], bool], *, store: Sealer) -> None:
    """Drop every pushed request that *names* says is about somebody. Each lives for a minute and a half."""
    for row in tx.execute(select(col(PushedRequestRow.request), col(PushedRequestRow.sealed_request))).all():
        opened = store.open_json(row.sealed_request, place=_place("pushed_requests", row.request.hex()))
        if names(_table(opened)):
            drop(tx, PushedRequestRow, col(PushedRequestRow.request) == row.request)


def save_link(tx: Transaction, link: Link, *, browser: str, state: str, expires_at: datetime, store: Sealer) -> None:
    """Begin a way through linking, bound to one browser and one state."""
    add(
        tx,
        LinkRow,
        link_id=link.link_id,
        browser=name_digest(_BROWSER, browser),
        state=name_digest(_STATE, state),
        platform=link.platform,
        sealed_attempt=store.seal_json(link.attempt, place=_place("links.attempt", link.link_id)),
        sealed_request=_seal_optional(store, link.request, _place("links.request", link.link_id)),
        expires_at=expires_at,
    )


def awaits_return(tx: Transaction, *, state: str, browser: str, platform: str, now: datetime) -> bool:
    """Whether there is a way back that :func:`claim_return` would take. A look that takes nothing."""
    return _is_there(tx, LinkRow, *_awaiting_return(state, browser, platform, now))


def claim_return(
    tx: Transaction, *, state: str, browser: str, platform: str, now: datetime, store: Sealer
) -> Link | None:
    """Take the way back from the platform, once, in the browser that started, at the platform it started to."""
    claimed = change(tx, LinkRow, *_awaiting_return(state, browser, platform, now), returned_at=now)
    return next((_link(row, store) for row in claimed), None)


def save_proved(
    tx: Transaction,
    link_id: str,
    account: dict[str, str],
    *,
    key: bytes,
    now: datetime,
    expires_at: datetime,
    store: Sealer,
) -> None:
    """Note the account that the platform named; *key* is its digest."""
    sealed = store.seal_json(account, place=_place("links.account", link_id))
    proved = {"sealed_account": sealed, "account": key, "proved_at": now, "expires_at": expires_at}
    change(tx, LinkRow, col(LinkRow.link_id) == link_id, **proved)


def find_proved(tx: Transaction, link_id: str, *, browser: str, now: datetime, store: Sealer) -> Link | None:
    """Return a link that awaits its choice, to the browser that started it."""
    if not is_id(link_id):
        return None
    row = tx.execute(select(table_of(LinkRow)).where(*_awaiting_choice(link_id, browser, now))).one_or_none()
    return None if row is None else _link(row, store)


def claim_choice(tx: Transaction, link_id: str, *, browser: str, now: datetime) -> bool:
    """Take the one choice of a link; False when it was made, came too late or comes from another browser.

    The row goes with it: it holds both sides of a pair that a refusal must not leave behind.
    """
    return bool(drop(tx, LinkRow, *_awaiting_choice(link_id, browser, now)))


def drop_link(tx: Transaction, link_id: str) -> None:
    """End a link that awaits no choice."""
    drop(tx, LinkRow, col(LinkRow.link_id) == link_id)


def save_session(tx: Transaction, session: str, *, account: bytes, now: datetime, ends: datetime) -> None:
    """Sign a person in on one browser, until *ends* at the latest."""
    key = name_digest(SESSION, session)
    add(tx, PersonSessionRow, account=account, session=key, signed_in_at=now, seen_at=now)
    add_route(tx, SESSION, session, account=account, target="", expires_at=ends)


def resume_session(
    tx: Transaction, session: str, *, now: datetime, idle_since: datetime, signed_in_since: datetime
) -> bytes | None:
    """Return the account signed in under *session* and keep it awake, unless it slept or lasted too long.

    Who can insert rows signs nobody in: what a person does cannot be undone.
    """
    route = find_way_in(tx, SESSION, session)
    if route is None:
        return None
    kept = change_ours(
        tx,
        PersonSessionRow,
        col(PersonSessionRow.account) == route.account,
        col(PersonSessionRow.session) == name_digest(SESSION, session),
        col(PersonSessionRow.seen_at) > idle_since,
        col(PersonSessionRow.signed_in_at) > signed_in_since,
        seen_at=now,
    )
    return route.account if kept else None


def end_session(tx: Transaction, session: str) -> None:
    """Sign the browser out."""
    route = find_route(tx, SESSION, session)
    if route is None:
        return
    drop(
        tx,
        PersonSessionRow,
        col(PersonSessionRow.account) == route.account,
        col(PersonSessionRow.session) == name_digest(SESSION, session),
    )
    drop_route(tx, SESSION, session)


def _is_there(tx: Transaction, model: type[Table], *which: ColumnElement[bool]) -> bool:
    return tx.execute(select(literal(1)).select_from(table_of(model)).where(*which).limit(1)).first() is not None


def _waiting_pushed(request_uri: str, client_id: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        col(PushedRequestRow.request) == name_digest(_PUSHED, request_uri),
        col(PushedRequestRow.client_id) == client_id,
        col(PushedRequestRow.expires_at) > now,
    )


def _awaiting_return(state: str, browser: str, platform: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        col(LinkRow.state) == name_digest(_STATE, state),
        col(LinkRow.browser) == name_digest(_BROWSER, browser),
        col(LinkRow.platform) == platform,
        col(LinkRow.returned_at).is_(None),
        col(LinkRow.expires_at) > now,
    )


def _awaiting_choice(link_id: str, browser: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        col(LinkRow.link_id) == link_id,
        col(LinkRow.browser) == name_digest(_BROWSER, browser),
        col(LinkRow.proved_at).is_not(None),
        col(LinkRow.expires_at) > now,
    )


def _link(row: object, store: Sealer) -> Link:
    link_id: str = row.link_id  # type: ignore[attr-defined] # a row of LinkRow's columns
    opened = {
        name: None if sealed is None else _table(store.open_json(sealed, place=_place(f"links.{name}", link_id)))
        for name in ("attempt", "request", "account")
        for sealed in (getattr(row, f"sealed_{name}"),)
    }
    return Link(link_id=link_id, platform=row.platform, **opened)  # type: ignore[attr-defined,arg-type] # same


def _seal_optional(store: Sealer, value: dict[str, object] | None, place: str) -> bytes | None:
    return None if value is None else store.seal_json(value, place=place)


def _table(value: object) -> dict[str, object]:
    assert isinstance(value, dict)  # noqa: S101 - sealed by this module
    return value


def _place(column: str, name: str) -> str:
    return f"{column}:{name}"
