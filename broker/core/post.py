"""What it is to post something to a stranger's address, for those who do not care how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from broker.errors import MalformedRequest


class NotPosted(Exception):
    """No answer came. The text says why in one line: nothing of what was sent, nor of what anybody answered."""


@dataclass(frozen=True)
class PostAnswer:
    """An answer as it came: its status, and its body up to a bound."""

    status: int
    body: bytes


class Courier(Protocol):
    """Who posts."""

    def check(self, url: str) -> None:
        """Raise :class:`MalformedRequest` unless it may be posted to *url*, as its name leads now."""

    def post(self, url: str, body: bytes, *, headers: Mapping[str, str]) -> PostAnswer:
        """Post once, or raise :class:`NotPosted`."""


class StaysAtHome:
    """Posts nothing: for a broker that nobody gave a courier."""

    def check(self, url: str) -> None:
        """Let nobody be posted to."""
        raise MalformedRequest(f"this broker pushes to nobody, nor to {url[:60]}: events can be polled")

    def post(self, url: str, body: bytes, *, headers: Mapping[str, str]) -> PostAnswer:  # noqa: ARG002 - as above
        """Fail."""
        raise NotPosted("this broker pushes to nobody")
