"""The notice: the exact words a person reads before they choose, and their digest.

The words name the person's handle, so a bare digest of them in a signed receipt could be searched for
after an erasure. The words travel in a salted disclosure of the receipt instead, and the digest in the
receipt is that disclosure's.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.core.purposes import PURPOSES
from broker.errors import PolicyDefect

#: The name of the notice, and the version of its words. A change of any sentence is a new version.
NOTICE_ID = "off-platform-match"
NOTICE_VERSION = "1"
_FIRST = 1


@dataclass(frozen=True, kw_only=True)
class Meanings:
    """What the notice means, and each purpose in it, as numbers that somebody raises when the meaning changes.

    A version of the words changes with every comma and every language, and no consent ends with that. A meaning is
    declared: whoever makes a sentence allow something else says so, and then nobody has consented to that yet.
    """

    notice: int = _FIRST
    purposes: Mapping[str, int] = field(default_factory=dict)

    def of(self, purpose: str, narrower: Mapping[str, str]) -> str:
        """What allowing *purpose* means now; a client's own means what the one means that it stands under."""
        return f"{self.notice}.{self.purposes.get(narrower.get(purpose, purpose), _FIRST)}"

    def __str__(self) -> str:
        """All of it, written in one way."""
        return " ".join([str(self.notice), *(f"{name}={number}" for name, number in sorted(self.purposes.items()))])


#: What every purpose meant at first.
FIRST_MEANING = Meanings().of("", {})


def parse_meanings(document: Mapping[str, object]) -> Meanings:
    """Read the declared meanings: one of the notice, one of each purpose; raise :class:`PolicyDefect` otherwise."""
    purposes = document.get("purposes")
    if set(document) != {"notice", "purposes"} or not isinstance(purposes, dict):
        raise PolicyDefect("meanings are those of the notice, and of purposes")
    if other := sorted(set(purposes) ^ set(PURPOSES)):
        raise PolicyDefect(f"purposes has no meaning for {other[0]!r}, or there is no such purpose")
    numbers = {name: _number(name, value) for name, value in purposes.items()}
    return Meanings(notice=_number("notice", document["notice"]), purposes=numbers)


def _number(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < _FIRST:
        raise PolicyDefect(f"the meaning of {name} is a whole number of at least {_FIRST}")
    return value


@dataclass(frozen=True, kw_only=True)
class OfferedPurpose:
    """One box of the notice: what may be ticked, in the words beside it.

    ``signal`` is a further line where the person's browser signals against such a purpose, else empty.
    """

    id: str
    title: str
    explanation: str
    signal: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """The words beside the box, a block a line."""
        return tuple(filter(None, (self.title, self.explanation, self.signal)))


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What is shown, in the order it is shown. ``language`` is a BCP 47 tag."""

    language: str
    heading: str
    sentences: tuple[str, ...]
    purposes_heading: str
    purposes: tuple[OfferedPurpose, ...]
    closing: tuple[str, ...]
    id: str = NOTICE_ID
    version: str = NOTICE_VERSION

    def words(self) -> str:
        """The exact words, one block a line, as a reader meets them."""
        boxes = [line for purpose in self.purposes for line in purpose.lines]
        return "\n".join([self.heading, *self.sentences, self.purposes_heading, *boxes, *self.closing])


def words_digest(words: str) -> str:
    """SHA-256 of the words, base64url without padding."""
    return urlsafe_b64encode(hashlib.sha256(words.encode()).digest()).rstrip(b"=").decode()
