"""The closed vocabulary that policy documents may use in ``when``.

A condition takes its argument from the document and looks at one case. It returns None when it holds and
the reason of a denial when it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from broker.core.consent import ConsentStatus
from broker.core.evidence import TAGS
from broker.core.match import Case
from broker.core.purposes import PROHIBITED, PURPOSES

Argument = tuple[str, ...] | bool

#: Why a consent that is not given does not permit, in the words of the wire.
_STATUS_REASON = {"withdrawn": "withdrawn", "expired": "expired"}


@dataclass(frozen=True)
class Condition:
    """One word of the vocabulary: the values its argument may name (None: it is true or false), and its check."""

    values: frozenset[str] | None
    check: Callable[[Argument, Case], str | None]


def _purpose(argument: Argument, case: Case) -> str | None:
    return None if _among(case.request.purpose, argument) else "no_basis"


def _purpose_declared(argument: Argument, case: Case) -> str | None:
    declared = case.request.purpose in case.facts.declared_purposes
    return None if declared is argument else "purpose_not_declared"


def _consent_status(argument: Argument, case: Case) -> str | None:
    status = case.consent_status
    return None if _among(status, argument) else _STATUS_REASON.get(status, "no_basis")


def _consent_covers_purpose(argument: Argument, case: Case) -> str | None:
    return None if case.consent_covers_purpose is argument else "purpose_not_granted"


def _association_recorded(argument: Argument, case: Case) -> str | None:
    recorded = case.consent is not None and case.consent.associated
    return None if recorded is argument else "no_basis"


def _provenance_tag(argument: Argument, case: Case) -> str | None:
    offered = case.request.provenance
    tag = "none" if offered is None else offered.tag if offered.tag in TAGS else "other"
    return None if _among(tag, argument) else "provenance_rejected"


def _provenance_source(argument: Argument, case: Case) -> str | None:
    offered = case.request.provenance
    platform = offered is not None and offered.source == "platform"
    return None if _among("platform" if platform else "elsewhere", argument) else "provenance_rejected"


def _purpose_expected(argument: Argument, case: Case) -> str | None:
    offered = case.request.provenance
    expected = offered is not None and case.request.purpose in offered.expected_purposes
    return None if expected is argument else "provenance_rejected"


def _identifier_kind(argument: Argument, case: Case) -> str | None:  # noqa: ARG001 - the same for every case
    """Of a case the kind is known: what is of no known kind is refused where it is read, by the clause that says so."""
    return "no_basis"


def _among(value: str, argument: Argument) -> bool:
    return isinstance(argument, tuple) and value in argument


_STATUSES = frozenset({"none", *(status.value for status in ConsentStatus)})

CONDITIONS: Mapping[str, Condition] = {
    "purpose": Condition(frozenset({*PURPOSES, *PROHIBITED}), _purpose),
    "purpose-declared": Condition(None, _purpose_declared),
    "consent-status": Condition(_STATUSES, _consent_status),
    "consent-covers-purpose": Condition(None, _consent_covers_purpose),
    "association-recorded": Condition(None, _association_recorded),
    "provenance-tag": Condition(frozenset({"none", "other", *TAGS}), _provenance_tag),
    "purpose-expected": Condition(None, _purpose_expected),
    "identifier-kind": Condition(frozenset({"unknown"}), _identifier_kind),
    "provenance-source": Condition(frozenset({"platform", "elsewhere"}), _provenance_source),
}
