"""The closed vocabulary that policy documents may use in ``when``.

Each word asks one fact of a case. A list holds when the fact is one of it; true and false hold when the fact is that.
What is not known holds for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from broker.core.case import Case
from broker.core.client import Standing
from broker.core.consent import ConsentStatus
from broker.core.evidence import ORIGINS, SOURCES, TAGS
from broker.core.identifiers import KINDS
from broker.core.purposes import PROHIBITED, PURPOSES
from broker.core.screening import SENSITIVE, USES

Argument = tuple[str, ...] | bool

#: What may be about to be done, and how a person would say it.
ACTS: Mapping[str, str] = {
    "match": "asking for a match",
    "identify": "naming a record",
    "declare": "asking for consent",
    "notice": "showing a notice",
    "consent": "giving consent",
    "register": "registering an application",
    "call": "calling the broker",
    "associate": "offering an association without consent",
    "contact": "sending an automated message",
    "redistribute": "handing ids over",
    "hydrate": "handing whole objects over",
    "report": "asking for a report",
}


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One word of the vocabulary.

    ``values`` are those its argument may name (None: it is true or false), ``reason`` is a denial's that turns on it,
    ``words`` say it: one sentence for a list, two for true and false.
    """

    words: tuple[str, ...]
    values: frozenset[str] | None = None
    reason: str = "no_basis"

    def explain(self, argument: Argument) -> str:
        """What the condition asks with *argument*, for people."""
        if isinstance(argument, bool):
            return self.words[0 if argument else 1]
        return f"{self.words[0]} {' or '.join(argument)}"


def _is(words: str, values: frozenset[str], reason: str = "no_basis") -> Condition:
    return Condition(words=(words,), values=values, reason=reason)


def _mark(true: str, false: str, reason: str = "no_basis") -> Condition:
    return Condition(words=(true, false), reason=reason)


_STATUSES = frozenset({"none", *(status.value for status in ConsentStatus)})
_REJECTED, _PROHIBITED = "provenance_rejected", "purpose_prohibited"

CONDITIONS: Mapping[str, Condition] = {
    # what is about to be done, and by whom
    "act": _is("the act is", frozenset(ACTS)),
    "standing": _is("the application is", frozenset(standing.value for standing in Standing), "suspended"),
    "by": _is("it is done by", frozenset({"api", "person"})),
    # purposes and uses
    "purpose": _is("the purpose is", frozenset({*PURPOSES, *PROHIBITED})),
    "purpose-declared": _mark(
        "the application declared the purpose", "the application did not declare the purpose", "purpose_not_declared"
    ),
    "use": _is("what is written speaks of", frozenset(USES), _PROHIBITED),
    "sensitive": _is("what is written or cited reveals", frozenset(SENSITIVE), _PROHIBITED),
    # giving consent
    "purpose-ticked": _mark("the person ticked a purpose", "the person ticked no purpose"),
    "purpose-asked": _mark("every purpose ticked was asked", "a purpose was ticked that was not asked"),
    # the pair
    "identifier-kind": _is("the record is a", frozenset({*KINDS, "unknown"})),
    "consent-status": _is("the consent is", _STATUSES),
    "consent-covers-purpose": _mark(
        "the consent covers the purpose", "the consent does not cover the purpose", "purpose_not_granted"
    ),
    "association-recorded": _mark("the association is on record", "the association is not on record"),
    # without consent
    "ground": _is("the ground on record is", frozenset({"none", *TAGS})),
    "public-from": _is("the public data are from", frozenset({"platform", "elsewhere"})),
    "provenance-tag": _is("the tag is", frozenset({"none", "other", *TAGS}), _REJECTED),
    "provenance-origin": _is("the origin is", frozenset({*ORIGINS, "other"}), _REJECTED),
    "provenance-source": _is("the source is", frozenset({*SOURCES, "none"}), _REJECTED),
    "evidence-complete": _mark("the evidence is complete", "the evidence lacks something", _REJECTED),
    "expectation-stated": _mark(
        "the tag says what the person would expect", "the tag does not say what the person would expect", _REJECTED
    ),
    "source-open": _mark("the source is open to everybody", "the source is not open to everybody", _REJECTED),
    "pair-tainted": _mark(
        "the pair was offered under a refused origin", "the pair was never offered under a refused origin", _REJECTED
    ),
    "purpose-expected": _mark(
        "the person would expect the purpose", "the person would not expect the purpose", "purpose_not_granted"
    ),
    "person-objected": _mark("the person objected", "the person did not object"),
    "person-signalled": _mark(
        "the person's browser signals that nothing about them be sold or shared",
        "the person's browser does not signal that nothing about them be sold or shared",
    ),
    "person-said-no": _mark(
        "the person refused or withdrew towards this application",
        "the person neither refused nor withdrew towards this application",
    ),
    "account-gone": _mark(
        "the account has vanished from the platform", "the account has not vanished from the platform", "suspended"
    ),
    "account-protected": _mark("the account is protected", "the account is not protected"),
    # an application
    "use-case-taken": _mark(
        "an application of this owner has the use case", "no application of this owner has the use case"
    ),
    "environment-shown": _mark("its name shows its environment", "its name does not show its environment"),
    "environment-shared": _mark("both are of one environment", "they are of two environments"),
    # passing content on
    "objects": _is("what is handed over are", frozenset({"post_ids", "user_ids", "posts", "users"})),
    "agreements-complete": _mark(
        "the recipient has agreed to everything", "the recipient has not agreed to everything"
    ),
    "academic": _mark("the recipient is academic", "the recipient is not academic"),
    "academic-complete": _mark("institution and statement are on record", "institution or statement is not on record"),
    "within-limit": _mark("it stays under the ceiling", "it goes over the ceiling"),
    "permission-written": _mark("a written permission holds", "no written permission holds"),
    "destination-public": _mark("the destination is public", "the destination is not public"),
    # contact
    "contact-consented": _mark("the person consented to contact", "the person did not consent to contact"),
    "within-rate": _mark("the rate stays under the ceiling", "the rate goes over the ceiling"),
    "within-breadth": _mark("the breadth stays under the ceiling", "the breadth goes over the ceiling"),
    "content-repeated": _mark(
        "nearly the same content went to other accounts", "the content did not go to other accounts"
    ),
    # reports
    "cohort-reached": _mark("every line counts enough people", "a line counts too few people"),
    "counts-platform": _mark("it would count the platform", "it does not count the platform"),
}


_USES = frozenset({"purpose", "use", "sensitive"})
_PAPERS = frozenset({"agreements-complete", "academic", "academic-complete", "permission-written"})
_HANDOVER = _PAPERS | {"objects", "by", "within-limit", "destination-public", "environment-shared"}
#: The facts that are known of an act, in the groups in which they are put to the terms. A condition about any other
#: would hold for nothing, and a clause that forbids would forbid nothing, in silence.
KNOWN: Mapping[str, tuple[frozenset[str], ...]] = {
    "match": (
        _USES
        | {"purpose-declared", "identifier-kind", "consent-status", "consent-covers-purpose", "association-recorded"}
        | {"ground", "public-from", "purpose-expected", "person-objected", "person-signalled"}
        | {"person-said-no", "pair-tainted"}
        | {"account-gone", "account-protected"},
    ),
    "identify": (frozenset({"identifier-kind", "use", "sensitive"}),),
    "declare": (_USES, frozenset({"purpose-declared"})),
    "notice": (_USES,),
    "consent": (frozenset({"purpose-ticked", "purpose-asked"}),),
    "register": (_USES, frozenset({"environment-shown"}), frozenset({"use-case-taken"})),
    "call": (frozenset({"standing"}),),
    "associate": (
        _USES
        | {"provenance-tag", "provenance-origin", "provenance-source", "evidence-complete", "expectation-stated"}
        | {"source-open", "pair-tainted"},
    ),
    "contact": (
        _USES
        | {"purpose-declared", "contact-consented", "person-objected"}
        | {"within-rate", "within-breadth", "content-repeated", "account-gone"},
    ),
    "redistribute": (_HANDOVER,),
    "hydrate": (_HANDOVER,),
    "report": (frozenset({"counts-platform", "cohort-reached"}),),
}


def failure(name: str, argument: Argument, case: Case) -> str | None:
    """None when the condition holds, else the reason of a denial that turns on it."""
    mark = isinstance(argument, bool)
    holds = case.marks.get(name) is argument if mark else bool(case.names(name) & set(argument))  # type: ignore[arg-type] # no mark
    return None if holds else case.reasons.get(name, CONDITIONS[name].reason)
