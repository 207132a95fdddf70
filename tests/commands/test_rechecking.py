"""`broker recheck`: what is typed and what is said; never whose account it was, nor what a platform wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import a_question, asked, consented, emptied
from desk import PLATFORMS, refusal, settle
from harness.running import Account, RunningSandbox

from broker.actions.broker import Broker
from broker.cli import main
from broker.commands.opening import opened
from broker.core.client import Client
from broker.core.identifiers import PlatformAccount, ProvenAccount
from broker.store.clients import find_client

OPENID = '[login]\nissuer = "https://login.example"\nclient_id = "broker"\nclient_secret = "made-up"\n'


@pytest.fixture(scope="module")
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Set a broker up for these tests alone: others count whom it asks about."""
    home = tmp_path_factory.mktemp("rechecking")
    with pytest.MonkeyPatch.context() as patch:
        settle(home, patch)
        assert main(["init"]) == 0
    return home


@pytest.fixture(autouse=True)
def at_the_sandbox(home: Path, platform: RunningSandbox) -> None:
    """Let the platforms file name the sandbox, and one provider that cannot be asked; nobody is known yet."""
    (home / "platforms.toml").write_text(platform.section() + OPENID)
    emptied(opened()[1].database)


@pytest.fixture
def client(broker: Broker, registered: Callable[..., dict[str, Any]]) -> Client:
    """Give a client that may ask."""
    with broker.database.reading() as tx:
        found = find_client(tx, registered()["client_id"])
    assert found is not None
    return found


@pytest.fixture
def people(broker: Broker, client: Client, platform: RunningSandbox) -> list[Account]:
    """Let three people of the sandbox consent."""
    met = [platform.stranger() for _ in range(3)]
    for account in met:
        consented(broker, client, proven(account))
    return met


def proven(account: Account) -> ProvenAccount:
    """An account of the sandbox, as a proof shows it."""
    return ProvenAccount(account=PlatformAccount(platform="x", id=account.id), handle=account.handle)


def permitted(broker: Broker, client: Client, account: Account) -> bool:
    """Whether the client may match."""
    return asked(broker, client, a_question(proven(account))).decision.permitted


def test_what_came_of_it_is_said_in_counts_and_of_nobody(
    broker: Broker, client: Client, people: list[Account], platform: RunningSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    platform.rename(people[0], new := f"new{people[0].id}"[-15:])
    platform.mark(people[1], "active", on=False)
    assert main(["recheck"]) == 0
    said = capsys.readouterr()
    assert ["login: not asked: ", "x: 3 asked about: 1 gone, 1 renamed, 1 unchanged"] == [
        line if line.startswith("x") else line[:18] for line in said.out.splitlines()
    ]
    assert "" == said.err
    assert not any(word in said.out for one in people for word in (one.id, one.handle, new))
    assert [True, False, True] == [permitted(broker, client, account) for account in people]


def test_a_dry_run_says_so_and_changes_nothing(
    broker: Broker, client: Client, people: list[Account], platform: RunningSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    platform.mark(people[1], "suspended")
    assert main(["recheck", "--platform", "x", "--dry-run"]) == 0
    assert capsys.readouterr().out.endswith("1 gone, 2 unchanged\nthis was a dry run: nothing was changed\n")
    assert permitted(broker, client, people[1])


@pytest.mark.usefixtures("people")
def test_the_limit_of_the_platform_is_no_failure_and_the_hour_to_go_on_is_named(
    platform: RunningSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    platform.rehearse(users_limit=0)
    assert main(["recheck", "--platform", "x"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert "x: 0 asked about" == first
    assert re.fullmatch(r"x: the platform's limit is reached with 3 left; go on after [0-9T:-]{19}Z", second)


@pytest.mark.usefixtures("people")
def test_as_json_it_is_for_programs(platform: RunningSandbox, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    platform.rehearse(users_limit=0)
    assert main(["recheck", "--json", "--limit", "2"]) == 0
    said = json.loads(capsys.readouterr().out)
    resume_at = said["platforms"]["x"].pop("resume_at")
    assert {"asked": 0, "left": 2, "counts": {}, "ready": True} == said["platforms"]["x"]
    assert ({"login"}, False, "Z") == (set(said["refused"]), said["dry_run"], resume_at[-1])


@pytest.mark.usefixtures("people")
def test_a_job_that_is_not_ready_in_time_is_no_failure(
    platform: RunningSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    platform.rehearse(job_looks=9)
    assert main(["recheck", "--platform", "x", "--compliance", "--wait", "1"]) == 0
    assert "x: the job was not ready in time with 3 left; run it again\n" in capsys.readouterr().out
    platform.rehearse()
    assert main(["recheck", "--platform", "x", "--compliance"]) == 0
    assert "x: 3 asked about: 3 unchanged\n" == capsys.readouterr().out


@pytest.mark.usefixtures("people")
def test_a_failure_is_one_line_of_ours_after_what_was_done(
    platform: RunningSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    platform.rehearse(users=[500, "\x1b[31mwhat the platform wrote"])
    assert main(["recheck", "--platform", "x"]) == 1
    said = capsys.readouterr()
    assert "x: 0 asked about\n" == said.out
    assert "broker: X did not answer as it should (status 500)\n" == said.err


NO_TOKEN = "broker: [x] in the platforms file has no bearer_token: accounts there cannot be rechecked\n"
NO_WAY = (
    "broker: login is an OpenID provider: it speaks of an account only when its owner signs in;"
    " accounts there cannot be rechecked\n"
)


@pytest.mark.parametrize(
    ("file", "platform_name", "line"), [(PLATFORMS, "x", NO_TOKEN), (OPENID, "login", NO_WAY)], ids=["x", "openid"]
)
def test_a_platform_that_cannot_be_asked_is_said_to_be_one(
    home: Path, capsys: pytest.CaptureFixture[str], file: str, platform_name: str, line: str
) -> None:
    (home / "platforms.toml").write_text(file)
    for more in ([], ["--platform", platform_name]):
        assert main(["recheck", *more]) == 1
        assert line == refusal(capsys)


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "many", "100001", "٣"])
def test_a_limit_is_a_whole_number(capsys: pytest.CaptureFixture[str], number: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["recheck", "--limit", number])
    assert 2 == ended.value.code
    assert "whole number" in capsys.readouterr().err or number.startswith("-")


def test_a_platform_that_nobody_named_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recheck", "--platform", "y"]) == 1
    assert "must be one of" in refusal(capsys)
