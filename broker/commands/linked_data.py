"""``broker dpv``: what a receipt says, as JSON-LD in the terms of the Data Privacy Vocabulary; offline."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from broker.commands.opening import command
from broker.proof.checking import FAILED, NOT_ANCHORED, VALID, read_jwks
from broker.proof.dpv import VERSION, in_dpv
from broker.proof.verify import verify_evidence

_NOTES = f"""\
The receipt is checked first, as by `broker verify`. What is printed follows the
W3C guide for ISO/IEC TS 27560 on DPV {VERSION}; it proves nothing by itself, and
leaves out who the person is and the words that they read.

Status 0: checked against the keys you brought. 1: a step failed, and nothing
is printed. 3: printed, but no keys were given."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``broker dpv``."""
    dpv = command(commands, "dpv", _dpv, "print a receipt as linked data (JSON-LD) for other privacy tools", _NOTES)
    dpv.add_argument("file", type=Path, help="the receipt, or its bundle")
    dpv.add_argument(
        "--jwks", type=Path, metavar="FILE", help="the broker's public keys, from its /.well-known/jwks.json"
    )


def _dpv(asked: argparse.Namespace) -> int:
    text = asked.file.read_text(encoding="utf-8", errors="replace")
    verdict = verify_evidence(text, jwks=read_jwks(asked.jwks))
    if not verdict.holds:
        failed = verdict.steps[-1]
        print(f"broker: not valid: step {failed.number} ({failed.name}) failed; see `broker verify`", file=sys.stderr)
        return FAILED
    print(in_dpv(verdict.payload), end="")
    return VALID if verdict.anchored else NOT_ANCHORED
