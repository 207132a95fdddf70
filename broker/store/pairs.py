"""Pairs and cautions as a match reads them: many at once, each kind in one statement by primary key."""

from __future__ import annotations

import hashlib
import json
from base64 import b32encode
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import text

from broker.core.blinding import DIGEST_SIZE
from broker.core.caution import Caution
from broker.core.consent import ConsentRecord, ConsentStatus
from broker.core.identifiers import OffPlatformId
from broker.core.match import Decision, Ground
from broker.core.presence import Presence
from broker.store.keyed import rows_of
from broker.store.match_tables import CautionRow, PairRow
from broker.store.transaction import Transaction
from broker.store.writing import table_of, wipe

#: To look up two accounts takes as long as to read so many rows that lie together.
_FEW = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_JSON = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
#: The letters of ids as the digits of a number to the base of 32.
_DIGITS = str.maketrans("abcdefghijklmnopqrstuvwxyz234567", "0123456789abcdefghijklmnopqrstuv")
#: Where an account's pairs begin and end.
_FIRST, _LAST = bytes(DIGEST_SIZE), b"\xff" * DIGEST_SIZE
#: So begin the lines of ``names``.
_CONSENT, _GROUND = "consent", "ground"


class PairLine(NamedTuple):
    """What is known of a pair, as it is stored: see :class:`PairRow`."""

    shape: str
    names: str
    ends_at: int


def as_line(consents: Sequence[ConsentRecord], grounds: Sequence[Ground]) -> PairLine:
    """Return what is kept of a pair with these, in their order."""
    only = len(consents) == 1 and not grounds
    return PairLine(
        shape=_JSON.encode([[_shape_of_consent(one) for one in consents], [_shape_of_ground(one) for one in grounds]]),
        names="\n".join([*map(_names_of_consent, consents), *map(_names_of_ground, grounds)]),
        ends_at=in_microseconds(consents[0].valid_until) if only else 0,
    )


def consents_in(line: PairLine, *, client_id: str, account: bytes, identifier: bytes) -> tuple[ConsentRecord, ...]:
    """The consents of a line, as far as a decision asks for them."""
    shapes, _grounds = json.loads(line.shape)
    names = [words[1:] for words in _lines(line) if words[0] == _CONSENT]
    return tuple(
        ConsentRecord(
            grant_id=grant_id,
            client_id=client_id,
            account=account,
            identifier=OffPlatformId(kind=kind, type=type_, digest=identifier),
            purposes=tuple(purposes),
            meanings=tuple(meanings),
            status=ConsentStatus(status),
            given_at=from_microseconds(_number(given_at)),
            valid_until=from_microseconds(_number(ends_at)),
            receipt_id=receipt_id,
            associated=associated,
        )
        for (kind, type_, purposes, meanings, status, associated), (grant_id, receipt_id, given_at, ends_at) in zip(
            shapes, names, strict=True
        )
    )


def grounds_in(line: PairLine, *, account: bytes) -> tuple[Ground, ...]:
    """The grounds of a line."""
    _consents, shapes = json.loads(line.shape)
    names = [words[1:] for words in _lines(line) if words[0] == _GROUND]
    return tuple(
        Ground(
            association_id=association_id,
            basis=basis,
            from_platform=from_platform,
            expected_purposes=tuple(expected),
            statement_id=statement_id,
            account=account,
        )
        for (basis, from_platform, expected), (association_id, statement_id) in zip(shapes, names, strict=True)
    )


#: A row as the database gives it: the pair, and its :class:`PairLine`.
PairFound = tuple[bytes, str, str, int]


def pair_rows(tx: Transaction, keys: Sequence[bytes]) -> dict[bytes, PairFound]:
    """Return the rows of those of these pairs of which anything is known."""
    return {row[0]: row for row in rows_of(tx, _PAIRS, keys)}


def caution_key(account: bytes, whose: str) -> bytes:
    """Under which what concerns a client, or ``EVERYONE``, lies of an account."""
    return account + _tag(whose)


@cache
def _tag(whose: str) -> bytes:
    return hashlib.sha256(whose.encode()).digest()[:DIGEST_SIZE]


def cautions_of(tx: Transaction, accounts: Collection[bytes], whose: Collection[str]) -> dict[bytes, Caution]:
    """Return what concerns any of *whose* of these accounts, under its :func:`caution_key`."""
    tags = list(map(_tag, whose))
    rows = _all_cautions(tx, fewer_than=len(accounts) // _FEW)
    if rows is None:
        keys = [account + tag for account in set(accounts) for tag in tags]
        rows = rows_of(tx, _CAUTIONS, keys)
    elif rows:
        about = set(accounts)
        rows = [row for row in rows if row[0][:DIGEST_SIZE] in about and row[0][DIGEST_SIZE:] in tags]
    return cautions_from(rows)


def cautions_from(rows: Iterable[tuple[bytes, Any]]) -> dict[bytes, Caution]:
    """The cautions of rows as a driver gives them, each its key and what is written of it, where anything is."""
    return {key: as_caution(_opened(content)) for key, content in rows if content}


def _all_cautions(tx: Transaction, *, fewer_than: int) -> list[Any] | None:
    """Everything that speaks for caution with anybody, where that is little; else None.

    Where many are asked about, and few ever objected or withdrew, this is far less than to look each of them up.
    """
    if not fewer_than:
        return None
    rows = tx.execute(_EVERY_CAUTION, {"most": fewer_than}).all()
    return list(rows) if len(rows) < fewer_than else None


def wipe_match(tx: Transaction, account: bytes) -> dict[str, int]:
    """Delete all that a match would read of an account, and say how many rows those were. Only an erasure may."""
    columns = (table_of(PairRow).c.pair, table_of(CautionRow).c.caution)
    return {it.table.name: wipe(tx, it.table, it.between(account + _FIRST, account + _LAST)) for it in columns}


def _opened(content: Any) -> Mapping[str, Any]:  # noqa: ANN401 - as a driver gives it
    found: Mapping[str, Any] = json.loads(content) if isinstance(content, str) else content
    return found


def as_caution(content: Mapping[str, Any]) -> Caution:
    """The caution that was written so."""
    moments = {name: _moment(content.get(name)) for name in _MOMENTS}
    return Caution(
        objected_at=moments["objected_at"],
        signalled_at=moments["signalled_at"],
        presence=Presence(gone_at=moments["gone_at"], protected_at=moments["protected_at"]),
        said_no=bool(content.get("said_no")),
        tainted=frozenset((bytes.fromhex(name), bytes.fromhex(pair)) for name, pair in content.get("tainted", ())),
        elsewhere=bool(content.get("elsewhere")),
    )


def as_content(caution: Caution) -> dict[str, Any]:
    """What is written of a caution: nothing of what is not known."""
    at = {**vars(caution), **vars(caution.presence)}
    content: dict[str, Any] = {name: at[name].isoformat() if at[name] else None for name in _MOMENTS}
    content |= {"said_no": caution.said_no, "elsewhere": caution.elsewhere}
    content["tainted"] = sorted([name.hex(), pair.hex()] for name, pair in caution.tainted)
    return {name: value for name, value in content.items() if value}


_MOMENTS = ("objected_at", "signalled_at", "gone_at", "protected_at")


def end_of(names: str) -> int:
    """When the consent ends that a line of ``names`` names, in microseconds since 1970; 0 where it names none."""
    return _number(names.rpartition(" ")[2]) if names.startswith(_CONSENT) else 0


def given_at(names: str) -> int:
    """When the consent was given that a line of ``names`` names, likewise; 0 where it names none."""
    return _number(names.split(" ")[3]) if names.startswith(_CONSENT) else 0


def names_of(decision: Decision) -> str:
    """Which consent or ground a permit rests on: the line of it in ``names``; empty in a denial.

    Its words, each behind a space, are ``consent``, the grant, its receipt, when it was given and when it ends; or
    ``ground``, the association and its statement.
    """
    if decision.consent is not None:
        return _names_of_consent(decision.consent)
    return _names_of_ground(decision.ground) if decision.ground is not None else ""


def in_microseconds(moment: datetime) -> int:
    """A moment as whole microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(number: int) -> datetime:
    """The moment so many microseconds after 1970 began."""
    return _EPOCH + number * _MICROSECOND


_PAIRS = "SELECT pair, shape, names, ends_at FROM pairs WHERE pair"
_CAUTIONS = "SELECT caution, content FROM cautions WHERE caution"
_EVERY_CAUTION = text("SELECT caution, content FROM cautions LIMIT :most")


def _shape_of_consent(consent: ConsentRecord) -> list[object]:
    identifier = consent.identifier
    purposes, meanings = list(consent.purposes), list(consent.meanings)
    return [identifier.kind, identifier.type, purposes, meanings, consent.status.value, consent.associated]


def _shape_of_ground(ground: Ground) -> list[object]:
    return [ground.basis, ground.from_platform, list(ground.expected_purposes)]


def _names_of_consent(consent: ConsentRecord) -> str:
    given_at, ends_at = _word(in_microseconds(consent.given_at)), _word(in_microseconds(consent.valid_until))
    return f"{_CONSENT} {consent.grant_id} {consent.receipt_id} {given_at} {ends_at}"


def _names_of_ground(ground: Ground) -> str:
    return f"{_GROUND} {ground.association_id} {ground.statement_id}"


def _word(number: int) -> str:
    """A number in the letters of ids."""
    return b32encode(number.to_bytes(8)).decode().lower().rstrip("=")


def _number(word: str) -> int:
    # Thirteen letters are a bit more than eight bytes. b32decode takes ten times as long, for each of many answers.
    return int(word.translate(_DIGITS), 32) >> 1


def _lines(line: PairLine) -> list[list[str]]:
    return [words.split(" ") for words in line.names.splitlines()]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
