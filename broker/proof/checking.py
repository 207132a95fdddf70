"""The command that checks a file: ``broker verify``, and ``python -m broker.proof`` for who has no broker."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from broker.core.reading import read_json_object
from broker.errors import BadConfiguration, MalformedRequest, RequestTooLarge
from broker.proof.checkpoint import read_vkeys
from broker.proof.note import NoteFailed, Verifier
from broker.proof.status import with_status
from broker.proof.verify import Verdict
from broker.proof.verify_dossier import verify_file

HELP = (
    "check a receipt, a statement, a certificate, a bundle or a dossier offline; 0 valid, 1 not valid, 3 consistent but"
    " not anchored"
)
VALID, FAILED, NOT_ANCHORED = 0, 1, 3
_MARKS = {True: "ok  ", False: "FAIL", None: "--  "}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("file", type=Path, help="the receipt, statement, certificate, bundle or dossier")
    parser.add_argument(
        "--jwks", type=Path, metavar="FILE", help="the broker's public keys, from its /.well-known/jwks.json"
    )
    parser.add_argument("--vkeys", type=Path, metavar="FILE", help="the log's verifier keys, from /log/vkeys")
    parser.add_argument(
        "--status", type=Path, metavar="FILE", help="a status list token, from where the receipt names it"
    )
    parser.add_argument("--json", action="store_true", help="print the verdict as JSON")


def check_file(asked: argparse.Namespace, *, now: datetime) -> int:
    """Check the file against the keys of the caller's files, print the verdict, and return the status to end with.

    *now* is the machine's time: it says whether a status list has expired, and decides nothing else.
    """
    jwks = read_jwks(asked.jwks)
    vkeys = _vkeys(asked.vkeys)
    verdict = verify_file(asked.file.read_text(encoding="utf-8", errors="replace"), jwks=jwks, vkeys=vkeys)
    if asked.status:
        token = asked.status.read_text(encoding="utf-8", errors="replace")
        verdict = with_status(verdict, token, jwks=jwks, now=now)
    print(json.dumps(_as_json(verdict), indent=2) if asked.json else _as_text(verdict))
    if not verdict.holds:
        return FAILED
    unanswered = asked.status and verdict.steps[-1].ok is None
    return VALID if verdict.anchored and not unanswered else NOT_ANCHORED


def read_jwks(file: Path | None) -> Mapping[str, object] | None:
    """The key set that the caller brings, or :class:`BadConfiguration` naming the file; None without one."""
    try:
        return read_json_object(file.read_bytes()) if file else None
    except (MalformedRequest, RequestTooLarge) as error:
        raise BadConfiguration(f"{file}: {error.detail}") from error


def _vkeys(file: Path | None) -> list[Verifier]:
    try:
        return read_vkeys(file.read_text("utf-8")) if file else []
    except (NoteFailed, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{file}: {error}") from error


def _as_text(verdict: Verdict) -> str:
    lines = [f"{_MARKS[step.ok]}  {step.number}. {step.name}: {step.detail}" for step in verdict.steps]
    if not verdict.holds:
        lines.append(f"not valid: step {verdict.steps[-1].number} ({verdict.steps[-1].name}) failed")
    elif verdict.anchored:
        logged = ", and in the log that your verifier keys sign for" if verdict.logged else ""
        lines.append(f"valid: signed by a key you brought{logged}")
    elif verdict.revoked:
        lines.append("consistent, not anchored: its key was compromised; bring the log's keys with --vkeys FILE")
    else:
        lines.append("consistent, not anchored: bring the broker's keys with --jwks FILE")
    return "\n".join(printable(line) for line in lines)


def printable(line: str) -> str:
    """A line as it may be printed: a receipt is somebody else's text, and terminals obey what they are shown."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)


def _as_json(verdict: Verdict) -> dict[str, object]:
    return {
        "valid": verdict.anchored,
        "logged": verdict.logged,
        "steps": [vars(step) for step in verdict.steps],
        "payload": verdict.payload,
        "disclosed": verdict.disclosed,
    }
