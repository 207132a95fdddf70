"""AuthZEN Authorization API 1.0 in JSON: evaluations, searches, and their answers (sections 5 to 8 there).

Members that nobody knows are ignored, as section 10.1.1 asks. One that is known and is not what it should be is a
fault, null too: a default must never stand in for what somebody meant to write.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import ConfigDict, Field

from broker.errors import MalformedRequest
from broker.web.wire import ContextWire, Problem, Wire, parse

#: More in one request are refused, and say so: whoever cut them off would deny in silence.
MOST_EVALUATIONS = 100
Properties = dict[str, Any]
Semantic = Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"]
#: The answer after which nothing more is asked.
STOPS: dict[str, bool | None] = {"execute_all": None, "deny_on_first_deny": False, "permit_on_first_permit": True}


class OpenWire(Wire):
    """What may hold members that are for others."""

    model_config = ConfigDict(extra="ignore")


class EntityWire(OpenWire):
    """A subject or a resource."""

    type: str
    id: str
    properties: Properties = Field(default_factory=dict)


class KindWire(OpenWire):
    """A subject or a resource that is looked for; an ``id`` is ignored (sections 8.4.1 and 8.5.1)."""

    type: str
    properties: Properties = Field(default_factory=dict)


class ActionWire(OpenWire):
    """An action."""

    name: str
    properties: Properties = Field(default_factory=dict)


class EvaluationWire(OpenWire):
    """``POST /access/v1/evaluation``. The ``context`` is read and not heeded: an answer is about now."""

    subject: EntityWire
    action: ActionWire
    resource: EntityWire
    context: Properties = Field(default_factory=dict)


class OptionsWire(OpenWire):
    """How several evaluations are carried out."""

    evaluations_semantic: Semantic = "execute_all"


class EvaluationsWire(OpenWire):
    """``POST /access/v1/evaluations``; what stands beside the list is the default of what an entry leaves out."""

    subject: EntityWire | None = None
    action: ActionWire | None = None
    resource: EntityWire | None = None
    context: Properties | None = None
    evaluations: list[Any] = Field(default_factory=list, max_length=MOST_EVALUATIONS)
    options: OptionsWire = OptionsWire()

    def one(self) -> EvaluationWire:
        """The request as a single evaluation, which it is without a list (section 7.1)."""
        return parse(EvaluationWire, self._defaults())

    def each(self) -> list[EvaluationWire | MalformedRequest]:
        """Every entry with its defaults, or what is wrong with it."""
        return [self._entry(raw) for raw in self.evaluations]

    def _entry(self, raw: object) -> EvaluationWire | MalformedRequest:
        if not isinstance(raw, dict):
            return MalformedRequest("an evaluation is an object")
        try:
            # Whole objects replace whole objects (section 7.1.1): nothing is mixed.
            return parse(EvaluationWire, {**self._defaults(), **raw})
        except MalformedRequest as error:
            return error

    def _defaults(self) -> dict[str, object]:
        given = self.model_fields_set & EvaluationWire.model_fields.keys()
        return {name: getattr(self, name) for name in given}


class PageWire(OpenWire):
    """Which part of a long result is asked for."""

    token: str | None = None
    limit: Annotated[int, Field(ge=0)] | None = None


class SearchWire(OpenWire):
    """What the three searches have in common."""

    context: Properties = Field(default_factory=dict)
    page: PageWire = PageWire()


class SubjectSearchWire(SearchWire):
    """``POST /access/v1/search/subject``."""

    subject: KindWire
    action: ActionWire
    resource: EntityWire


class ResourceSearchWire(SearchWire):
    """``POST /access/v1/search/resource``."""

    subject: EntityWire
    action: ActionWire
    resource: KindWire


class ActionSearchWire(SearchWire):
    """``POST /access/v1/search/action``."""

    subject: EntityWire
    resource: EntityWire


Search = TypeVar("Search", bound=SearchWire)


class FailureWire(Wire):
    """In the place of reasons: what could not be answered, as a problem."""

    error: Problem


class EvaluationAnswer(Wire):
    """A decision; a failure never permits (section 7.2.1)."""

    decision: bool
    context: ContextWire | FailureWire


class EvaluationsAnswer(Wire):
    """Decisions in the order of the request; those after the one that ended it are left out."""

    evaluations: list[EvaluationAnswer]


class PageAnswer(Wire):
    """``next_token`` is empty at the end."""

    next_token: str
    count: int


class FoundEntity(Wire):
    """A subject or a resource that was found."""

    type: str
    id: str


class FoundAction(Wire):
    """An action that was found."""

    name: str
    properties: dict[str, str] | None = None


class SearchAnswer(Wire):
    """What a search found; ``context`` says why nothing can be."""

    page: PageAnswer
    context: FailureWire | None = None
    results: list[FoundEntity | FoundAction]


class DecisionPointWire(Wire):
    """``GET /.well-known/authzen-configuration``."""

    policy_decision_point: str
    access_evaluation_endpoint: str
    access_evaluations_endpoint: str
    search_subject_endpoint: str
    search_resource_endpoint: str
    search_action_endpoint: str
