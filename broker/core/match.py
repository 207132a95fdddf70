"""What is asked, what is known, what is answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from broker.core.consent import ConsentRecord, ConsentStatus
from broker.core.evidence import Provenance
from broker.core.identifiers import Association


@dataclass(frozen=True, kw_only=True)
class MatchRequest:
    """Whether a client may tie an account to an identifier, for one purpose."""

    association: Association
    purpose: str
    provenance: Provenance | None = None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything that is known, read in one transaction; nothing is fetched later."""

    now: datetime
    declared_purposes: frozenset[str]
    consents: tuple[ConsentRecord, ...]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A request beside the facts, and the one consent of the pair that speaks for it best."""

    request: MatchRequest
    facts: Facts
    consent: ConsentRecord | None

    @property
    def consent_status(self) -> str:
        """The consent's status at this moment, or ``none``."""
        return self.consent.status_at(self.facts.now).value if self.consent else "none"

    @property
    def consent_covers_purpose(self) -> bool:
        """Whether the person ticked the purpose that is asked."""
        return self.consent is not None and self.request.purpose in self.consent.purposes


@dataclass(frozen=True, kw_only=True)
class PolicyRef:
    """Which document decided: its id, version and ``sha256:`` digest."""

    id: str
    version: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The answer. ``clauses`` are the ids that made it; ``reason`` stands in a denial, ``basis`` in a permit."""

    permitted: bool
    clauses: tuple[str, ...]
    policy: PolicyRef
    basis: str | None = None
    reason: str | None = None
    consent: ConsentRecord | None = None


def weigh(request: MatchRequest, facts: Facts) -> Case:
    """Put the request beside the consent of the pair that speaks for it best.

    A person may have given several consents for one pair; each stands or falls by itself, so the live one
    that covers the purpose counts before a live one that does not, and that before any that has ended.
    """

    def worth(record: ConsentRecord) -> tuple[bool, bool, bool, datetime, str]:
        live = record.status_at(facts.now) is ConsentStatus.GIVEN
        return live, live and request.purpose in record.purposes, record.associated, record.given_at, record.grant_id

    best = max((record for record in facts.consents if _is_about(record, request)), key=worth, default=None)
    return Case(request=request, facts=facts, consent=best)


def _is_about(record: ConsentRecord, request: MatchRequest) -> bool:
    """Whether a consent is this client's, for this account and this identifier (MATCH-2), whoever gathered it."""
    asked = request.association
    return (record.client_id, record.account, record.identifier.digest) == (
        asked.client_id,
        asked.account,
        asked.identifier,
    )
