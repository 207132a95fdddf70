"""A consent record and the few things that may happen to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from broker.core.identifiers import OffPlatformId
from broker.core.notice import FIRST_MEANING


class ConsentStatus(StrEnum):
    """The statuses of DPV 2.3; only ``given`` permits anything."""

    REQUESTED = "requested"
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # by the person
    REVOKED = "revoked"  # by anybody else
    EXPIRED = "expired"

    @property
    def dpv(self) -> str:
        """The DPV term of this status."""
        return f"dpv:Consent{self.value.capitalize()}"


_LEGAL: dict[ConsentStatus, frozenset[ConsentStatus]] = {
    ConsentStatus.REQUESTED: frozenset({ConsentStatus.GIVEN, ConsentStatus.REFUSED}),
    ConsentStatus.GIVEN: frozenset({ConsentStatus.WITHDRAWN, ConsentStatus.REVOKED, ConsentStatus.EXPIRED}),
}


class IllegalTransition(ValueError):
    """Something that cannot happen to a consent, such as coming back from withdrawn."""


@dataclass(frozen=True, kw_only=True)
class ConsentRecord:
    """What one person allowed one client about one identifier, for which purposes, until when.

    ``meanings`` say, purpose by purpose, what the notice meant when it was shown; none stands for the first.
    """

    grant_id: str
    client_id: str
    account: bytes
    identifier: OffPlatformId
    purposes: tuple[str, ...]
    status: ConsentStatus
    given_at: datetime
    valid_until: datetime
    receipt_id: str
    meanings: tuple[str, ...] = ()
    brand: str | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    associated: bool = True

    def status_at(self, now: datetime) -> ConsentStatus:
        """The status that counts at *now*: a consent ends at its date even if no job ever ran."""
        if self.status is ConsentStatus.GIVEN and now >= self.valid_until:
            return ConsentStatus.EXPIRED
        return self.status

    def covers(self, purpose: str, *, meaning: str) -> bool:
        """Whether *purpose* was allowed, and still means what it meant then: a consent does not stretch."""
        return purpose in self.purposes and self.meant(purpose) == meaning

    def meant(self, purpose: str) -> str:
        """What a purpose that was allowed meant when it was."""
        return dict(zip(self.purposes, self.meanings, strict=False)).get(purpose, FIRST_MEANING)

    def ended(self, status: ConsentStatus, *, at: datetime, by: str) -> ConsentRecord:
        """Return the record after *status*, ended in the way *by* names, or :class:`IllegalTransition`."""
        if status not in _LEGAL.get(self.status, frozenset()):
            raise IllegalTransition(f"a consent that is {self.status} cannot become {status}")
        return replace(self, status=status, ended_at=at, ended_by=by, associated=False)
