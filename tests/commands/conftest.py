"""A broker that was set up once, and clients of an owner each."""

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from desk import Register, client_file, settle

from broker.actions.broker import Broker
from broker.cli import main
from broker.commands.opening import opened

_OWNERS = count(1)


@pytest.fixture(scope="session")
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Set a broker up once; every test registers clients of its own."""
    home = tmp_path_factory.mktemp("broker")
    with pytest.MonkeyPatch.context() as patch:
        settle(home, patch)
        assert main(["init"]) == 0
    return home


@pytest.fixture(autouse=True)
def home(set_up: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """Give a broker that was set up, at a terminal whose environment says that somebody else sits there."""
    settle(set_up, monkeypatch)
    monkeypatch.setenv("LOGNAME", "somebody-else")
    capsys.readouterr()
    return set_up


@pytest.fixture
def broker(home: Path) -> Broker:
    """Give the broker that the commands open, as it is inside."""
    assert home
    return opened()[1]


@pytest.fixture
def register(tmp_path: Path) -> Register:
    """Register a client from a file with changes, of an owner whom no other test has."""

    def run(**changes: object) -> int:
        owner = {"owner": f"Northwind {next(_OWNERS)} Ltd"}
        return main(["clients", "register", client_file(tmp_path, **{**owner, **changes})])

    return run


@pytest.fixture
def registered(register: Register, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Register a client that the terms accept, and return it as it was printed."""

    def run(**changes: object) -> dict[str, Any]:
        assert register(**changes) == 0
        printed: dict[str, Any] = json.loads(capsys.readouterr().out)
        return printed

    return run


@pytest.fixture
def client_id(registered: Callable[..., dict[str, Any]]) -> str:
    """Register a client."""
    found: str = registered()["client_id"]
    return found
