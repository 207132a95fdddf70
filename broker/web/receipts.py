"""``GET /v1/receipts/{receipt_id}``: a receipt of the client's own grants, with its proof, in one file.

Who asks for ``application/ld+json`` gets what it says in the terms of the Data Privacy Vocabulary instead.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from broker.actions.bundle_evidence import bundle_for_client
from broker.oauth.context import current_broker
from broker.proof.bundle import MEDIA_TYPE, Bundle
from broker.proof.dpv import MEDIA_TYPE as LINKED_DATA
from broker.proof.dpv import in_dpv
from broker.proof.sdjwt import parse, payload_of
from broker.web.api import called

blueprint = Blueprint("receipts", __name__, url_prefix="/v1/receipts")


@blueprint.get("/<receipt_id>")
def read(receipt_id: str) -> Response:
    """The bundle; its proof is null in the few seconds before a checkpoint holds the receipt."""
    with called(scope="consent") as (tx, holder):
        bundle = bundle_for_client(
            tx,
            current_broker(),
            client_id=holder.client.client_id,
            receipt_id=receipt_id,
            grant_id=holder.token.grant_id,
        )
    asked = request.accept_mimetypes.best_match((MEDIA_TYPE, "application/json", LINKED_DATA))
    return linked_data_answer(bundle) if asked == LINKED_DATA else bundle_answer(bundle)


def bundle_answer(bundle: Bundle) -> Response:
    """A bundle as it travels."""
    answer = Response(str(bundle), mimetype=MEDIA_TYPE)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def linked_data_answer(bundle: Bundle) -> Response:
    """A bundle's receipt as JSON-LD."""
    answer = Response(in_dpv(payload_of(parse(bundle.evidence).jwt)), mimetype=LINKED_DATA)
    answer.headers["Cache-Control"] = "no-store"
    return answer
