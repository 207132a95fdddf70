"""Where a person proves an account: one file each, behind one protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from broker.core.identifiers import Grammar, ProvenAccount


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One person's way to a platform and back. Every secret is random, used once, and kept by the broker.

    ``choosing`` asks the platform not to take whoever is signed in there for the person, where it can be asked.
    """

    state: str
    verifier: str
    nonce: str
    redirect_uri: str
    now: datetime
    choosing: bool = False


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """What a platform says of one account: that it is gone, or there, under a handle.

    None is what it did not say: a handle where only compliance was asked, ``protected`` where it keeps that to itself,
    either where a job does not name an account, which says of nobody that they are back.
    """

    id: str
    gone: bool | None = False
    handle: str | None = None
    protected: bool | None = None


@dataclass(frozen=True, kw_only=True)
class LookUp:
    """The answer to one question about many accounts, by id; an account that is not in it was not spoken of.

    ``resume_at`` is there when the platform's limit is reached: no sooner may it be asked again.
    """

    sightings: Mapping[str, Sighting]
    resume_at: datetime | None = None


class Recheck(Protocol):
    """A platform that says by id, without anybody signing in, how accounts stand."""

    @property
    def at_once(self) -> int:
        """How many accounts one question may be about."""
        ...

    @property
    def most(self) -> int:
        """How many accounts one job of compliance may be about."""
        ...

    def look_up(self, ids: Sequence[str], *, now: datetime) -> LookUp:
        """Ask about *ids* at once, or raise :class:`broker.errors.RecheckFailed`: then nothing is known of any."""
        ...

    def comply(self, ids: Sequence[str], *, wait: Callable[[], bool]) -> Mapping[str, Sighting] | None:
        """Have a job say which of *ids* are gone or protected; of none does it say the handle.

        ``wait()`` lets some time pass before the job is looked at again, and is False when it has been long enough:
        then the answer is None. Raises :class:`broker.errors.RecheckFailed`.
        """
        ...


class Platform(Protocol):
    """A place where a person can show that an account is theirs."""

    @property
    def name(self) -> str:
        """The name on the wire."""
        ...

    @property
    def label(self) -> str:
        """The name for people."""
        ...

    @property
    def grammar(self) -> Grammar:
        """What ids and handles look like there."""
        ...

    def authorize_url(self, attempt: Attempt) -> str:
        """Where to send the person's browser."""
        ...

    def prove(self, attempt: Attempt, callback: Mapping[str, str]) -> ProvenAccount:
        """Exchange the callback's code for the permanent id and the handle, then drop the platform's token.

        ``callback`` holds the query's parameters, each of which came once. Raises
        :class:`broker.errors.FlowBroken` for a callback that is not this platform's answer and
        :class:`broker.errors.PlatformFailed` when the platform does not answer as it should.
        """
        ...

    def recheck(self) -> Recheck:
        """Who can be asked how accounts stand, or :class:`broker.errors.CommandRefused` saying why nobody can."""
        ...
