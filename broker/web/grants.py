"""What a client holds, and giving it up: ``GET`` and ``DELETE /v1/grants/{grant_id}``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, Response, jsonify

from broker.actions.read_grant import granted_details
from broker.actions.withdraw_consent import find_grant, relinquish_grant
from broker.core.consent import ConsentStatus
from broker.errors import NotFound
from broker.oauth.context import current_broker
from broker.oauth.protector import Caller
from broker.proof.receipt import timestamp
from broker.store.transaction import Transaction
from broker.web.api import called

blueprint = Blueprint("grants", __name__, url_prefix="/v1/grants")


@blueprint.get("/<grant_id>")
def read(grant_id: str) -> Response:
    """The grant as it stands; of an ended one only that it ended."""
    broker = current_broker()
    with _held(grant_id) as (tx, holder):
        record = find_grant(tx, client_id=holder.client.client_id, grant_id=grant_id)
        status = record.status_at(broker.now())
        body: dict[str, object] = {"grant_id": grant_id, "status": status.value}
        if status is ConsentStatus.GIVEN:
            body["authorization_details"] = [granted_details(tx, broker, record)]
        else:
            body["ended_at"] = timestamp(record.ended_at or record.valid_until)
    return jsonify(body)


@blueprint.delete("/<grant_id>")
def give_up(grant_id: str) -> Response:
    """The client gives the grant up. Once more is no error."""
    with _held(grant_id) as (tx, holder):
        relinquish_grant(tx, current_broker(), client_id=holder.client.client_id, grant_id=grant_id)
    return Response(status=204)


@contextmanager
def _held(grant_id: str) -> Iterator[tuple[Transaction, Caller]]:
    """A token behind one grant opens that grant alone."""
    with called(scope="consent") as (tx, holder):
        if holder.token.grant_id not in (None, grant_id):
            raise NotFound("this client holds no grant of that id")
        yield tx, holder
