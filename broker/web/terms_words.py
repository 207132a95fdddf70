"""The terms in plain words, in the page's language: what has an id in a policy document, said for people.

What a document says of itself, its sentences and sources, stays in the document's own language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import LazyString, gettext
from flask_babel import lazy_gettext as _

from broker.core.compare import acts_of
from broker.core.conditions import ACTS, CONDITIONS
from broker.core.policy import Clause

#: What the clauses of one family are about, by what their ids begin with.
FAMILIES: Mapping[str, LazyString] = {
    "SENSITIVE": _("Sensitive information"),
    "MEASURE": _("Measuring the platform"),
    "SURVEILLANCE": _("Surveillance and privacy"),
    "APPLICATION": _("One application for one use case"),
    "MATCH": _("Tying accounts to records"),
    "CONTACT": _("Automated messages"),
    "REDISTRIBUTE": _("Passing content on"),
    "SIGNAL": _("Signals of the browser"),
}

#: What each number in the terms limits.
LIMITS: Mapping[str, LazyString] = {
    "hydrated-per-recipient-day": _("Posts or profiles handed over whole: at most, to one recipient in a day"),
    "ids-per-recipient-30-days": _("Post ids handed over: at most, to one recipient in 30 days"),
    "report-cohort": _("People behind each line of a report: at least"),
    "contacts-per-minute": _("Automated messages of one application: at most, in a minute"),
    "contact-accounts-per-day": _("Accounts that one application sends automated messages: at most, in a day"),
    "repeated-content-accounts": _("Accounts that get the same automated message: at most"),
}

#: What a permit rests on.
BASES: Mapping[str, LazyString] = {
    "consent": _("Permits, on the person's consent"),
    "user_provided": _("Permits, on what the person gave"),
    "public": _("Permits, on public data"),
    "terms": _("Permits"),
}
_FORBIDS = _("Forbids")

#: What a business says of an association without consent.
CLAIMS: Mapping[str, LazyString] = {
    "user_provided": _("It says that you gave it your details yourself."),
    "public": _("It says that it found you in public data."),
}


def claim_words(basis: str) -> str:
    """What a business says it rests on without consent."""
    return str(CLAIMS[basis])


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One condition in words; ``values`` are those it names, as they stand on the wire."""

    words: str
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """When a clause decides: the acts it is about, and what must hold of them."""

    acts: tuple[str, ...]
    conditions: tuple[Condition, ...]


def verdict_words(clause: Clause) -> str:
    """What a clause does."""
    return str(BASES[clause.basis] if clause.basis else _FORBIDS)


def rule_words(clause: Clause) -> Rule:
    """When a clause decides."""
    return Rule(
        acts=tuple(gettext(ACTS[act]) for act in acts_of(clause)),
        conditions=tuple(
            Condition(
                words=gettext(
                    CONDITIONS[name].explain(argument) if isinstance(argument, bool) else CONDITIONS[name].words[0]
                ),
                values=argument if isinstance(argument, tuple) else (),
            )
            for name, argument in clause.when
            if name != "act"
        ),
    )


def family_of(clause_id: str) -> str:
    """What a clause's id begins with."""
    return clause_id.partition("-")[0]


def family_title(family: str) -> str | None:
    """What the clauses of a family are about; None for one that only its document knows."""
    return str(FAMILIES[family]) if family in FAMILIES else None
