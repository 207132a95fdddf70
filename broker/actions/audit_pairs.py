"""The audit of what a match reads: each pair and each caution says what the rows say that it was made from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from broker.core.blinding import DIGEST_SIZE
from broker.core.caution import Caution
from broker.store.auditing import Seen, Walk
from broker.store.auditing_evidence import legible, rows_beside, sound_rows
from broker.store.pairs import PairLine, as_caution, caution_key
from broker.store.projecting import MADE_FROM, Touched, read_caution, read_line

Row = Mapping[str, Any]
_PAIRS, _CAUTIONS = "pairs", "cautions"
_OTHER = "it does not say what the rows say that it is made from"


def check_pairs(audit: Walk) -> None:
    """Hold pairs and cautions against consents, grounds and whatever else they are made from."""
    for chunk in sound_rows(audit, _PAIRS):
        for pair in chunk:
            _check(audit, pair, _PAIRS, _line, lambda row: read_line(audit.tx, row["pair"]))
    for chunk in sound_rows(audit, _CAUTIONS):
        for caution in chunk:
            _check(audit, caution, _CAUTIONS, _caution, lambda row: _made(audit, row))
    for name in MADE_FROM:
        for chunk in sound_rows(audit, name):
            touched = Touched()
            for seen in chunk:
                touched.note(name, seen.values)
            _check_all_there(audit, _PAIRS, "pair", touched.pairs, name)
            wanted = {caution_key(account, whose) for account, whose in touched.whom(audit.tx)}
            _check_all_there(audit, _CAUTIONS, "caution", wanted, name)


def _line(row: Row) -> PairLine:
    return PairLine(row["shape"], row["names"], row["ends_at"])


def _caution(row: Row) -> tuple[bytes, Caution]:
    return row["caution"], as_caution(row["content"])


def _made(audit: Walk, row: Row) -> tuple[bytes, Caution]:
    account, whose = row["caution"][:DIGEST_SIZE], row["whose"]
    return caution_key(account, whose), read_caution(audit.tx, account, whose)


def _check(audit: Walk, seen: Seen, name: str, said: Callable[[Row], object], made: Callable[[Row], object]) -> None:
    # A row that it is made from and that cannot be read was named.
    if legible(lambda: said(seen.values) == made(seen.values)) is False:
        audit.name(name, seen.key, _OTHER)


def _check_all_there(audit: Walk, name: str, column: str, wanted: Collection[bytes], cause: str) -> None:
    there = {seen.values[column] for seen in rows_beside(audit, name, column, wanted)}
    for key in sorted(set(wanted) - there):
        audit.name(name, key.hex(), f"is missing: {cause} has what it is made from")
