"""The form of every id that the broker gives out."""

from __future__ import annotations

import re
from unicodedata import normalize

_NOT_WORD = re.compile(r"[\W_]+")
_ID = re.compile(r"[a-z2-7]{26}")


def is_id(text: str) -> bool:
    """Whether *text* could be an id of ours; what could not is looked up nowhere.

    A driver refuses NUL and lone surrogates as a failure of its own, and a failure is not an answer.
    """
    return _ID.fullmatch(text) is not None


def fold_name(name: str) -> str:
    """A name in the one spelling that is compared: no case, no punctuation, single blanks."""
    return _NOT_WORD.sub(" ", normalize("NFKC", name)).strip().casefold()
