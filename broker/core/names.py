"""The form of every id that the broker gives out."""

from __future__ import annotations

import re
from base64 import b32encode
from unicodedata import normalize

_NOT_WORD = re.compile(r"[\W_]+")
#: Random bytes of an id.
ID_SIZE = 16
_ID = re.compile(r"[a-z2-7]{26}")


def id_of(raw: bytes) -> str:
    """The id that so many random bytes are: 26 letters and digits, never starting with a dash."""
    return b32encode(raw).decode().rstrip("=").lower()


def is_id(text: str) -> bool:
    """Whether *text* could be an id of ours; what could not is looked up nowhere.

    A driver refuses NUL and lone surrogates as a failure of its own, and a failure is not an answer.
    """
    return _ID.fullmatch(text) is not None


def fold_name(name: str) -> str:
    """A name in the one spelling that is compared: no case, no punctuation, single blanks."""
    return _NOT_WORD.sub(" ", normalize("NFKC", name)).strip().casefold()
