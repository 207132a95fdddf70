"""The notice: the exact words a person reads before they choose, and their digest.

The words name the person's handle, so a bare digest of them in a signed receipt could be searched for
after an erasure. The words travel in a salted disclosure of the receipt instead, and the digest in the
receipt is that disclosure's.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass

#: The name of the notice, and the version of its words. A change of any sentence is a new version.
NOTICE_ID = "off-platform-match"
NOTICE_VERSION = "1"


@dataclass(frozen=True, kw_only=True)
class OfferedPurpose:
    """One box of the notice: what may be ticked, in the words beside it."""

    id: str
    title: str
    explanation: str


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
        boxes = [line for purpose in self.purposes for line in (purpose.title, purpose.explanation)]
        return "\n".join([self.heading, *self.sentences, self.purposes_heading, *boxes, *self.closing])


def words_digest(words: str) -> str:
    """SHA-256 of the words, base64url without padding."""
    return urlsafe_b64encode(hashlib.sha256(words.encode()).digest()).rstrip(b"=").decode()
