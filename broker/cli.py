"""The command: ``broker init``, ``serve``, ``verify``, ``doctor``; the others have a file each under commands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from importlib import import_module
from pathlib import Path

from broker import __version__
from broker.actions.note_ruling import note_ruling
from broker.app import now, open_database, open_to_serve
from broker.commands.opening import FAILED, command, opened
from broker.core.addresses import LOOPBACK
from broker.custody import first_master, open_folder, read_keys
from broker.doctor import examine
from broker.errors import BadConfiguration, BrokerError, in_one_line
from broker.proof.checking import HELP, add_arguments, check_file
from broker.proof.highwater import first_high_water
from broker.proof.journal import create_journal
from broker.proof.keymaking import create_keys
from broker.proof.keyring import KeyRing
from broker.serving import counting_together, serve
from broker.settings import Settings, read_settings
from broker.spans import check_spans
from broker.store.database import Database
from broker.store.migrating import migrate, pending
from broker.tending import Companion
from broker.web.logs import log_config, start_logging

#: Every room of commands, in the order of the help.
_ROOMS = (
    *("clients", "matching", "rechecking", "deliveries", "actions", "erasing", "journal", "policies"),
    *("redistribution", "reports"),
    *("databases", "keys", "log", "tend", "auditing", "linked_data"),
)
#: What these two need of them: whoever starts a broker waits until they have loaded it.
_NEEDED: Mapping[str, Sequence[str]] = {"serve": (), "tend": ("tend",)}
#: What shells say of a command that was interrupted.
_STOPPED = 130
_EPILOG = """\
To stop a business at once:   broker clients suspend CLIENT_ID --why TEXT
To see what is wrong here:    broker doctor
More about each:              broker COMMAND --help

Status 0: done. 1: refused or failed, and one line on standard error says why,
with the clause of the terms in brackets where they decided. 2: no such command,
or none of that form. 3: `verify` and `dpv`, without keys that vouch for it.
4: `match`, done, and some lines could not be read.
Settings are BROKER_* variables; .env.example explains each."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; every failure is one line on standard error and a status that is not 0."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    asked = _parser(_NEEDED.get(next(iter(words), ""), _ROOMS)).parse_args(words)
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
        print(f"broker: {in_one_line(error)}", file=sys.stderr)
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
    if settings.loopback and not (settings.master_key or settings.master_key_file or settings.custody):
        _say(first_master(settings), f"master key in {settings.master_file()}")
    made = create_keys(open_folder(settings), now=now(), beside=lambda: _begin_marks(settings))
    _say(bool(made), f"keys in {settings.keys_dir}: {', '.join(made) or 'all there'}")
    database = _database(settings, read_keys(settings))
    missing = pending(database)
    migrate(database)
    _say(bool(missing), f"schema: {', '.join(missing) or 'up to date'}")
    return 0


def _begin_marks(settings: Settings) -> None:
    """A log that has a key has a mark, and a broker that has a log has a journal: both before the keys."""
    first_high_water(settings.marks_dir)
    create_journal(settings.marks_dir)


def _serve(asked: argparse.Namespace) -> int:
    settings = read_settings()
    if settings.loopback and asked.host not in {host.strip("[]") for host in LOOPBACK}:
        raise BadConfiguration("a development issuer (http) is served on this machine only; --host must be 127.0.0.1")
    start_logging(settings.log_level)
    check_spans(settings.otlp_endpoint)
    with counting_together():  # before anything is counted: where a number is kept is settled with its first
        open_to_serve(settings).database.close()
        # Whoever serves people alone does so beside a `broker serve` that tends the duties.
        with nullcontext() if asked.people_only else Companion():
            serve(
                target="broker.app:wsgi_of_people" if asked.people_only else "broker.app:wsgi",
                host=asked.host,
                port=asked.port,
                workers=asked.workers,
                log_config=log_config(settings.log_level),
                # People wait for no core that a program's questions have.
                any_core=asked.any_core or asked.people_only,
            )
    return 0


def _doctor(_asked: argparse.Namespace) -> int:
    findings = examine()
    for finding in findings:
        print(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name}: {finding.detail}")
    return 0 if all(finding.ok for finding in findings) else FAILED


def _database(settings: Settings, keys: KeyRing) -> Database:
    if settings.database_url.startswith("sqlite:///"):
        path = Path(settings.database_url.removeprefix("sqlite:///"))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)  # its journal files take the same mode
    return open_database(settings, keys)


def _say(changed: bool, what: str) -> None:  # noqa: FBT001 - a mark before a line
    print(f"{'made' if changed else 'kept'}  {what}")


def _parser(rooms: Sequence[str]) -> argparse.ArgumentParser:
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
    _add_serving(command(commands, "serve", _serve, "answer requests until stopped"))
    add_arguments(command(commands, "verify", lambda asked: check_file(asked, now=now()), HELP))
    command(commands, "doctor", _doctor, "check settings, keys, database and documents, each by name")
    for room in rooms:
        import_module(f"broker.commands.{room}").add_commands(commands)
    return parser


def _add_serving(serving: argparse.ArgumentParser) -> None:
    serving.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    serving.add_argument("--port", type=int, default=8000, help="port to listen on (%(default)s)")
    serving.add_argument("--workers", type=int, default=2, help="processes (%(default)s)")
    serving.add_argument(
        "--any-core",
        action="store_true",
        help="let workers run on any core; else each keeps to one of its own, while there is one",
    )
    serving.add_argument(
        "--people-only",
        action="store_true",
        help="answer people and withdrawals only, beside a `broker serve` that answers the rest",
    )


if __name__ == "__main__":
    sys.exit(main())
