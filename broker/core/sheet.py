"""A sheet: what one client was answered about many at one moment, packed. Pure forms; nothing is stored here.

An entry is account (16 bytes), identifier (16), place (2) and outcome (2), then the ground of a permit as text, filled
up with zeros to one width a sheet. Numbers are big-endian. Entries lie in groups, each in the one that its account's
first bytes lead to, sorted: whoever shows a group shows all that the sheet has about an account. A group's digest is
salted.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import product
from struct import Struct
from typing import Any, NamedTuple

from broker.core.blinding import DIGEST_SIZE

#: So that a place has two bytes.
MAX_ENTRIES = 1 << 16
#: How many entries a group has on the average: what a dossier shows, and what is read to find one.
GROUP = 64
SALT_SIZE, HASH_SIZE = 16, 32
#: What an entry has before its ground.
FIXED = 2 * DIGEST_SIZE + 4
#: Letters of an id that are an answer's place, and the letters of ids, in their order (ASCII).
_ENDING, _LETTERS = 4, "234567abcdefghijklmnopqrstuvwxyz"
#: Set in the outcome of an entry that says whom a question led to that named a handle. It is no answer of its own.
LED = 1 << 15


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What several entries of a sheet have in common: a decision but for whom it is about, and its ground."""

    purpose: str
    permitted: bool
    basis: str | None
    reason: str | None
    clauses: tuple[str, ...]
    policy_digest: str


@dataclass(frozen=True, kw_only=True)
class Entries:
    """Answers, in the order in which they were asked: parallel sequences, an object for each would cost too much.

    Accounts and identifiers are digests; an account is the handle's own where a handle led to nobody. ``outcomes`` are
    places in the sheet's. ``grounds`` are the grant or, without consent, the association of each permit, None else; or
    nothing where all were denied. ``led_to`` is, of each question that named a handle that is not resolved for its
    client, its place and the account that bears the handle.
    """

    accounts: Sequence[bytes]
    identifiers: Sequence[bytes]
    outcomes: Sequence[int]
    grounds: Sequence[str | None] = ()
    led_to: Sequence[tuple[int, bytes]] = ()


class Entry(NamedTuple):
    """One entry as it lies in a group; ``led`` where it is there for whom a handle led to, beside the answer itself."""

    account: bytes
    identifier: bytes
    place: int
    outcome: int
    led: bool
    ground: str | None


@dataclass(frozen=True)
class Packed:
    """A sheet's groups, and how many bytes of each entry are its ground."""

    groups: Sequence[bytes]
    width: int


def pack(entries: Entries) -> Packed:
    """Sort entries into their groups, or raise ValueError where there are none, too many, or they are no entries."""
    count = len(entries.accounts)
    if not 1 <= count <= MAX_ENTRIES:
        raise ValueError(f"a sheet has 1 to {MAX_ENTRIES} entries")
    if min(entries.outcomes, default=0) < 0:
        raise ValueError("an outcome is a place among the sheet's")
    grounds, width = _grounds(entries.grounds, count)
    codes = [number.to_bytes(2) for number in range(max(entries.outcomes, default=0) + 1)]
    named = map(codes.__getitem__, entries.outcomes)
    columns = (entries.accounts, entries.identifiers, _numbers(count), named, grounds)
    packed = list(map(b"".join, zip(*columns, strict=True)))
    packed += [_led(packed[place], account) for place, account in entries.led_to]
    sizes = {*map(len, entries.accounts), *map(len, entries.identifiers), *(len(who) for _, who in entries.led_to)}
    if sizes != {DIGEST_SIZE}:
        raise ValueError("accounts and identifiers are digests")
    packed.sort()
    return Packed(list(_groups(packed)), width)


@cache
def _all_numbers() -> Sequence[bytes]:
    return [number.to_bytes(2) for number in range(MAX_ENTRIES)]


def _numbers(count: int) -> Sequence[bytes]:
    return _all_numbers()[:count]


def _grounds(grounds: Sequence[str | None], count: int) -> tuple[Sequence[bytes], int]:
    width = max((len(ground) for ground in grounds if ground), default=0)
    if not width:
        return [b""] * count, 0
    # Text that is no ASCII would be longer than its letters: it is refused by the encoding.
    return [ground.encode("ascii").ljust(width, b"\0") if ground else bytes(width) for ground in grounds], width


def _led(entry: bytes, account: bytes) -> bytes:
    """The entry of whom a handle led to: that of the answer under the other name, marked."""
    place = FIXED - 2
    outcome = int.from_bytes(entry[place:FIXED]) | LED
    return account + entry[DIGEST_SIZE:place] + outcome.to_bytes(2) + entry[FIXED:]


def _groups(packed: Sequence[bytes]) -> Iterator[bytes]:
    groups, begin = -(-len(packed) // GROUP), 0
    for number in range(1, groups):
        # The least beginning of an account that leads to this group.
        end = bisect_left(packed, (-(-(number << 32) // groups)).to_bytes(4), lo=begin)
        yield b"".join(packed[begin:end])
        begin = end
    yield b"".join(packed[begin:])


def beginning(account: bytes) -> int:
    """What decides in which group an account lies: the number that its first four bytes are."""
    return int.from_bytes(account[:4])


def group_of(account: bytes, groups: int) -> int:
    """The number of the group in which a sheet of so many groups has everything about an account."""
    return beginning(account) * groups >> 32


def digest_of(salt: bytes, group: bytes) -> bytes:
    """What stands for a group. The salt keeps it from being guessed, and goes when one of its people is erased."""
    return hashlib.sha256(salt + group).digest()


def unpack(group: bytes, width: int) -> Iterator[Entry]:
    """The entries of a group, or ValueError where it is none."""
    if width < 0 or len(group) % (FIXED + width):
        raise ValueError("a group is whole entries")
    for account, identifier, place, outcome, ground in Struct(f">16s16sHH{width}s").iter_unpack(group):
        text = ground.rstrip(b"\0").decode("ascii") or None
        yield Entry(account, identifier, place, outcome & ~LED, outcome >= LED, text)


def without(group: bytes, width: int, accounts: set[bytes]) -> tuple[bytes, int]:
    """A group without what is about these accounts, and how many entries went."""
    size = FIXED + max(width, 0)
    ones = [group[begin : begin + size] for begin in range(0, len(group), size)]
    left = [one for one in ones if one[:DIGEST_SIZE] not in accounts]
    return b"".join(left), len(ones) - len(left)


def decision_id(sheet_id: str, place: int) -> str:
    """The name of one answer of a sheet: of one length, and ending in its place. The first one is the sheet's own."""
    return sheet_id[:-_ENDING] + _endings()[place]


def decision_ids(sheet_id: str, count: int) -> list[str]:
    """The names of the first *count* answers of a sheet."""
    beginning = sheet_id[:-_ENDING]
    return [beginning + ending for ending in _endings()[:count]]


@cache
def _endings() -> Sequence[str]:
    """The last letters of an id for each place, in the order of the letters (ASCII)."""
    return ["".join(letters) for letters in product("2345", _LETTERS, _LETTERS, _LETTERS[:16])]


def counted(outcomes: Sequence[Outcome], entries: Entries) -> list[dict[str, Any]]:
    """The outcomes as a sheet keeps them, each with the number of its answers."""
    answers = Counter(entries.outcomes)
    return [{**asdict(outcome), "clauses": list(outcome.clauses), "answers": answers[place]}
            for place, outcome in enumerate(outcomes)]  # fmt: skip


def moment_of(decided_at: datetime, moments: bytes | None, place: int) -> datetime:
    """When the answer at a place was given: with the sheet, or so many microseconds after it, four bytes a place."""
    after = int.from_bytes(moments[4 * place : 4 * place + 4]) if moments else 0
    return decided_at + timedelta(microseconds=after)


def decision_row(sheet: Mapping[str, Any], entry: Entry) -> dict[str, Any]:
    """An entry of a sheet as a decision's row has it.

    Of the sheet's row it needs ``sheet_id``, ``client_id``, ``decided_at``, ``moments`` and ``outcomes``.
    """
    said = {name: value for name, value in sheet["outcomes"][entry.outcome].items() if name != "answers"}
    by_consent = said["basis"] == "consent"
    return {
        **said,
        "account": entry.account,
        "decision_id": decision_id(sheet["sheet_id"], entry.place),
        "act": "match",
        "client_id": sheet["client_id"],
        "identifier": entry.identifier,
        "grant_id": entry.ground if by_consent else None,
        "association_id": None if by_consent else entry.ground,
        "decided_at": moment_of(sheet["decided_at"], sheet["moments"], entry.place),
    }
