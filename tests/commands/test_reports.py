"""``broker report``: the operator's counts, never of few people, and how often each clause decided."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from builders import a_question, an_account, asked, consented, registered
from desk import OPERATOR, client_file, refusal, settle

from broker.cli import main
from broker.commands.opening import opened
from broker.core.client import Client

COHORT = 20
BY: dict[str, tuple[str, ...]] = {
    "decisions": ("ground", "purpose", "week", "client", "clause"),
    "consents": ("ground", "purpose", "week", "client"),
}


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Client]:
    """Give the home of a broker that answered about just enough people, and its one client."""
    home = tmp_path_factory.mktemp("busy")
    with pytest.MonkeyPatch.context() as patch:
        settle(home, patch)
        assert main(["init"]) == 0
        broker = opened()[1]
        shop = registered(broker, client_name="Fabrikam Bikes")
        for number in range(COHORT):
            person = an_account(str(7000 + number), f"rider_{number}")
            consented(broker, shop, person, "customer-care")
            asked(broker, shop, a_question(person))
        broker.database.close()
    return home, shop


@pytest.fixture
def counts(
    busy: tuple[Path, Client], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., dict[str, Any]]:
    """Return a report that is printed, from the busy broker."""
    settle(busy[0], monkeypatch)

    def run(*arguments: str) -> dict[str, Any]:
        capsys.readouterr()
        assert main(["report", *arguments]) == 0
        printed: dict[str, Any] = json.loads(capsys.readouterr().out)
        return printed

    return run


def lines(report: dict[str, Any]) -> dict[str, int]:
    """Return what a report counts, by name."""
    return {line["name"]: line["count"] for line in report["counts"]}


@pytest.mark.parametrize(("kind", "by"), [(kind, by) for kind, divisions in BY.items() for by in divisions])
def test_every_kind_is_counted_in_every_division(
    counts: Callable[..., dict[str, Any]], busy: tuple[Path, Client], kind: str, by: str
) -> None:
    year, week, _day = datetime.now(UTC).isocalendar()
    names = {
        "ground": "consent" if kind == "decisions" else "given",
        "purpose": "customer-care",
        "week": f"{year}-W{week:02}",
        "client": busy[1].client_id,
        "clause": "MATCH-2",
    }
    report = counts(kind, "--by", by)
    assert (kind, by, COHORT) == (report["kind"], report["by"], report["cohort"])
    assert {names[by]: COHORT} == lines(report)


def test_without_a_division_it_is_by_ground_over_four_weeks(counts: Callable[..., dict[str, Any]]) -> None:
    report = counts("decisions")
    assert ("ground", timedelta(days=27)) == (report["by"], days(report))


def days(report: dict[str, Any]) -> timedelta:
    """Return how long a report's time is, without its last day."""
    return datetime.fromisoformat(report["to"]) - datetime.fromisoformat(report["from"])


def test_no_id_and_no_name_of_a_person_leaves_the_broker(counts: Callable[..., dict[str, Any]]) -> None:
    for kind, divisions in BY.items():
        for by in divisions:
            text = json.dumps(counts(kind, "--by", by))
            assert not any(word in text for word in ("rider_", "7000", "mailbox.example"))


def test_fewer_people_than_the_cohort_are_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settle(tmp_path, monkeypatch)  # a broker of its own: of the others' people there are enough
    assert main(["init"]) == 0
    broker = opened()[1]
    shop = registered(broker)
    for number in range(COHORT - 1):
        asked(broker, shop, a_question(an_account(str(9000 + number), f"few_{number}")))
    capsys.readouterr()
    assert 1 == main(["report", "decisions", "--by", "purpose"])
    assert f"fewer than {COHORT} people" in (said := refusal(capsys))
    assert said.endswith("[SENSITIVE-2]\n")


def test_refusals_are_counted_by_clause_and_zeros_are_shown(
    counts: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    before = lines(counts("refusals"))
    assert {"SURVEILLANCE-4", "APPLICATION-1", "SERVER-1"} <= before.keys()
    assert 1 == main(["clients", "register", client_file(tmp_path, purposes=["background-check"])])
    after = lines(counts("refusals"))
    assert {"SURVEILLANCE-4"} == {clause for clause in after if after[clause] != before[clause]}
    assert 1 == after["SURVEILLANCE-4"] - before["SURVEILLANCE-4"]
    assert OPERATOR not in json.dumps(after)


ASKED_WRONGLY: dict[str, tuple[list[str], str]] = {
    "consents by clause": (["consents", "--by", "clause"], "consents are counted by ground, purpose, week, client,"),
    "refusals by week": (["refusals", "--by", "week"], "refusals are counted by clause, not by week"),
    "a day that is none": (["decisions", "--from", "yesterday"], "from must be a day such as"),
    "a time that ends first": (["decisions", "--from", "2026-11-23", "--to", "2026-11-22"], "from must be before to"),
    "more than five years": (["decisions", "--from", "2015-01-01", "--to", "2026-01-01"], "at most five years"),
}


@pytest.mark.parametrize(("command", "named"), ASKED_WRONGLY.values(), ids=ASKED_WRONGLY.keys())
def test_what_cannot_be_counted_is_said(command: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == main(["report", *command])
    assert named in refusal(capsys)


@pytest.mark.parametrize("kind", ["users", "posts", "followers", "clients"])
def test_there_is_no_report_of_the_platform(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["report", kind])
    assert "invalid choice" in capsys.readouterr().err
