"""``broker audit`` and ``broker evidence``: whether all that is stored agrees, and what allowed something on a day."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from broker.actions.audit import audit
from broker.actions.broker import Broker
from broker.actions.dossier_grounds import Inquiry
from broker.actions.gather_dossier import gather_dossier
from broker.actions.replay_erasures import require_erased
from broker.commands.naming import add_account, read_account
from broker.commands.opening import FAILED, command, looked_at
from broker.core.identifiers import KINDS, Identifier, read_identifier
from broker.errors import NotFound
from broker.proof.checking import printable
from broker.store.auditing import Finding
from broker.store.clients import find_client
from broker.store.transaction import Transaction

_NOTES = """\
A line per row that disagrees: table, primary key, what is wrong and with what.
Of a row that is gone the key is its keyed digest (#...) or its place in the log.
Nothing is written, and nothing has to be stopped: it looks at one moment.

Status 0: all agree. 1: some row does not, or the audit could not be made."""

_DOSSIER_NOTES = """\
The file holds every decision of that client about that account on that day, the
receipts and statements that there were up to then, with the ends they have come
to since, the words that were shown, and the policy documents. Check it with
`broker verify FILE --jwks FILE --vkeys FILE`; whoever has the file and the keys
can. It names a person: hand it on with care, or take --redacted."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``broker audit`` and ``broker evidence``."""
    asked = command(commands, "audit", _audit, "walk over database and log, and name every row that disagrees", _NOTES)
    asked.add_argument("--json", action="store_true", help="print what was walked and found as JSON")
    evidence = command(
        commands,
        "evidence",
        _evidence,
        "write which ground allowed a client what on a day, as one file",
        _DOSSIER_NOTES,
    )
    evidence.add_argument("--client", required=True, metavar="ID", help="as `broker clients list` prints it")
    add_account(evidence)
    evidence.add_argument("--at", required=True, type=_day, metavar="DAY", help="a day of UTC, YYYY-MM-DD")
    evidence.add_argument(
        "--identifier", metavar="TYPE:VALUE", help="of one record only, such as email:jane@example.com"
    )
    evidence.add_argument("--out", type=Path, metavar="FILE", help="write it there, for nobody else to read")
    evidence.add_argument(
        "--redacted", action="store_true", help="leave every personal value out; it verifies all the same"
    )


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise argparse.ArgumentTypeError("a day is written YYYY-MM-DD") from error


def _evidence(asked: argparse.Namespace) -> int:
    _settings, broker = looked_at()
    require_erased(broker)
    with broker.database.reading() as tx:
        dossier = gather_dossier(tx, broker, _inquiry(tx, broker, asked))
    if asked.out is None:
        print(dossier, end="")
        return 0
    descriptor = os.open(asked.out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o600)  # a file that was there keeps who may read it
        file.write(str(dossier))
    print(f"{asked.out}: {len(dossier.decisions)} decisions, {len(dossier.evidence)} receipts and statements")
    return 0


def _inquiry(tx: Transaction, broker: Broker, asked: argparse.Namespace) -> Inquiry:
    client = find_client(tx, asked.client)
    if client is None:
        raise NotFound(f"there is no client {asked.client!r}")
    return Inquiry(
        client=client,
        **vars(read_account(broker, asked.account)),
        identifier=_identifier(asked.identifier),
        begins=asked.at,
        redacted=asked.redacted,
    )


def _identifier(text: str | None) -> Identifier | None:
    """``email:jane@example.com``, or ``other:NAME:VALUE``; each type has one kind."""
    if text is None:
        return None
    written, _, value = text.partition(":")
    name, _, rest = value.partition(":") if written == "other" else (None, "", value)
    kind = next((kind for kind, types in KINDS.items() if written in types), "")
    return read_identifier(kind=kind, type=written, value=rest, name=name)


def _audit(asked: argparse.Namespace) -> int:
    _settings, broker = looked_at()
    begun = perf_counter()
    found: list[Finding] = []

    def tell(finding: Finding) -> None:
        found.append(finding)
        if not asked.json:
            print(printable(str(finding)), flush=True)

    walked = audit(broker, tell)
    took = perf_counter() - begun
    print(_as_json(found, walked, took) if asked.json else _last_line(len(found), walked, took))
    return FAILED if found else 0


def _as_json(found: list[Finding], walked: Mapping[str, int], took: float) -> str:
    findings = [vars(finding) for finding in found]
    told = {"agree": not found, "walked": dict(walked), "seconds": round(took, 3), "findings": findings}
    return json.dumps(told, indent=2)


def _last_line(found: int, walked: Mapping[str, int], took: float) -> str:
    counts = ", ".join(f"{walked[name]} {name}" for name in sorted(walked))
    verdict = "all agree" if not found else f"{found} do not agree"
    return f"{verdict}: walked {counts} in {took:.1f} s"
