"""``POST /v1/actions``: a client says what it did about an event, as a JWS, and gets a receipt of it.

The statement travels as it is (``application/jose``, RFC 7515 section 9.2.1) or as the flattened JSON of section 7.2.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, Request, Response, request

from broker.actions.record_action import bundle_action, open_action, record_action
from broker.core.client import Client
from broker.core.reading import read_json_object
from broker.errors import Forbidden, MalformedRequest
from broker.oauth.context import current_broker
from broker.store.transaction import Transaction
from broker.web.action_wire import FlattenedWire
from broker.web.api import called
from broker.web.receipts import bundle_answer
from broker.web.wire import parse

blueprint = Blueprint("actions", __name__, url_prefix="/v1/actions")
_COMPACT = ("application/jose", "application/jwt")
_FLATTENED = ("application/json", "application/jose+json")


@blueprint.post("")
def state() -> Response:
    """201 with the receipt; 200 with the same receipt where the very same statement came before."""
    broker = current_broker()
    with _stating() as (tx, client):
        recorded = record_action(tx, broker, client=client, text=_statement(request))
        answer = bundle_answer(bundle_action(tx, broker, recorded.action))
    answer.status_code = 201 if recorded.first else 200
    answer.headers["Location"] = broker.url(f"/v1/actions/{recorded.action.action_id}")
    return answer


@blueprint.get("/<action_id>")
def read(action_id: str) -> Response:
    """The receipt; its proof is null in the few seconds before a checkpoint holds it."""
    with _stating() as (tx, client):
        return bundle_answer(open_action(tx, current_broker(), client_id=client.client_id, action_id=action_id))


@contextmanager
def _stating() -> Iterator[tuple[Transaction, Client]]:
    """Who calls, by a token of its own: one that stands for a person's grant ends with it, and answers nothing."""
    with called(scope="consent") as (tx, caller):
        if caller.token.grant_id is not None:
            raise Forbidden("an action needs a token of the client's own, from client_credentials")
        yield tx, caller.client


def _statement(asked: Request) -> str:
    """The statement as a compact JWS, whichever of its two forms it came in."""
    if asked.headers.get("Content-Encoding"):
        raise MalformedRequest("the body must not be compressed")
    if asked.mimetype in _COMPACT:
        return asked.get_data().decode("ascii", errors="replace").strip("\r\n")
    if asked.mimetype in _FLATTENED:
        return parse(FlattenedWire, read_json_object(asked.get_data())).compact()
    raise MalformedRequest("Content-Type must be application/jose with a compact JWS, or application/json")
