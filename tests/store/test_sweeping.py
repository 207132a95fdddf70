from __future__ import annotations

from datetime import timedelta

from builders import NOON, an_id
from sqlalchemy import select

from broker.store.database import Database
from broker.store.deliveries import bury, find_deliveries, mark_delivered, mark_unwanted
from broker.store.events import save_event
from broker.store.flows import Link, resume_session, save_link, save_pushed, save_session
from broker.store.routes import CODE, GRANT, SESSION, add_route, find_route
from broker.store.sealing import Sealer
from broker.store.short_lived import LinkRow, PushedRequestRow, RevokedTokenRow, UsedAssertionRow
from broker.store.sweeping import TOLD, sweep
from broker.store.tables import CodeRow, PersonSessionRow
from broker.store.tokens import MEMORY, Code, claim_code, revoke_token, save_code, token_revoked, use_assertion

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
TABLES = (PushedRequestRow, LinkRow, UsedAssertionRow, RevokedTokenRow)


def fill(database: Database, store: Sealer, name: str, *, minutes: int) -> None:
    """Keep one of everything that ends so many minutes after noon."""
    ends = NOON + minutes * MINUTE
    link = Link(link_id=name, platform="x", attempt={}, request=None, account=None)
    with database.transaction() as tx:
        save_pushed(tx, name, {}, client_id=an_id("northwind"), expires_at=ends, store=store)
        save_link(tx, link, browser="a browser", state=name, expires_at=ends, store=store)
        use_assertion(tx, client_id=an_id("northwind"), jti=name, expires_at=ends)
        revoke_token(tx, name, expires_at=ends)


def swept(database: Database, *, minutes: float) -> None:
    """Sweep so many minutes after noon; sessions last an hour here."""
    with database.transaction() as tx:
        sweep(tx, now=NOON + minutes * MINUTE, longest_session=HOUR)


def test_what_is_over_is_dropped_and_what_is_not_stays(database: Database, store: Sealer) -> None:
    fill(database, store, "early", minutes=1)
    fill(database, store, "late", minutes=3)
    swept(database, minutes=2)
    with database.transaction() as tx:
        for row in TABLES:
            assert 1 == len(tx.execute(select(row.__table__)).all())  # type: ignore[attr-defined]
        assert [False, True] == [token_revoked(tx, "early"), token_revoked(tx, "late")]
        assert not use_assertion(tx, client_id=an_id("northwind"), jti="late", expires_at=NOON)


def test_a_used_code_is_remembered_for_a_day_and_goes_with_its_name(database: Database) -> None:
    code = Code(account=b"a" * 16, client_id=an_id("northwind"), grant_id="g", redirect_uri="", scope="", challenge="",
                expires_at=NOON + MINUTE)  # fmt: skip
    with database.transaction() as tx:
        save_code(tx, "the code", code)
        claim_code(tx, "the code", client_id=an_id("northwind"), token_id="a token", now=NOON)
    swept(database, minutes=MEMORY / MINUTE + 1)
    with database.transaction() as tx:
        later = claim_code(tx, "the code", client_id=an_id("northwind"), token_id="another", now=NOON)
    assert (None, "a token") == later
    swept(database, minutes=MEMORY / MINUTE + 1.1)
    with database.transaction() as tx:
        assert find_route(tx, CODE, "the code") is None
        assert [] == tx.execute(select(CodeRow.__table__)).all()  # type: ignore[attr-defined]


def test_a_session_is_kept_to_its_last_moment_and_goes_with_its_name(database: Database) -> None:
    with database.transaction() as tx:
        save_session(tx, "a session", account=b"a" * 16, now=NOON, ends=NOON + HOUR)
    swept(database, minutes=60)
    with database.transaction() as tx:
        assert resume_session(
            tx, "a session", now=NOON + 59 * MINUTE, idle_since=NOON - MINUTE, signed_in_since=NOON - MINUTE
        )  # fmt: skip
    swept(database, minutes=60.1)
    with database.transaction() as tx:
        assert find_route(tx, SESSION, "a session") is None
        assert [] == tx.execute(select(PersonSessionRow.__table__)).all()  # type: ignore[attr-defined]


def test_a_name_without_an_end_is_never_dropped(database: Database) -> None:
    with database.transaction() as tx:
        add_route(tx, GRANT, "a name", account=b"a" * 16, target="a grant")
    swept(database, minutes=10**7)
    with database.transaction() as tx:
        assert find_route(tx, GRANT, "a name") is not None


def test_what_was_delivered_long_ago_is_dropped_and_what_was_given_up_or_waits_is_not(database: Database) -> None:
    with database.transaction() as tx:
        for number, name in enumerate(("delivered", "unwanted", "given up", "waits", "delivered late")):
            ids = dict.fromkeys(("event_id", "grant_id", "receipt_id", "given_id", "txn"), name)
            save_event(tx, account=bytes([number]) * 16, client_id="c", kind="consent-granted", now=NOON, **ids)
        mark_delivered(tx, "c", ["delivered"], now=NOON)
        mark_unwanted(tx, "c", ["unwanted"], now=NOON)
        bury(tx, [("c", "given up")], now=NOON, problem="the receiver is gone")
        mark_delivered(tx, "c", ["delivered late"], now=NOON + timedelta(days=1))
        sweep(tx, now=NOON + TOLD + MINUTE, longest_session=HOUR)
        assert {"given up", "waits", "delivered late"} == {
            found.event_id for found in find_deliveries(tx, client_id="c", limit=9)
        }
