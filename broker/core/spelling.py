"""One spelling for what people write in many, and the word lists' entries read against it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from unicodedata import category, normalize

#: A full stop is longer than anything that is looked for around a word.
_STOP = " " + "|" * 200 + " "
_SENTENCE = re.compile(r"[.!?;:](?=\s|$)|\n")
_DIGRAPH = re.compile(r"([aou])e")  # ä, ae and a are one letter: people write all three
_SPACED = re.compile(r"(?<![a-z0-9])(?:[a-z][\s._*-]{1,2}){4,}[a-z](?![a-z0-9])")
_JOINT = re.compile(r"(?<=[a-z0-9])[^a-z0-9\s]+(?=[a-z0-9])")
_DIGIT_IN_WORD = re.compile(r"(?<=[a-z])[013457@$!](?=[a-z])|(?<![a-z0-9])[0134578](?=[a-z]{3})")
_AS_LETTER = str.maketrans("0134578@$!", "oieastbasi")
#: A text of so many words has this share of everyday ones, if its language is one that is screened.
_LONG, _EVERYDAY_SHARE, _STRAY_LETTERS = 8, 0.12, 2
_TIMES_ENCODED = 3
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


#: Where a stem stands in a text, and the stem as it is written.
Place = tuple[int, str]


@dataclass(frozen=True)
class Stem:
    """One entry of a list: as it is written there, the letters that it begins with, and all of it as an expression."""

    written: str
    head: str
    expression: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The expression, compiled once its head is met: of thousands a text meets a few."""
        return re.compile(self.expression)


def read_stem(written: str) -> Stem:
    """Read an entry: begins a word; ``=`` is a whole word, ``*`` anywhere in a word, ``..`` skips up to six words."""
    mark, parts = written[:1], spelled(written.lstrip("=*")).split(" .. ")
    head = ("" if mark == "*" else " ") + parts[0].strip() + (" " if mark == "=" else "")
    pattern = re.escape(head) + ("" if mark == "=" else "[a-z0-9]*")
    for part in parts[1:]:
        whole = part.startswith("=")
        pattern += rf"(?: [a-z0-9~]+){{0,6}} {re.escape(part.lstrip('='))}" + ("(?= )" if whole else "[a-z0-9]*")
    return Stem(written, head, pattern)


def places(words: str, stems: Iterable[Stem]) -> Iterator[Place]:
    """Where the stems stand in a text, with the stem as it is written."""
    return (
        (match.start(), stem.written) for stem in stems if stem.head in words for match in stem.pattern.finditer(words)
    )


def any_of(words: str, stems: Iterable[Stem]) -> bool:
    """Whether any of the stems stands in a text."""
    return any(places(words, stems))


def without(words: str, benign: Iterable[Stem]) -> str:
    """The words with the benign ones blotted out; every other keeps its place."""
    for stem in benign:
        if stem.head in words:
            words = stem.pattern.sub(lambda match: re.sub("[a-z0-9]", "~", match[0]), words)
    return words


def spelled(text: str, lookalikes: Mapping[int, int] | None = None) -> str:
    """A text in one spelling: no case, accents or invisible signs; letters that look alike are the same."""
    if text.isascii() and not lookalikes:  # as nearly all of the lists are, which are read at every start
        return _DIGRAPH.sub(r"\1", text.lower())
    folded = normalize("NFKD", normalize("NFKC", text).casefold().translate(lookalikes or {}))
    return _DIGRAPH.sub(r"\1", "".join(sign for sign in folded if category(sign) not in {"Mn", "Me", "Cf"}))


def unreadable(plain: str, everyday: frozenset[str]) -> str | None:
    """Why a text cannot be read for words, if it cannot."""
    stray = [sign for sign in plain if sign.isalpha() and not "a" <= sign <= "z"]
    if len(stray) > _STRAY_LETTERS:
        return f"letters that are not Latin: {''.join(stray[:9])}"
    if spaced := _SPACED.search(plain):
        return f"letters set apart: {spaced[0][:40]}"
    words = re.findall("[a-z]+", plain)
    if len(words) >= _LONG and sum(word in everyday for word in words) < _EVERYDAY_SHARE * len(words):
        return "a language that is not screened"
    return None


def ways_to_read(plain: str) -> tuple[str, ...]:
    """The words of a text in its one spelling: as it is divided, and with what divides words taken out."""
    letters = _DIGIT_IN_WORD.sub(lambda digit: digit[0].translate(_AS_LETTER), plain)
    letters = _SPACED.sub(lambda run: re.sub("[^a-z]", "", run[0]), letters)
    return tuple(dict.fromkeys((_words(letters), _words(_JOINT.sub("", letters)))))


def _words(plain: str) -> str:
    """The words of a text, each between single blanks; a full stop is a long bar."""
    return f" {re.sub('[^a-z0-9|]+', ' ', _SENTENCE.sub(_STOP, plain.replace('|', ' ')))} "


def decoded(url: str) -> str:
    """An address with its percent-encodings taken off, as many times as they may have been put on."""
    for _ in range(_TIMES_ENCODED):
        url = _PERCENT.sub(lambda run: bytes.fromhex(run[0].replace("%", "")).decode("utf-8", "replace"), url)
    return url


def address(url: str, lookalikes: Mapping[int, int]) -> str:
    """The words of an address, a slash between its parts: the labels of the host, and the segments of the path."""
    url = decoded(url)
    url = re.sub(r"xn--[\w-]+", lambda label: _unpuny(label[0]), re.sub("(?<=[a-z])(?=[A-Z])", "-", url))
    plain = re.sub(r"[/.?&=#:]+", " / ", spelled(url.split("//", 1)[-1], lookalikes))
    return f" / {re.sub('[^a-z0-9/]+', ' ', plain).strip()} / "


def _unpuny(label: str) -> str:
    try:
        return label.encode().decode("idna")
    except UnicodeError:
        return label
