"""JSON in and out, and its translation to and from core types. No dict goes past this file.

Strict models: no coercion, no unknown members.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from broker.actions.broker import Broker
from broker.actions.decide_match import Answer
from broker.actions.gather_facts import Question
from broker.core.evidence import Provenance
from broker.core.identifiers import read_handle
from broker.core.match import Decision
from broker.errors import MalformedRequest
from broker.oauth.details import IdentifierWire, first_fault, known_identifier
from broker.proof.receipt import timestamp

Word = Annotated[str, Field(min_length=1, max_length=64)]
Text = Annotated[str, Field(min_length=1, max_length=2048)]


class Wire(BaseModel):
    """The base of everything under ``/v1``."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


Model = TypeVar("Model", bound=Wire)


def parse(model: type[Model], value: object) -> Model:
    """Return *value* as *model*, or raise :class:`MalformedRequest` naming the first fault."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise MalformedRequest(first_fault(error)) from error


class AccountWire(Wire):
    """An account by its permanent id, or by a handle that the client's own grants know."""

    platform: Word
    id: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    handle: Word | None = None


class PairWire(Wire):
    """An account and an identifier."""

    account: AccountWire
    identifier: IdentifierWire

    def question(self, broker: Broker, *, purpose: str, provenance: Provenance | None = None) -> Question:
        """The question, its identifier normalised and its account in the platform's own form."""
        platform = broker.platform(self.account.platform)
        if (self.account.id is None) == (self.account.handle is None):
            raise MalformedRequest("account must hold either id or handle")
        if self.account.id is not None and not platform.grammar.id.fullmatch(self.account.id):
            raise MalformedRequest("account.id is not an id of this platform")
        handle = self.account.handle
        return Question(
            platform=platform.name,
            account_id=self.account.id,
            handle=read_handle(handle, platform.grammar) if handle is not None else None,
            identifier=known_identifier(broker, platform.name, self.identifier),
            purpose=purpose,
            provenance=provenance,
        )


class PolicyWire(Wire):
    """The document that decided."""

    id: str
    version: str
    digest: str


#: A finer reason is for the person and the records. To the business, a purpose that means something else by now is one
#: that was not granted; that its own receipt shows it ticked tells it to ask again.
_TOLD = {"notice_changed": "purpose_not_granted"}


def reason_told(decision: Decision) -> str | None:
    """Why not, as a business is told."""
    return _TOLD.get(decision.reason or "", decision.reason)


class ContextWire(Wire):
    """Why, and by which document."""

    id: str
    basis: Literal["consent", "user_provided", "public"] | None = None
    reason: str | None = None
    clauses: list[str]
    policy: PolicyWire
    grant_id: str | None = None
    receipt_id: str | None = None
    association_id: str | None = None
    valid_until: str | None = None
    decided_at: str


class DecisionWire(Wire):
    """The answer to a match: a "no" is an answer, not an error."""

    decision: bool
    context: ContextWire

    @classmethod
    def from_core(cls, answer: Answer) -> DecisionWire:
        """The answer as it travels."""
        decision = answer.decision
        consent = decision.consent
        context = ContextWire(
            id=answer.decision_id,
            basis=decision.basis,  # type: ignore[arg-type] # one of core.policy.BASES
            reason=reason_told(decision),
            clauses=list(decision.clauses),
            policy=PolicyWire(**vars(decision.policy)),
            grant_id=consent.grant_id if consent else None,
            receipt_id=consent.receipt_id if consent else None,
            association_id=decision.ground.association_id if decision.ground else None,
            valid_until=timestamp(consent.valid_until) if consent else None,
            decided_at=timestamp(answer.decided_at),
        )
        return cls(decision=decision.permitted, context=context)


class Problem(Wire):
    """RFC 9457, with the clauses where the terms decided; ``retry_after``: seconds until a budget has enough again."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    clauses: list[str] | None = None
    retry_after: int | None = None


def dump(model: Wire) -> dict[str, Any]:
    """The members that are there."""
    return model.model_dump(exclude_none=True)
