"""Where a person proves an account: one file each, behind one protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from broker.core.identifiers import Grammar, ProvenAccount


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One person's way to a platform and back. Every value is random, used once, and kept by the broker."""

    state: str
    verifier: str
    nonce: str
    redirect_uri: str
    now: datetime


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
