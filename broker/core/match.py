"""What is asked, what is known, what is answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from broker.core.case import Case
from broker.core.consent import ConsentRecord, ConsentStatus
from broker.core.identifiers import Association
from broker.core.notice import FIRST_MEANING
from broker.core.presence import Presence
from broker.core.purposes import purpose_family

#: Why a consent that is not given does not permit, in the words of the wire.
_STATUS_REASON = {"withdrawn": "withdrawn", "expired": "expired"}


@dataclass(frozen=True, kw_only=True)
class MatchRequest:
    """Whether a client may tie an account to an identifier, for one purpose."""

    association: Association
    purpose: str
    kind: str = "person"


@dataclass(frozen=True, kw_only=True)
class Ground:
    """An association on record without consent: what it rests on, and what the person was led to expect.

    ``account`` is the digest that it lies under: of the account, or of the handle it was stated about.
    """

    association_id: str
    basis: str
    from_platform: bool
    expected_purposes: tuple[str, ...]
    statement_id: str
    account: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything that is known, read in one transaction; nothing is fetched later.

    ``declared_purposes`` are the client's, ``narrower`` its own ones with the purpose each stands under;
    ``objected_at`` is when the person objected to all matching or to this client's, ``signalled_at`` since when their
    browser signals against it; ``said_no`` that they refused or withdrew towards this client; ``tainted`` that the pair
    was once offered under a refused origin. ``spoken_of`` is what the purpose's name was found to speak of, where it is
    not the vocabulary's; ``meaning`` what a notice that asks for the purpose means now. ``presence`` is how the account
    stands at its platform.
    """

    now: datetime
    declared_purposes: frozenset[str]
    consents: tuple[ConsentRecord, ...]
    narrower: Mapping[str, str] = field(default_factory=dict)
    grounds: tuple[Ground, ...] = ()
    objected_at: datetime | None = None
    signalled_at: datetime | None = None
    said_no: bool = False
    tainted: bool = False
    presence: Presence = field(default_factory=Presence)
    spoken_of: Mapping[str, frozenset[str]] = field(default_factory=dict)
    meaning: str = FIRST_MEANING


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
    ground: Ground | None = None


def best_consent(request: MatchRequest, facts: Facts) -> ConsentRecord | None:
    """The consent of the pair that speaks for the request best.

    A person may have given several consents for one pair; each stands or falls by itself, so the live one
    that covers the purpose counts before a live one that does not, and that before any that has ended.
    """

    def worth(record: ConsentRecord) -> tuple[bool, bool, bool, bool, datetime, str]:
        live = record.status_at(facts.now) is ConsentStatus.GIVEN
        ticked, covered = request.purpose in record.purposes, record.covers(request.purpose, meaning=facts.meaning)
        return live, live and covered, live and ticked, record.associated, record.given_at, record.grant_id

    return max((record for record in facts.consents if _is_about(record, request)), key=worth, default=None)


def status_reason(status: str | None) -> str:
    """Why a consent of this status, or none, permits nothing."""
    return _STATUS_REASON.get(status or "none", "no_basis")


def covers(consent: ConsentRecord | None, purpose: str, facts: Facts) -> bool:
    """Whether a consent covers a purpose as it is asked for now."""
    return consent is not None and consent.covers(purpose, meaning=facts.meaning)


def cover_reason(consent: ConsentRecord | None, purpose: str) -> str:
    """Why a consent that stands does not cover a purpose: it was ticked and means something else now, or was not."""
    return "notice_changed" if consent is not None and purpose in consent.purposes else "purpose_not_granted"


def match_cases(request: MatchRequest, facts: Facts) -> Iterable[tuple[Case, ConsentRecord | None, Ground | None]]:
    """The request as cases for the terms: one a ground on record, or one without any."""
    consent = best_consent(request, facts)
    status = consent.status_at(facts.now).value if consent else "none"
    for ground in facts.grounds or (None,):
        yield _case(request, facts, consent, status, ground), consent, ground


def _case(
    request: MatchRequest, facts: Facts, consent: ConsentRecord | None, status: str, ground: Ground | None
) -> Case:
    return Case(
        act="match",
        words={
            **(facts.spoken_of or {"use": frozenset(), "sensitive": frozenset()}),
            "identifier-kind": frozenset({request.kind}),
            "purpose": purpose_family(request.purpose, facts.narrower),
            "consent-status": frozenset({status}),
            "ground": frozenset({ground.basis if ground else "none"}),
            "public-from": frozenset({"platform" if ground and ground.from_platform else "elsewhere"}),
        },
        marks={
            "purpose-declared": request.purpose in facts.declared_purposes,
            "consent-covers-purpose": covers(consent, request.purpose, facts),
            "association-recorded": consent is not None and consent.associated,
            "purpose-expected": ground is not None and request.purpose in ground.expected_purposes,
            "person-objected": facts.objected_at is not None,
            "person-signalled": facts.signalled_at is not None,
            "person-said-no": facts.said_no,
            "pair-tainted": facts.tainted,
            "account-gone": facts.presence.gone,
            "account-protected": facts.presence.protected,
        },
        # That an account is gone is said to who holds a consent of it. To anybody else it would say who else does.
        reasons={
            "consent-status": status_reason(status),
            "consent-covers-purpose": cover_reason(consent, request.purpose),
            "account-gone": "suspended" if status == ConsentStatus.GIVEN else "no_basis",
        },
    )


def _is_about(record: ConsentRecord, request: MatchRequest) -> bool:
    """Whether a consent is this client's, for this account and this identifier (MATCH-2), whoever gathered it."""
    asked = request.association
    return (record.client_id, record.account, record.identifier.digest) == (
        asked.client_id,
        asked.account,
        asked.identifier,
    )
