"""What the API answers beside decisions, and what a provenance statement says, as models.

Their JSON Schemas are exported from here, and the tests hold the answers to them.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from broker.actions.report import BY_OPERATOR, KINDS
from broker.core.conditions import ACTS
from broker.core.policy import BASES, REASONS
from broker.web.plain import AgreementsWire
from broker.web.receipt_wire import PartyWire, TermsWire
from broker.web.wire import Wire


class AssociationAnswer(Wire):
    """``POST`` and ``GET /v1/associations``. ``statement`` is the signed statement, an SD-JWT."""

    id: str
    basis: Literal["user_provided", "public"]
    expected_purposes: list[str]
    statement: str


class RecipientAnswer(Wire):
    """``POST /v1/recipients``: a name that is known keeps its id."""

    id: str
    name: str
    agreements: AgreementsWire


class RedistributionAnswer(Wire):
    """``POST /v1/redistributions``. ``remaining`` is null where there is no ceiling."""

    id: str
    remaining: int | None = Field(ge=0)
    window_ends: str


class ReportLineWire(Wire):
    """One line: a count of at least as many people as the cohort."""

    name: str
    count: int = Field(ge=1)


class ReportAnswer(Wire):
    """``GET /v1/reports/{kind}`` and ``broker report``; ``to`` is the last day that is counted."""

    kind: str = Field(json_schema_extra={"enum": list(KINDS)})
    by: str = Field(json_schema_extra={"enum": list(BY_OPERATOR)})
    since: str = Field(alias="from")
    to: str
    cohort: int = Field(ge=1)
    counts: list[ReportLineWire]


class ClauseWire(Wire):
    """One rule of a clause: a permit has its ``basis``, a forbid its ``reason``."""

    id: str
    effect: Literal["permit", "forbid"]
    basis: str | None = Field(None, json_schema_extra={"enum": list(BASES)})
    reason: str | None = Field(None, json_schema_extra={"enum": list(REASONS)})
    says: str
    source: str
    when: dict[str, bool | list[str]]
    decides: list[str] = Field(json_schema_extra={"items": {"enum": list(ACTS)}})
    explains: str


class PolicyHeadWire(Wire):
    """One document in force; ``url`` is where it can be read."""

    id: str
    version: str
    digest: str
    platform: str
    title: str
    url: str


class PoliciesAnswer(Wire):
    """``GET /policies``: the documents in force."""

    policies: list[PolicyHeadWire]


class PolicyAnswer(PolicyHeadWire):
    """``GET /policies/{id}``, and with ``.json`` whatever is accepted."""

    limits: dict[str, int]
    clauses: list[ClauseWire]


class StatedWire(Wire):
    """Who states what an association without consent rests on, and which clauses accepted it."""

    association_id: str
    stated_by: PartyWire
    accepted_by: PartyWire
    platform: str
    tag: Literal["user_provided", "public"]
    data_source: Literal["dpv:DataSubjectDataSource", "dpv:PublicDataSource"]
    expected_purposes: list[str]
    clauses: list[str]
    policy: TermsWire


class StatementWire(Wire):
    """The signed payload. ``account``, ``identifier`` and ``evidence`` are disclosures beside it."""

    iss: str
    jti: str
    iat: int
    nbf: int
    sub: str
    aud: str
    vct: str
    statement: StatedWire
    sd_alg: Literal["sha-256"] = Field(alias="_sd_alg")
    sd: list[str] = Field(alias="_sd")
