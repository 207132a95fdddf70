"""What travels, as JSON Schema 2020-12, from the models that read and write it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from broker.oauth.details import DetailsWire
from broker.web.action_wire import ActionReceiptWire, ActionStatementWire, FlattenedWire
from broker.web.answer_wire import (
    AssociationAnswer,
    PoliciesAnswer,
    PolicyAnswer,
    RecipientAnswer,
    RedistributionAnswer,
    ReportAnswer,
    StatementWire,
)
from broker.web.authzen_wire import (
    ActionSearchWire,
    DecisionPointWire,
    EvaluationAnswer,
    EvaluationsAnswer,
    EvaluationsWire,
    EvaluationWire,
    ResourceSearchWire,
    SearchAnswer,
    SubjectSearchWire,
)
from broker.web.batch_wire import BatchAnswer, DescribedBatchWire, ItemWire, LineAnswer
from broker.web.document_schemas import policy_document, provenance_tag
from broker.web.erasure_wire import CertificateWire
from broker.web.evidence_wire import BundleWire, StatusListsAnswer, StatusTokenWire
from broker.web.export_wire import PersonExport
from broker.web.receipt_wire import ReceiptWire
from broker.web.registration import ClientWire
from broker.web.ssf_wire import (
    PolledWire,
    PollWire,
    SecurityEventWire,
    StreamChangeWire,
    StreamRequestWire,
    StreamStatusWire,
    StreamWire,
    VerificationWire,
)
from broker.web.tag_wire import AssociationWire, MatchWire
from broker.web.terms_wire import ContactWire, RecipientWire, RedistributionWire
from broker.web.wire import DecisionWire, Problem

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MODELS: Mapping[str, type[BaseModel]] = {
    "access-action-search": ActionSearchWire,
    "access-configuration": DecisionPointWire,
    "access-evaluation": EvaluationAnswer,
    "access-evaluation-request": EvaluationWire,
    "access-evaluations": EvaluationsAnswer,
    "access-evaluations-request": EvaluationsWire,
    "access-resource-search": ResourceSearchWire,
    "access-search": SearchAnswer,
    "access-subject-search": SubjectSearchWire,
    "action-receipt": ActionReceiptWire,
    "action-request": FlattenedWire,
    "action-statement": ActionStatementWire,
    "association": AssociationAnswer,
    "association-request": AssociationWire,
    "authorization-details": DetailsWire,
    "bundle": BundleWire,
    "client-registration": ClientWire,
    "consent-receipt": ReceiptWire,
    "contact-check": ContactWire,
    "decision": DecisionWire,
    "erasure-certificate": CertificateWire,
    "match-batch": BatchAnswer,
    "match-batch-item": ItemWire,
    "match-batch-line": LineAnswer,
    "match-batch-request": DescribedBatchWire,
    "match-request": MatchWire,
    "person-export": PersonExport,
    "policies": PoliciesAnswer,
    "policy": PolicyAnswer,
    "poll-answer": PolledWire,
    "poll-request": PollWire,
    "problem": Problem,
    "provenance-statement": StatementWire,
    "recipient": RecipientAnswer,
    "recipient-request": RecipientWire,
    "redistribution": RedistributionAnswer,
    "redistribution-request": RedistributionWire,
    "report": ReportAnswer,
    "security-event": SecurityEventWire,
    "status-list": StatusTokenWire,
    "status-lists": StatusListsAnswer,
    "stream": StreamWire,
    "stream-change": StreamChangeWire,
    "stream-request": StreamRequestWire,
    "stream-status": StreamStatusWire,
    "verification-request": VerificationWire,
}


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema by its name."""
    models = {name: model.model_json_schema() for name, model in MODELS.items()}
    whole = {**models, "policy-document": policy_document(), "provenance-tag": provenance_tag()}
    return {name: {"$schema": DIALECT, **schema} for name, schema in whole.items()}
