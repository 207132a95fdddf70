"""The API as OpenAPI 3.1: what is under ``/v1``, ``/access`` and ``/ssf``, the terms in force, and OAuth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from broker import __version__
from broker.actions.report import BY_CLIENT, KINDS
from broker.proof.bundle import MEDIA_TYPE
from broker.web.openapi_access import access_paths
from broker.web.openapi_actions import action_paths
from broker.web.openapi_events import stream_paths
from broker.web.openapi_evidence import bundle_content, evidence_paths
from broker.web.openapi_limits import with_limits
from broker.web.reading import NDJSON
from broker.web.schemas import MODELS

_STRING: Mapping[str, Any] = {"type": "string"}
_DAY: Mapping[str, Any] = {"type": "string", "format": "date"}
#: What a program exchanges with the API. Documents and evidence have schemas of their own, and no path.
_EXCHANGED = (
    "access-action-search", "access-evaluation", "access-evaluation-request", "access-evaluations",
    "access-evaluations-request", "access-resource-search", "access-search", "access-subject-search",
    "action-request", "association", "association-request", "bundle", "contact-check", "decision",
    "match-batch", "match-batch-item", "match-batch-line", "match-batch-request", "match-request", "policies", "policy",
    "poll-answer", "poll-request", "problem", "recipient", "recipient-request", "redistribution",
    "redistribution-request", "report", "status-lists", "stream", "stream-change", "stream-request", "stream-status",
    "verification-request",
)  # fmt: skip


def openapi() -> dict[str, Any]:
    """The whole description."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Consent broker", "version": __version__},
        "paths": with_limits(
            {
                **_matching(),
                **access_paths(),
                **_grants(),
                **_terms(),
                **_policies(),
                **evidence_paths(),
                **_erasures(),
                **stream_paths(),
                **action_paths(),
                **_oauth(),
            }
        ),
        "components": {
            "schemas": {name: _component(name) for name in _EXCHANGED},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "RFC 9068 JWT"}},
        },
    }


def _matching() -> dict[str, Any]:
    one = _in_path("association_id")
    return {
        "/v1/match": {
            "post": _call(
                "May this account be tied to this identifier, for this purpose?",
                "match",
                body="match-request",
                answer="decision",
                problems=("409", "422"),
                more="A denial is an answer: status 200, decision false, its reason and the clauses that made it. 409:"
                " the pair has too many associations for the tag. 422: the terms refuse the label of the identifier.",
            )
        },
        "/v1/match/batch": {"post": _batch()},
        "/v1/associations": {
            "post": _call(
                "Offer an association without consent, with the tag that it rests on",
                "match",
                body="association-request",
                answer="association",
                status=201,
                problems=("409", "422"),
                once=True,
                more="422: the terms refuse the tag, and the clauses say which. provenance-tag.json shows whole tags."
                " 409: the pair has too many associations.",
            )
        },
        "/v1/associations/{association_id}": {
            "parameters": [one],
            "get": _association(),
            "delete": _call("Give the association up", "match", status=204, problems=("404",)),
        },
    }


def _batch() -> dict[str, Any]:
    """Many questions: as one object, or a line for each."""
    post = _call(
        "The same of many pairs: up to 5,000 of one moment, or as lines any number",
        "match",
        body="match-batch-request",
        answer="match-batch",
        problems=("413",),
        more="Answers are in the order of the questions; each is what /v1/match says of that pair alone, or the error"
        " of an item that cannot be read. Lines hold their own purpose each, and are answered a line for a line, once"
        " all of them were read.",
    )
    post["requestBody"]["content"].update(_lines("match-batch-item"))
    post["responses"]["200"]["content"].update(_lines("match-batch-line"))
    return post


def _association() -> dict[str, Any]:
    """One association; its statement may be had with the proof, as evidence that stands alone."""
    get = _call("An association of the client's own", "match", answer="association", problems=("404",))
    get["responses"]["200"]["content"].update(bundle_content())
    return get


def _grants() -> dict[str, Any]:
    return {
        "/v1/grants/{grant_id}": {
            "parameters": [_in_path("grant_id")],
            "get": _call("What the client holds", "consent", answer="object", problems=("404",)),
            "delete": _call("Give the grant up", "consent", status=204, problems=("404",)),
        }
    }


def _terms() -> dict[str, Any]:
    return {
        "/v1/contact/check": {
            "post": _call(
                "May an automated message go to this account now?",
                "contact",
                body="contact-check",
                answer="decision",
                problems=("422",),
                more="What is permitted counts as sent. 422: the terms refuse the label of the identifier.",
            )
        },
        "/v1/recipients": {
            "post": _call(
                "Record a recipient with its dated agreements, or bring one of that name up to date",
                "redistribute",
                body="recipient-request",
                answer="recipient",
                status=201,
                problems=("409", "422"),
                once=True,
            )
        },
        "/v1/redistributions": {
            "post": _call(
                "Count ids that are handed to a recipient, before they are handed over",
                "redistribute",
                body="redistribution-request",
                answer="redistribution",
                status=201,
                problems=("404", "409", "422"),
                once=True,
                more="409: the terms refuse, and nothing is counted. Whole objects are handed over at a terminal.",
            )
        },
        "/v1/reports/{kind}": {"parameters": [_in_path("kind", enum=KINDS)], "get": _report()},
    }


def _policies() -> dict[str, Any]:
    one = _in_path("policy_id")
    return {
        "/policies": {"get": _read("The documents in force", "policies")},
        "/policies/{policy_id}": {"parameters": [one], "get": _read("One document, clause by clause", "policy")},
        "/policies/{policy_id}.json": {"parameters": [one], "get": _read("The same, always as JSON", "policy")},
    }


def _erasures() -> dict[str, Any]:
    answer = {"description": "The certificate as a bundle; its proof is null until a checkpoint holds it"}
    return {
        "/erasures/{erasure_id}": {
            "parameters": [_in_path("erasure_id")],
            "get": {
                "summary": "The certificate of an erasure, which names nobody",
                "responses": {
                    "200": {**answer, "content": {MEDIA_TYPE: {"schema": {"type": "object"}}}},
                    "404": {"description": "There is none of that name", "content": _PROBLEM},
                },
            },
        }
    }


def _report() -> dict[str, Any]:
    days = [{"name": name, "in": "query", "schema": _DAY} for name in ("from", "to")]
    by = {"name": "by", "in": "query", "schema": {"enum": list(BY_CLIENT), "default": "ground"}}
    return {
        **_call("The client's own counts, over whole UTC days", "report", answer="report", problems=("422",)),
        "description": "422: a report of the platform, or one that counts too few people.",
        "parameters": [*days, by],
    }


def _read(summary: str, answer: str) -> dict[str, Any]:
    """What anybody may read; where a browser asks, it gets a page."""
    return {
        "summary": summary,
        "responses": {
            "200": {"description": "The terms in force", "content": _json(answer)},
            "404": {"description": "There are none of that name", "content": _PROBLEM},
        },
    }


def _oauth() -> dict[str, Any]:
    return {
        "/oauth/par": {"post": _form("Push an authorization request (RFC 9126)", 201)},
        "/oauth/token": {"post": _form("Exchange a code, or ask for a token of one's own (RFC 6749)", 200)},
        "/oauth/revoke": {"post": _form("Revoke a token (RFC 7009)", 200)},
    }


def _call(
    summary: str,
    scope: str,
    *,
    body: str | None = None,
    answer: str | None = None,
    status: int = 200,
    problems: Sequence[str] = (),
    once: bool = False,
    more: str | None = None,
) -> dict[str, Any]:
    """One operation under ``/v1``: who may call it, what it reads and answers; ``once`` says that it takes a key."""
    content = {"content": _json(answer)} if answer else {}
    return {
        "summary": summary,
        **({"description": more} if more else {}),
        "security": [{"token": [scope]}],
        **({"parameters": [_KEY]} if once else {}),
        **({"requestBody": {"required": True, "content": _json(body)}} if body else {}),
        "responses": {str(status): {"description": _DONE[status], **content}, **_problems(*problems)},
    }


_PROBLEM: Mapping[str, Any] = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}}
_DONE = {200: "The answer", 201: "It is on record", 204: "It has ended"}
_KEY: Mapping[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Sent again within a day, the request does nothing twice and gets the answer it got.",
    "schema": {"type": "string", "pattern": '^"?[A-Za-z0-9._:-]{1,128}"?$'},
}


def _in_path(name: str, *, enum: Sequence[str] = ()) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"enum": list(enum)} if enum else _STRING}


def _component(name: str) -> dict[str, Any]:
    template = f"#/components/schemas/{name}/$defs/{{model}}"
    return dict(MODELS[name].model_json_schema(ref_template=template))


def _form(summary: str, status: int) -> dict[str, Any]:
    form = {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}}
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": form},
        "responses": {
            str(status): {"description": "Done"},
            "400": {"description": "An OAuth error (RFC 6749)"},
            "401": {"description": "The client was not authenticated"},
        },
    }


def _json(name: str) -> dict[str, Any]:
    schema = {"type": "object"} if name == "object" else {"$ref": f"#/components/schemas/{name}"}
    return {"application/json": {"schema": schema}}


def _lines(name: str) -> dict[str, Any]:
    """JSON text a line; the schema is of one line."""
    return {NDJSON: {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _problems(*more: str) -> dict[str, Any]:
    return {
        status: {"description": "A problem (RFC 9457)", "content": _PROBLEM} for status in ("400", "401", "403", *more)
    }
