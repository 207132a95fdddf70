"""create_app(): settings, database, keys and policy meet the faces here, and nowhere else.

This file is the home of the clock and of randomness.
"""

from __future__ import annotations

import gc
import hashlib
import hmac
import logging
import secrets
import sys
import time
from datetime import UTC, datetime

from flask import Flask

from broker.actions.broker import Broker, Log
from broker.actions.keep_policies import keep_policies
from broker.actions.replay_erasures import replay_erasures
from broker.core.blinding import Blinder
from broker.core.names import ID_SIZE, id_of
from broker.courier import GuardedCourier
from broker.custody import live_keys
from broker.oauth.metadata import check_metadata
from broker.oauth.protector import Protector
from broker.oauth.server import ConsentServer
from broker.platforms.registry import load_platforms
from broker.policies import SHIPPED, load_policies, load_screen
from broker.proof.checkpoint import origin_of
from broker.proof.keyring import KeyRing, KeySource
from broker.proof.receipt import Party
from broker.settings import Settings, read_settings, shared_numbers
from broker.spans import start_spans
from broker.store.budgets import open_budgets
from broker.store.connecting import Manner
from broker.store.database import Database
from broker.store.migrating import require_schema
from broker.store.taping import Recorder
from broker.store.trail import Pen
from broker.web import (
    actions,
    associations,
    authzen,
    authzen_search,
    batch,
    consent,
    contact,
    embedding,
    erasing,
    grants,
    health,
    history,
    home,
    linking,
    log,
    match,
    metrics,
    oauth,
    policies,
    polling,
    receipts,
    records,
    redistribution,
    reports,
    revocation,
    status,
    streams,
    verifying,
    wellknown,
)
from broker.web.asked_words import asked_purpose, asked_words, listed, told_words
from broker.web.authzen_names import Names
from broker.web.budgets import tell_budgets
from broker.web.front import PLACES, Front
from broker.web.languages import speak
from broker.web.logs import log_requests, start_logging
from broker.web.metrics import Watch
from broker.web.pages import clause_address, day, moment
from broker.web.problems import handle_failures
from broker.web.quick import Quick
from broker.web.readers import count_readers
from broker.web.reading import read_ahead
from broker.web.security import guard
from broker.web.terms_words import claim_words
from broker.web.watched import watch_requests
from broker.web.wording import IDENTIFIER_TYPES, STATUSES, STEPS, ending, purpose_title

#: Every face, and nothing that is not listed here.
FACES = (
    *(home, consent, linking, revocation, history, records, erasing, policies, verifying, embedding),
    *(match, batch, authzen, authzen_search, associations, grants, receipts, redistribution, contact, reports),
    *(streams, polling, actions, oauth, wellknown, log, status, health, metrics),
)

_GIVE_WAY = 0.0005


def now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


def open_broker(settings: Settings) -> Broker:
    """Open database, keys, policies and platforms, or raise :class:`BadConfiguration` naming the first fault."""
    source = live_keys(settings)
    keys = source.current()
    return Broker(
        recorder=open_recorder(settings, keys),
        issuer=settings.issuer,
        party=Party(
            id=settings.issuer,
            name=settings.operator_name,
            contact=settings.operator_contact,
            address=settings.operator_address,
        ),
        location=settings.storage_location,
        database=open_database(settings, keys),
        keeping=open_database(settings.as_keeper(), keys) if settings.keeping_database_url else None,
        budgets=open_budgets(settings.database_url, settings.limits(), clock=time.time_ns, manner=manner_of(settings)),
        source=source,
        log=open_log(settings, source),
        blinder=Blinder(keys.blinding),
        policies=load_policies(settings.policies_dir or SHIPPED),
        screen=load_screen(),
        platforms=load_platforms(settings.platforms_file, loopback=settings.loopback),
        now=now,
        random=secrets.token_bytes,
        courier=GuardedCourier(loopback=settings.loopback, ports=settings.ports_of_push()),
    )


def open_to_serve(settings: Settings) -> Broker:
    """The same, its schema checked, and with nobody in its database who was erased: before this nothing may serve."""
    broker = open_broker(settings)
    require_schema(broker.database)
    replay_erasures(broker)
    keep_policies(broker)
    return broker


def open_database(settings: Settings, keys: KeyRing) -> Database:
    """The database, with the pen for its rows."""
    key = hmac.digest(keys.blinding, b"rows", hashlib.sha256)
    return reach_database(settings, pen=Pen(key=key, random=secrets.token_bytes, now=now))


def reach_database(settings: Settings, *, pen: Pen | None = None) -> Database:
    """The database as it is reached; without a *pen* to look at only."""
    return Database(settings.database_url, pen=pen, manner=manner_of(settings))


def manner_of(settings: Settings) -> Manner:
    """How the database is spoken to."""
    return Manner(
        statement_timeout=settings.statement_seconds(),
        pooled=settings.database_pooling == "transaction",
        slow_ms=settings.slow_milliseconds(),
    )


def open_recorder(settings: Settings, keys: KeyRing) -> Recorder:
    """Where single answers are taped: under a name that no other broker's tapes have, whatever folder they share."""
    own, before = hmac.digest(keys.blinding, b"tapes", hashlib.sha256)[:8].hex(), settings.answers_synced == "before"
    new_id = lambda: id_of(secrets.token_bytes(ID_SIZE))  # noqa: E731 - randomness has its home here
    return Recorder(settings.tapes_folder(), instance=own, new_id=new_id, before=before)


def open_log(settings: Settings, source: KeySource) -> Log:
    """The log under the issuer's own name, without its scheme."""
    origin = origin_of(settings.issuer)
    return Log(origin=origin, source=source, marks=settings.marks_dir, now=now, copy=settings.log_copy_dir)


def create_app(broker: Broker, *, places: int = PLACES, watch: Watch | None = None) -> Flask:
    """Put the faces on *broker*; programs may hold so many *places*, and with none it serves people alone.

    *watch* says who may look at its figures.
    """
    app = Flask("broker.web", static_folder="static", template_folder="templates")
    app.json.sort_keys = False  # type: ignore[attr-defined] # the default provider's
    app.url_map.merge_slashes = False  # its redirect would name the host that the caller claims
    app.extensions.update(broker=broker, consent_server=ConsentServer(broker), protector=Protector(broker))
    app.extensions.update(authzen_names=Names(), watch=watch or Watch())
    check_metadata(broker.issuer)
    watch_requests(app)  # first and last: what the others do is among what is timed
    guard(app)
    speak(app)
    handle_failures(app)
    tell_budgets(app)
    log_requests(app)
    readers = count_readers(app)
    read_ahead(app)  # after the others: what it refuses has a request id, and is logged
    app.jinja_env.globals.update(
        day=day,
        moment=moment,
        purpose_title=purpose_title,
        claim_words=claim_words,
        clause_address=clause_address,
        asked_words=asked_words,
        asked_purpose=asked_purpose,
        told_words=told_words,
        listed=listed,
        identifier_types=IDENTIFIER_TYPES,
        statuses=STATUSES,
        ending=ending,
        steps=STEPS,
    )
    for face in FACES:
        app.register_blueprint(face.blueprint)
    behind = Quick(app.wsgi_app, broker, broker.recorder, readers) if broker.recorder else app.wsgi_app
    front = Front(behind, issuer=broker.issuer, new_id=broker.new_id, places=places)
    app.wsgi_app = front  # type: ignore[method-assign] # Flask's own way
    return app


def wsgi() -> Flask:
    """What a WSGI server loads: the application for the environment's settings."""
    return _serving(places=PLACES)


def wsgi_of_people() -> Flask:
    """The same for workers that people have to themselves."""
    return _serving(places=0)


def _serving(*, places: int) -> Flask:
    # A thread that computes gives way after this many seconds: at Python's own 5 ms, a withdrawal among busy threads
    # would wait that long after each of its statements.
    sys.setswitchinterval(_GIVE_WAY)
    settings = read_settings()
    start_logging(settings.log_level)
    start_spans(settings.otlp_endpoint)
    broker = open_to_serve(settings)
    logging.getLogger(__name__).info("serving %s", settings.issuer)
    watch = Watch(token=settings.metrics_token, shared=shared_numbers())
    app = create_app(broker, places=places, watch=watch)
    gc.collect()
    gc.freeze()  # what is there from the start stays: no collection needs to go over it again
    return app
