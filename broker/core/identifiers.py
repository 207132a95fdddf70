"""The two ends of a match: an account on a platform, and an identifier off it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from unicodedata import category, normalize

from broker.errors import MalformedRequest

#: The closed set of MATCH-1, and the types each kind is written in.
KINDS: Mapping[str, tuple[str, ...]] = {
    "person": ("email", "phone", "customer_id"),
    "household": ("household_id",),
    "device": ("device_id",),
    "browser": ("browser_id",),
    "other": ("other",),
}
#: The type whose identifiers have a name as well.
NAMED = "other"

_MAX_VALUE = 256
_SHOWN = 4
_EMAIL = re.compile(r"[^@\s\"(),:;<>\[\]\\]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
#: Letters that show nothing and are no control or format characters either.
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_TRUNK_ZERO = re.compile(r"\(0\)")
_FOLDED = re.compile(r"[\W_]+")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
#: Many values, a line each, that are as they are digested; an e-mail address but for the case of its letters.
_COLUMNS = {
    "email": re.compile(rf"(?:{_EMAIL.pattern}\n)*+"),
    "phone": re.compile(rf"(?:{_PHONE.pattern}\n)*+"),
    "": re.compile(r"(?:[!-~](?:[ -~]*[!-~])?\n)*+"),
}


@dataclass(frozen=True, kw_only=True)
class Grammar:
    """What a platform's permanent ids and handles look like; ASCII, matched whole."""

    id: re.Pattern[str]
    handle: re.Pattern[str]


@dataclass(frozen=True, kw_only=True)
class PlatformAccount:
    """An account by its permanent id. Handles can be renamed and handed to someone else: never compare them."""

    platform: str
    id: str


@dataclass(frozen=True, kw_only=True)
class ProvenAccount:
    """An account whose owner has just signed in at the platform, and the handle it bore at that moment."""

    account: PlatformAccount
    handle: str


@dataclass(frozen=True, kw_only=True)
class Identifier:
    """An off-platform identifier, normalised and in clear; lives in memory only."""

    kind: str
    type: str
    value: str
    name: str | None = None

    def folded(self) -> str:
        """The value whatever it is called and however it is set: letters and digits alone."""
        return _FOLDED.sub("", self.value).casefold()

    def masked(self) -> str:
        """What a page may show: enough for its owner to recognise, too little for anybody else."""
        if self.type == "email":
            local, _, domain = self.value.partition("@")
            return f"{local[:1]}•••@{domain}"
        tail = _SHOWN if len(self.value) > _SHOWN else len(self.value) // 2
        return f"•••• {self.value[len(self.value) - tail :]}" if tail else "••••"


@dataclass(frozen=True, kw_only=True)
class OffPlatformId:
    """An off-platform identifier as it is kept: its kind, its type and a per-client digest."""

    kind: str
    type: str
    digest: bytes


@dataclass(frozen=True, kw_only=True)
class Association:
    """The pair to be joined, for one client: the account's digest and the identifier's."""

    client_id: str
    account: bytes
    identifier: bytes


def read_identifier(*, kind: str, type: str, value: str, name: str | None = None) -> Identifier:  # noqa: A002 - the wire's word
    """Return the identifier in the one form that is digested, or raise :class:`MalformedRequest`."""
    if kind not in KINDS:
        raise MalformedRequest(f"identifier.kind must be one of {', '.join(KINDS)}")
    if type not in KINDS[kind]:
        raise MalformedRequest(f"identifier.type of kind {kind} must be one of {', '.join(KINDS[kind])}")
    if (type == NAMED) != (name is not None):
        raise MalformedRequest(f"identifier.name belongs to identifiers of type {NAMED}, and only to them")
    if name is not None and not _NAME.fullmatch(name):
        raise MalformedRequest("identifier.name must be 1 to 40 of a-z, 0-9, - and _, starting with a letter")
    return Identifier(kind=kind, type=type, value=_normalised(type, value), name=name)


def read_values(type_: str, values: Sequence[str]) -> Sequence[str | None]:
    """Return the *values* of many identifiers of one type as :func:`read_identifier` does; None for what it refuses.

    They have no names, so it refuses all of a type that must have one.
    """
    if type_ == NAMED:
        return [None] * len(values)
    return _plain_values(type_, values) or [read_value(type_, value) for value in values]


def _plain_values(type_: str, values: Sequence[str]) -> Sequence[str] | None:
    """The values where all of them are plain: one search over the whole column costs less than a call for each."""
    letters, column = "".join(values), "\n".join([*values, ""])
    # What is printable holds no line's end: no value passes for two.
    if not letters.isascii() or not letters.isprintable() or max(map(len, values), default=0) > _MAX_VALUE:
        return None
    if type_ != "email":
        return values if _COLUMNS.get(type_, _COLUMNS[""]).fullmatch(column) else None
    column = column.lower()
    return column.split("\n")[:-1] if _COLUMNS[type_].fullmatch(column) and ".." not in column else None


def read_value(type_: str, value: str) -> str | None:
    """Return one of them, likewise."""
    try:
        return _normalised(type_, value) if type_ != NAMED else None
    except MalformedRequest:
        return None


def read_handle(handle: str, grammar: Grammar) -> str:
    """Return the handle without its leading @, or raise :class:`MalformedRequest`."""
    bare = handle.removeprefix("@")
    if not grammar.handle.fullmatch(bare):
        raise MalformedRequest("account.handle is not a handle of this platform")
    return bare


def same_handle(one: str, other: str) -> bool:
    """Whether two handles name the same account at the same moment: ASCII case does not count."""
    return fold_handle(one) == fold_handle(other)


def fold_handle(handle: str) -> str:
    """The one spelling of a handle that is digested. Grammars are ASCII, so lower() folds ASCII only."""
    return handle.removeprefix("@").lower()


def _normalised(type_: str, value: str) -> str:
    plain = value.isascii() and value.isprintable()  # then there is nothing to normalise, and nothing unseen
    text = (value if plain else normalize("NFKC", value)).strip(" ")
    if not 1 <= len(text) <= _MAX_VALUE:
        raise MalformedRequest(f"identifier.value must have 1 to {_MAX_VALUE} characters")
    if not plain and (
        _UNSEEN.search(text) or any(category(letter).startswith(("C", "Z")) and letter != " " for letter in text)
    ):
        raise MalformedRequest("identifier.value must not hold control, format, separator or invisible characters")
    if type_ == "email":
        return _email(text)
    return _phone(text) if type_ == "phone" else text


def _email(text: str) -> str:
    lowered = text.lower()
    if not _EMAIL.fullmatch(lowered) or ".." in lowered:
        raise MalformedRequest("identifier.value must be an e-mail address such as jane@example.com")
    return lowered


def _phone(text: str) -> str:
    digits = re.sub(r"[ ().\-/]", "", _TRUNK_ZERO.sub("", text))
    if not _PHONE.fullmatch(digits):
        raise MalformedRequest("identifier.value must be an E.164 telephone number such as +4930123456")
    return digits
