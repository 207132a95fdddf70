"""The command: ``broker init``, ``serve``, ``verify``, ``doctor``; the others have a file each under commands."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from broker import __version__
from broker.actions.note_ruling import note_ruling
from broker.app import open_broker
from broker.commands import clients, policies, redistribution, reports
from broker.commands.opening import FAILED, command, opened
from broker.core.addresses import LOOPBACK
from broker.core.reading import read_json_object
from broker.doctor import examine
from broker.errors import BadConfiguration, BrokerError
from broker.proof.keyfiles import create_keys, create_master
from broker.proof.verify import Verdict, verify_evidence
from broker.serving import serve
from broker.settings import Settings, read_settings
from broker.store.database import Database
from broker.store.migrating import migrate, pending, require_schema
from broker.web.logs import log_config, start_logging

_NOT_ANCHORED = 3
#: What shells say of a command that was interrupted.
_STOPPED = 130
_EPILOG = """\
To stop a business at once:   broker clients suspend CLIENT_ID --why TEXT
To see what is wrong here:    broker doctor
More about each:              broker COMMAND --help

Status 0: done. 1: refused or failed, and one line on standard error says why,
with the clause of the terms in brackets where they decided. 2: no such command.
Settings are BROKER_* variables; .env.example explains each."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; every failure is one line on standard error and a status that is not 0."""
    asked = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = asked.run
    try:
        return run(asked)
    except BrokerError as error:
        if error.clauses:
            _count(error.clauses)
        clauses = f" [{', '.join(error.clauses)}]" if error.clauses else ""
        print(f"broker: {error.detail}{clauses}", file=sys.stderr)
        return FAILED
    except OSError as error:
        print(
            ": ".join(str(part) for part in ("broker", error.filename, error.strerror or error) if part),
            file=sys.stderr,
        )
        return FAILED
    except KeyboardInterrupt:
        return _STOPPED


def _count(clauses: Sequence[str]) -> None:
    """Count a refusal by the terms, where there is a broker to count it."""
    with suppress(BrokerError):
        _settings, broker = opened()
        note_ruling(broker, clauses)


def _init(_asked: argparse.Namespace) -> int:
    settings = read_settings()
    if settings.loopback and not settings.master_key and not settings.master_key_file:
        _say(
            create_master(settings.keys_dir, random=secrets.token_bytes),
            f"master key in {settings.master_file()}",
        )
    made = create_keys(settings.keys_dir, settings.master(), random=secrets.token_bytes)
    _say(bool(made), f"keys in {settings.keys_dir}: {', '.join(made) or 'all there'}")
    database = _database(settings)
    missing = pending(database)
    migrate(database)
    _say(bool(missing), f"schema: {', '.join(missing) or 'up to date'}")
    return 0


def _serve(asked: argparse.Namespace) -> int:
    settings = read_settings()
    if settings.loopback and asked.host not in {host.strip("[]") for host in LOOPBACK}:
        raise BadConfiguration("a development issuer (http) is served on this machine only; --host must be 127.0.0.1")
    start_logging(settings.log_level)
    database = open_broker(settings).database
    require_schema(database)
    database.close()
    serve(host=asked.host, port=asked.port, workers=asked.workers, log_config=log_config(settings.log_level))
    return 0


def _verify(asked: argparse.Namespace) -> int:
    jwks = read_json_object(asked.jwks.read_bytes()) if asked.jwks else None
    verdict = verify_evidence(asked.file.read_text(encoding="utf-8", errors="replace"), jwks=jwks)
    print(json.dumps(_verdict_json(verdict), indent=2) if asked.json else _verdict_text(verdict))
    if not verdict.holds:
        return FAILED
    return 0 if verdict.anchored else _NOT_ANCHORED


def _doctor(_asked: argparse.Namespace) -> int:
    findings = examine()
    for finding in findings:
        print(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name}: {finding.detail}")
    return 0 if all(finding.ok for finding in findings) else FAILED


def _database(settings: Settings) -> Database:
    if settings.database_url.startswith("sqlite:///"):
        path = Path(settings.database_url.removeprefix("sqlite:///"))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)  # its journal files take the same mode
    return Database(settings.database_url)


def _verdict_text(verdict: Verdict) -> str:
    marks = {True: "ok  ", False: "FAIL", None: "--  "}
    lines = [f"{marks[step.ok]}  {step.number}. {step.name}: {step.detail}" for step in verdict.steps]
    if not verdict.holds:
        lines.append(f"not valid: step {verdict.steps[-1].number} ({verdict.steps[-1].name}) failed")
    elif verdict.anchored:
        lines.append("valid: signed by a key you brought")
    else:
        lines.append("consistent, not anchored: bring the broker's keys with --jwks FILE")
    return "\n".join(_plain(line) for line in lines)


def _plain(line: str) -> str:
    """A line as it may be printed: a receipt is somebody else's text, and terminals obey what they are shown."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)


def _verdict_json(verdict: Verdict) -> dict[str, object]:
    return {
        "valid": verdict.anchored,
        "steps": [vars(step) for step in verdict.steps],
        "payload": verdict.payload,
        "disclosed": verdict.disclosed,
    }


def _say(changed: bool, what: str) -> None:  # noqa: FBT001 - a mark before a line
    print(f"{'made' if changed else 'kept'}  {what}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="broker",
        description="Consent, receipts and match decisions for tying social accounts to business\nrecords.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"broker {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    command(
        commands,
        "init",
        _init,
        "make keys where there are none, and bring the database to this release's schema",
    )
    serving = command(commands, "serve", _serve, "answer requests until stopped")
    serving.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    serving.add_argument("--port", type=int, default=8000, help="port to listen on (%(default)s)")
    serving.add_argument("--workers", type=int, default=2, help="processes (%(default)s)")
    verify = command(
        commands,
        "verify",
        _verify,
        "check a receipt or a provenance statement offline; 0 valid, 1 not valid, 3 consistent but not anchored",
    )
    verify.add_argument("file", type=Path, help="the receipt or statement")
    verify.add_argument("--jwks", type=Path, help="the broker's public keys, from /.well-known/jwks.json")
    verify.add_argument("--json", action="store_true", help="print the verdict as JSON")
    command(commands, "doctor", _doctor, "check settings, keys, database and documents, each by name")
    for room in (clients, policies, redistribution, reports):
        room.add_commands(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
