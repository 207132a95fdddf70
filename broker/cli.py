"""The command: ``broker init``, ``serve``, ``clients``, ``verify``, ``doctor``, ``policy``."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from broker import __version__
from broker.actions.broker import Broker
from broker.actions.register_client import change_standing, register_client, resume_client
from broker.app import open_broker
from broker.core.addresses import LOOPBACK
from broker.core.client import Client, Standing
from broker.core.reading import read_json_object
from broker.doctor import examine
from broker.errors import BadConfiguration, BrokerError
from broker.policies import load_policy
from broker.proof.keyfiles import create_keys, create_master
from broker.proof.verify import Verdict, verify_receipt
from broker.serving import serve
from broker.settings import Settings, read_settings
from broker.store.clients import list_clients
from broker.store.database import Database
from broker.store.migrating import migrate, pending, require_schema
from broker.web.logs import log_config, start_logging
from broker.web.registration import ClientWire
from broker.web.wire import parse

_FAILED, _NOT_ANCHORED = 1, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; every failure is one line on standard error and a status that is not 0."""
    asked = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = asked.run
    try:
        return run(asked)
    except BrokerError as error:
        clauses = f" [{', '.join(error.clauses)}]" if error.clauses else ""
        print(f"broker: {error.detail}{clauses}", file=sys.stderr)
        return _FAILED
    except OSError as error:
        print(f"broker: {error.filename or ''}: {error.strerror or error}", file=sys.stderr)
        return _FAILED


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


def _register(asked: argparse.Namespace) -> int:
    settings, broker = _opened()
    wire = parse(ClientWire, read_json_object(asked.file.read_bytes()))
    registration = wire.to_core(loopback=settings.loopback)
    with broker.database.transaction() as tx:
        client = register_client(tx, broker, registration)
    print(json.dumps(_client_json(client), indent=2, ensure_ascii=False))
    return 0


def _list(_asked: argparse.Namespace) -> int:
    _settings, broker = _opened()
    with broker.database.transaction() as tx:
        clients = list_clients(tx)
    for client in clients:
        registration = client.registration
        print(
            f"{client.client_id}  {client.standing.value:9}  {registration.environment:7}  {registration.client_name}"
        )
    return 0


def _suspend(asked: argparse.Namespace) -> int:
    _settings, broker = _opened()
    with broker.database.transaction() as tx:
        client = change_standing(tx, asked.client_id, Standing.SUSPENDED, why=asked.why)
    print(f"{client.client_id} is {client.standing.value}")
    return 0


def _resume(asked: argparse.Namespace) -> int:
    _settings, broker = _opened()
    with broker.database.transaction() as tx:
        client = resume_client(tx, asked.client_id)
    print(f"{client.client_id} is {client.standing.value}")
    return 0


def _verify(asked: argparse.Namespace) -> int:
    jwks = read_json_object(asked.jwks.read_bytes()) if asked.jwks else None
    verdict = verify_receipt(asked.file.read_text(encoding="utf-8", errors="replace"), jwks=jwks)
    print(json.dumps(_verdict_json(verdict), indent=2) if asked.json else _verdict_text(verdict))
    if not verdict.holds:
        return _FAILED
    return 0 if verdict.anchored else _NOT_ANCHORED


def _doctor(_asked: argparse.Namespace) -> int:
    findings = examine()
    for finding in findings:
        print(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name}: {finding.detail}")
    return 0 if all(finding.ok for finding in findings) else _FAILED


def _check_policy(asked: argparse.Namespace) -> int:
    policy = load_policy(asked.file)
    print(f"{policy.title} ({policy.ref.id}, version {policy.ref.version}, {policy.ref.digest})")
    for clause in policy.clauses:
        print(f"  {clause.id:16} {clause.effect.value:6} {clause.says}")
    return 0


def _opened() -> tuple[Settings, Broker]:
    settings = read_settings()
    broker = open_broker(settings)
    require_schema(broker.database)
    return settings, broker


def _database(settings: Settings) -> Database:
    if settings.database_url.startswith("sqlite:///"):
        path = Path(settings.database_url.removeprefix("sqlite:///"))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)  # its journal files take the same mode
    return Database(settings.database_url)


def _client_json(client: Client) -> dict[str, object]:
    registration = dict(vars(client.registration))
    scopes = registration.pop("scopes")
    return {
        "client_id": client.client_id,
        "standing": client.standing.value,
        **registration,
        "scope": " ".join(scopes),
    }


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
        description="Consent, receipts and match decisions for tying social accounts to business records.",
        epilog="Settings are BROKER_* variables; .env.example explains each.",
    )
    parser.add_argument("--version", action="version", version=f"broker {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add(
        commands,
        "init",
        _init,
        "make keys where there are none, and bring the database to this release's schema",
    )
    serving = _add(commands, "serve", _serve, "answer requests until stopped")
    serving.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    serving.add_argument("--port", type=int, default=8000, help="port to listen on (%(default)s)")
    serving.add_argument("--workers", type=int, default=2, help="processes (%(default)s)")
    _add_clients(commands)
    verify = _add(
        commands,
        "verify",
        _verify,
        "check a receipt offline; 0 valid, 1 not valid, 3 consistent but not anchored",
    )
    verify.add_argument("file", type=Path, help="the receipt")
    verify.add_argument("--jwks", type=Path, help="the broker's public keys, from /.well-known/jwks.json")
    verify.add_argument("--json", action="store_true", help="print the verdict as JSON")
    _add(commands, "doctor", _doctor, "check settings, keys, database and documents, each by name")
    policy = commands.add_parser("policy", help="policy documents").add_subparsers(required=True, metavar="COMMAND")
    check = _add(policy, "check", _check_policy, "read a policy document strictly and say what each clause does")
    check.add_argument("file", type=Path)
    return parser


def _add_clients(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    clients = commands.add_parser("clients", help="the businesses that may ask").add_subparsers(
        required=True, metavar="COMMAND"
    )
    register = _add(clients, "register", _register, "register a client from a JSON file and print it")
    register.add_argument("file", type=Path)
    _add(clients, "list", _list, "print every client: id, standing, environment, name")
    suspend = _add(clients, "suspend", _suspend, "stop a client at once: no token of it counts from now on")
    suspend.add_argument("client_id")
    suspend.add_argument("--why", required=True, help="the reason, kept with the client")
    resume = _add(clients, "resume", _resume, "let a suspended client act again")
    resume.add_argument("client_id")


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    summary: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=summary, description=summary[:1].upper() + summary[1:] + ".")
    parser.set_defaults(run=run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
