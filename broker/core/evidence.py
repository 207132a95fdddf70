"""Provenance tags: what a client says an unconsented association rests on."""

from __future__ import annotations

from dataclasses import dataclass

#: The grounds of MATCH-4; any other tag is a ground for nothing.
TAGS = ("user_provided", "public")


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """A client's statement of where it has a handle from."""

    tag: str
    source: str | None = None
    expected_purposes: tuple[str, ...] = ()
