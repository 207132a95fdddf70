"""The terms in force: ``/policies`` and ``/policies/{id}``, a page for people and JSON for programs.

Who names ``application/json`` and likes it better than a page gets JSON; everybody else gets the page, so that an
address from a decision opens wherever it is put. ``/policies/{id}.json`` is JSON for everybody. Both carry an ETag, and
answer 304 to who has it.
"""

from __future__ import annotations

from flask import Blueprint, Response, g, jsonify, request

from broker.core.compare import acts_of, explain
from broker.core.policy import Clause, Policy
from broker.errors import NotFound
from broker.oauth.context import current_broker
from broker.policies import FALLBACK
from broker.web.pages import render
from broker.web.terms_page import families
from broker.web.terms_words import LIMITS

#: What names a page, and what JSON; ``*/*`` names neither.
_PAGES, _JSON = {"text/html", "application/xhtml+xml", "text/*"}, {"application/json", "application/*"}

blueprint = Blueprint("policies", __name__, url_prefix="/policies")


@blueprint.get("")
def index() -> Response:
    """The documents in force, and for which platform each is."""
    broker = current_broker()
    found = sorted(broker.policies.by_platform.values(), key=lambda policy: policy.platform != FALLBACK)
    if not _page_is_asked():
        return _public(jsonify({"policies": [_head(policy) for policy in found]}))
    shown = [(policy, _platform_name(policy), policy.platform == FALLBACK) for policy in found]
    return _public(render("policies.html", policies=shown))


@blueprint.get("/<policy_id>.json")
def show_as_json(policy_id: str) -> Response:
    """One document, for programs."""
    g.for_programs = True
    return _public(jsonify(_body(_find(policy_id))))


@blueprint.get("/<policy_id>")
def show(policy_id: str) -> Response:
    """One document: each clause, what it says, and what it decides here."""
    if not _page_is_asked():
        return show_as_json(policy_id)
    policy = _find(policy_id)
    return _public(
        render(
            "policy.html",
            policy=policy,
            platform=_platform_name(policy),
            families=families(policy),
            limits=[(LIMITS[name], number) for name, number in policy.limits.items()],
        )
    )


def _page_is_asked() -> bool:
    """Whether the caller gets the page: all who do not name JSON and like it better."""
    g.for_programs = _liking(_JSON) > _liking(_PAGES)
    return not g.for_programs


def _liking(kinds: set[str]) -> float:
    """How much the caller likes some kinds that it names; 0 when it names none."""
    named = ((kind.partition(";")[0].strip(), quality) for kind, quality in request.accept_mimetypes)
    return max((float(quality) for kind, quality in named if kind in kinds), default=0.0)


def _platform_name(policy: Policy) -> str:
    """A platform's name for people, also of one at which nobody can sign in here."""
    label = current_broker().label_of(policy.platform)
    return label.capitalize() if label == policy.platform else label


def _find(policy_id: str) -> Policy:
    for policy in current_broker().policies.by_platform.values():
        if policy.ref.id == policy_id:
            return policy
    raise NotFound("there are no terms of that name in force here")


def _head(policy: Policy) -> dict[str, object]:
    return {
        "id": policy.ref.id,
        "version": policy.ref.version,
        "digest": policy.ref.digest,
        "platform": policy.platform,
        "title": policy.title,
        "url": _address(policy),
    }


def _address(policy: Policy) -> str:
    return current_broker().url(f"/policies/{policy.ref.id}")


def _body(policy: Policy) -> dict[str, object]:
    return {
        **_head(policy),
        "limits": dict(policy.limits),
        "clauses": [_clause(clause) for clause in policy.clauses],
    }


def _clause(clause: Clause) -> dict[str, object]:
    verdict = {"basis": clause.basis} if clause.basis else {"reason": clause.reason}
    when = {name: list(argument) if isinstance(argument, tuple) else argument for name, argument in clause.when}
    return {
        "id": clause.id,
        "effect": clause.effect.value,
        **verdict,
        "says": clause.says,
        "source": clause.source,
        "when": when,
        "decides": list(acts_of(clause)),
        "explains": explain(clause),
    }


def _public(answer: Response) -> Response:
    """Anybody may keep it for a while, by what it says: nothing in it is about the caller."""
    answer.headers["Cache-Control"] = "public, max-age=300"
    answer.headers["Vary"] = "Accept, Accept-Language"
    answer.add_etag()
    answer.make_conditional(request)
    return answer
