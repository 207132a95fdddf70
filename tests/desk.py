"""An operator's desk: a broker's home on this machine, client files, and what a refused command says."""

import json
import logging
import os
import pwd
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from vectors.make import STRANGER, jwk_of

#: Whoever sits at this terminal, by the system's own word.
OPERATOR = pwd.getpwuid(os.getuid()).pw_name
Register = Callable[..., int]
PLATFORMS = '[x]\nclient_id = "broker"\nclient_secret = "made-up"\n'
REAL = {"ISSUER": "https://consent.example", "OPERATOR_CONTACT": "privacy@consent.example"}
FILE: dict[str, object] = {
    "client_name": "Northwind Shop",
    "client_uri": "https://northwind.example/",
    "redirect_uris": ["https://northwind.example/linked"],
    "jwks": {"keys": [jwk_of(STRANGER).as_dict(private=False)]},
    "contacts": ["privacy@northwind.example"],
    "owner": "Northwind Ltd",
    "environment": "prod",
    "use_case": "Answer customers who write to us on social networks",
    "purposes": ["customer-care", "newsletter"],
    "platforms": ["x"],
}


def settle(home: Path, patch: pytest.MonkeyPatch, **changes: str) -> None:
    """Point the environment at a broker's home."""
    (home / "platforms.toml").write_text(PLATFORMS)
    whole = {
        "ISSUER": "http://127.0.0.1:8000",
        "DATABASE_URL": f"sqlite:///{home}/data/broker.db",
        "KEYS_DIR": str(home / "keys"),
        "MARKS_DIR": str(home / "marks"),
        "PLATFORMS_FILE": str(home / "platforms.toml"),
        **changes,
    }
    for name in [name for name in os.environ if name.startswith("BROKER_")]:
        patch.delenv(name)
    for name, value in whole.items():
        patch.setenv(f"BROKER_{name}", value)


def client_file(folder: Path, **changes: object) -> str:
    """Write a client file with changes, and return its path; a change to None leaves a member out."""
    file = folder / "client.json"
    file.write_text(json.dumps({name: it for name, it in {**FILE, **changes}.items() if it is not None}))
    return str(file)


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what a refused command says: nothing on standard output, one line on the other."""
    said = capsys.readouterr()
    assert ("", 1) == (said.out, said.err.count("\n"))
    return said.err


@contextmanager
def same_logging() -> Iterator[None]:
    """Leave logging as it was found: what a server does to it is for the life of its process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
