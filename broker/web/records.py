"""Face 3, what the person takes home: each receipt with its proof, and everything that is kept about them."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, request

from broker.actions.export_person import export_person
from broker.actions.list_consents import ReceiptFile, open_receipt
from broker.errors import Unauthorized
from broker.oauth.context import current_broker
from broker.proof.checkpoint import read_vkeys, vkeys_text
from broker.proof.verify import verify_evidence
from broker.store.people import Person
from broker.web.export_wire import PersonExport
from broker.web.pages import render, see_other
from broker.web.receipt_text import receipt_text
from broker.web.receipts import bundle_answer, linked_data_answer
from broker.web.security import with_own_style
from broker.web.visiting import visit

blueprint = Blueprint("records", __name__, url_prefix="/consents")
STYLE = (Path(__file__).parent / "static" / "broker.css").read_text("utf-8")


@blueprint.get("/receipts/<receipt_id>")
def receipt(receipt_id: str) -> Response:
    """A receipt in plain words, checked by the same steps that anybody can run."""
    broker = current_broker()
    person, file = _opened(receipt_id)
    vkeys = read_vkeys(vkeys_text(file.bundle.vkeys))
    verdict = verify_evidence(str(file.bundle), jwks=broker.keys.jwks(), vkeys=vkeys)
    record = verdict.payload.get("record")
    return render(
        "receipt.html",
        receipt=file,
        verdict=verdict,
        # In the few seconds before a checkpoint holds the receipt there is nothing of the log to confirm.
        steps_made=[step for step in verdict.steps if file.bundle.proof or step.ok is not None],
        record=record,
        terms=_terms_of(record),
        platform=broker.label_of(person.proven.account.platform),
    )


@blueprint.get("/receipts/<receipt_id>/download")
def download(receipt_id: str) -> Response:
    """The receipt as a file: with its proof, or what it says as linked data."""
    _person, file = _opened(receipt_id)
    if request.args.get("form") == "dpv":
        return _saved(linked_data_answer(file.bundle), f"consent-receipt-{receipt_id}.jsonld")
    return _saved(bundle_answer(file.bundle), f"consent-receipt-{receipt_id}.bundle.json")


@blueprint.get("/export")
def export() -> Response:
    """Everything, in one file that other programs can read."""
    broker = current_broker()
    with visit(filed=True) as (tx, person):
        found = export_person(tx, broker, person)
    body = PersonExport.from_core(found, issuer=broker.issuer, now=broker.now())
    answer = Response(body.model_dump_json(indent=1, by_alias=True) + "\n", mimetype="application/json")
    answer.headers["Cache-Control"] = "no-store"
    return _saved(answer, "consents.json")


@blueprint.get("/everything")
def everything() -> Response:
    """The same to read: one page that brings its own style, to print or to keep."""
    broker = current_broker()
    try:
        with visit(filed=True) as (tx, person):
            found = export_person(tx, broker, person)
    except Unauthorized:
        return see_other("/consents")
    answer = render(
        "everything.html",
        found=found,
        receipts=[receipt_text(bundle) for bundle in found.receipts],
        platform=broker.label_of(found.person.proven.account.platform),
        issuer=broker.issuer,
        now=broker.now(),
    )
    return with_own_style(answer, STYLE)


def _opened(receipt_id: str) -> tuple[Person, ReceiptFile]:
    with visit() as (tx, person):
        return person, open_receipt(tx, current_broker(), person, receipt_id)


def _saved(answer: Response, name: str) -> Response:
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _terms_of(record: object) -> str | None:
    """Where the terms that a receipt names can be read, if a document of that name is in force."""
    named = record.get("policy") if isinstance(record, dict) else None
    in_force = {policy.ref.id for policy in current_broker().policies.by_platform.values()}
    return f"/policies/{named['id']}" if isinstance(named, dict) and named.get("id") in in_force else None
