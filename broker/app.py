"""create_app(): settings, database, keys and policy meet the faces here, and nowhere else.

This file is the home of the clock and of randomness.
"""

from __future__ import annotations

import logging
import secrets
from datetime import UTC, datetime

from flask import Flask

from broker.actions.broker import Broker
from broker.core.blinding import Blinder
from broker.oauth.metadata import check_metadata
from broker.oauth.protector import Protector
from broker.oauth.server import ConsentServer
from broker.platforms.registry import load_platforms
from broker.policies import SHIPPED, load_policies, load_screen
from broker.proof.keyfiles import load_keys
from broker.proof.receipt import Party
from broker.settings import Settings, read_settings
from broker.store.database import Database
from broker.store.migrating import require_schema
from broker.store.sealing import Sealer
from broker.web import (
    associations,
    consent,
    contact,
    grants,
    health,
    home,
    linking,
    match,
    oauth,
    policies,
    redistribution,
    reports,
    revocation,
    wellknown,
)
from broker.web.languages import speak
from broker.web.logs import log_requests, start_logging
from broker.web.pages import day, moment
from broker.web.problems import handle_failures
from broker.web.reading import read_ahead
from broker.web.security import guard
from broker.web.terms_words import claim_words
from broker.web.wording import IDENTIFIER_TYPES, STATUSES, STEPS, ending, purpose_title

#: Every face, and nothing that is not listed here.
FACES = (
    *(home, consent, linking, revocation, policies),
    *(match, associations, grants, redistribution, contact, reports),
    *(oauth, wellknown, health),
)


def now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


def open_broker(settings: Settings) -> Broker:
    """Open database, keys, policies and platforms, or raise :class:`BadConfiguration` naming the first fault."""
    keys = load_keys(settings.keys_dir, settings.master())
    return Broker(
        issuer=settings.issuer,
        party=Party(
            id=settings.issuer,
            name=settings.operator_name,
            contact=settings.operator_contact,
            address=settings.operator_address,
        ),
        location=settings.storage_location,
        database=Database(settings.database_url),
        keys=keys,
        blinder=Blinder(keys.blinding),
        sealer=Sealer(keys.storage, secrets.token_bytes),
        policies=load_policies(settings.policies_dir or SHIPPED),
        screen=load_screen(),
        platforms=load_platforms(settings.platforms_file, loopback=settings.loopback),
        now=now,
        random=secrets.token_bytes,
    )


def create_app(broker: Broker) -> Flask:
    """Put the faces on *broker*."""
    app = Flask("broker.web", static_folder="static", template_folder="templates")
    app.json.sort_keys = False  # type: ignore[attr-defined] # the default provider's
    app.url_map.merge_slashes = False  # its redirect would name the host that the caller claims
    app.extensions.update(broker=broker, consent_server=ConsentServer(broker), protector=Protector(broker))
    check_metadata(broker.issuer)
    guard(app)
    speak(app)
    handle_failures(app)
    log_requests(app)
    read_ahead(app)  # after the others: what it refuses has a request id, and is logged
    app.jinja_env.globals.update(
        day=day,
        moment=moment,
        purpose_title=purpose_title,
        claim_words=claim_words,
        identifier_types=IDENTIFIER_TYPES,
        statuses=STATUSES,
        ending=ending,
        steps=STEPS,
    )
    for face in FACES:
        app.register_blueprint(face.blueprint)
    return app


def wsgi() -> Flask:
    """What a WSGI server loads: the application for the environment's settings."""
    settings = read_settings()
    start_logging(settings.log_level)
    broker = open_broker(settings)
    require_schema(broker.database)
    logging.getLogger(__name__).info("serving %s", settings.issuer)
    return create_app(broker)
