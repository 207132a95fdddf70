"""The broker in this process, on a real socket, whose terms a test may exchange between two requests.

Database, keys, tokens and people stay; only the documents differ. What is answered otherwise is answered otherwise
because of them.
"""

import json
import subprocess
import threading
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from broker.actions.broker import Broker
from broker.actions.change_standing import Change, suspend_client
from broker.actions.register_client import register_client
from broker.app import create_app, open_broker
from broker.core.policy import LIMITS
from broker.policies import SHIPPED, load_policies
from broker.settings import read_settings
from broker.web.registration import ClientWire
from broker.web.wire import parse
from harness.business import Business, new_key, registration
from harness.running import console_script, surroundings

DOCUMENT = "x-developer-terms.toml"
_CLAUSE = "[[clause]]\n"


def clause_ids(path: Path = SHIPPED / DOCUMENT) -> list[str]:
    """Return the id of every clause of a document, each once."""
    return list(dict.fromkeys(clause["id"] for clause in tomllib.loads(path.read_text())["clause"]))


def without_clause(text: str, clause_id: str) -> str:
    """Return a document without any rule of one id."""
    head, *rules = text.split(_CLAUSE)
    kept = [rule for rule in rules if tomllib.loads(_CLAUSE + rule)["clause"][0]["id"] != clause_id]
    if len(kept) == len(rules):
        raise AssertionError(f"the document has no clause {clause_id}")
    return _CLAUSE.join([_limits_of_what_is_permitted(head, kept), *kept])


def _limits_of_what_is_permitted(head: str, rules: Iterable[str]) -> str:
    """A document has no ceilings for what it does not permit."""
    clauses = [tomllib.loads(_CLAUSE + rule)["clause"][0] for rule in rules]
    permitted = {act for clause in clauses if clause["effect"] == "permit" for act in clause["when"]["act"]}
    dropped = {name for act, names in LIMITS.items() if act not in permitted for name in names}
    return "".join(line for line in head.splitlines(keepends=True) if line.partition(" = ")[0] not in dropped)


def with_limits(text: str, limits: Mapping[str, int]) -> str:
    """Return a document with other numbers."""
    for name, number in limits.items():
        (line,) = [line for line in text.splitlines() if line.startswith(f"{name} = ")]
        text = text.replace(line, f"{name} = {number}")
    return text


def write_documents(folder: Path, change: Callable[[str], str]) -> Path:
    """Copy the shipped documents into a folder, the one under test changed."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in SHIPPED.glob("*.toml"):
        text = path.read_text()
        (folder / path.name).write_text(change(text) if path.name == DOCUMENT else text)
    return folder


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 (werkzeug's name)
        """Say nothing: a line a request helps no test."""


class TermsServer:
    """One broker, one socket, one database; the application in force is the one for the terms in force."""

    def __init__(self, home: Path, *, port: int, platforms: str) -> None:
        self.home = home
        self.issuer = f"http://127.0.0.1:{port}"
        (home / "platforms.toml").write_text(platforms)
        (home / "platforms.toml").chmod(0o600)
        env = {
            **surroundings(),
            "BROKER_ISSUER": self.issuer, "BROKER_DATABASE_URL": f"sqlite:///{home / 'broker.db'}",
            "BROKER_KEYS_DIR": str(home / "keys"), "BROKER_PLATFORMS_FILE": str(home / "platforms.toml"),
            "BROKER_MARKS_DIR": str(home / "marks"),
        }  # fmt: skip
        subprocess.run([console_script(), "init"], env=env, check=True, capture_output=True, timeout=120)
        self.broker: Broker = open_broker(read_settings(env))
        self._app: Flask = create_app(self.broker)
        self._server = make_server("127.0.0.1", port, self._answer, threaded=True, request_handler=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 (WSGI)
        return self._app(environ, start_response)

    @contextmanager
    def under(self, name: str, change: Callable[[str], str]) -> Iterator[None]:
        """Put a changed document in force."""
        folder = write_documents(self.home / name, change)
        whole, self._app = self._app, create_app(replace(self.broker, policies=load_policies(folder)))
        try:
            yield
        finally:
            self._app = whole

    def business(self, **changes: object) -> Business:
        """Register a business of its own; one that its terms refuse is an error."""
        key, back = new_key(), "http://127.0.0.1:19999/linked"
        file = json.loads(json.dumps(registration(key, back, **changes)))
        with self.broker.database.transaction() as tx:
            client = register_client(tx, self.broker, parse(ClientWire, file).to_core(loopback=True))
        return Business(issuer=self.issuer, client_id=client.client_id, key=key, redirect_uri=back)

    def suspend(self, business: Business) -> None:
        """Suspend a business."""
        with self.broker.database.transaction() as tx:
            suspend_client(tx, self.broker, business.client_id, Change(who="a test", why="to see what it is told"))

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.broker.database.close()
