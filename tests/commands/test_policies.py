"""``broker policy check``: what a document says, how it differs, and what it would change for consents on record."""

from pathlib import Path

import pytest
from builders import an_account, consented, registered
from desk import refusal, settle

from broker.actions.broker import Broker
from broker.cli import main
from broker.core.policy import LIMITS
from broker.policies import SHIPPED, load_policy

TERMS = SHIPPED / "x-developer-terms.toml"
IN_FORCE = load_policy(TERMS)
CONSENT = 'when = { act = ["match"], consent-status = ["given"], consent-covers-purpose = true,'
#: The clause permits newsletters, and nothing else.
CLOSED = f'{CONSENT} purpose = ["newsletter"],'
MATCH_2 = (
    "MATCH-2: permits, on consent, match where the consent is given and the consent covers the purpose"
    "{} and the association is on record and the account has not vanished from the platform"
)
VERSION = f'version = "{IN_FORCE.ref.version}"'


def copy(folder: Path, *changes: tuple[str, str]) -> str:
    """Write a copy of the shipped document in which one text stands for another, and return its path."""
    text = TERMS.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file = folder / "terms.toml"
    file.write_text(text)
    return str(file)


def said(file: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what the check of a document prints."""
    capsys.readouterr()
    assert main(["policy", "check", file]) == 0
    return capsys.readouterr().out


def test_every_clause_is_explained_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(str(TERMS), capsys)
    ref = IN_FORCE.ref
    assert f"({ref.id}, version {ref.version}, {ref.digest})" in text.splitlines()[0]
    plain = " ".join(text.split())
    for clause in IN_FORCE.clauses:
        assert f"{clause.id} {clause.says} {'permits' if clause.basis else 'forbids'}" in plain
    assert "permits, on consent, match where the consent is given and the consent covers the purpose" in plain
    assert all(f"{name} = {IN_FORCE.limits[name]}" in plain for names in LIMITS.values() for name in names)


def test_no_line_is_wider_than_a_terminal_that_people_have(capsys: pytest.CaptureFixture[str]) -> None:
    _title, *lines = said(str(TERMS), capsys).splitlines()
    assert 100 >= max(map(len, lines))


def test_the_document_in_force_is_known_as_that(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(str(TERMS), capsys).endswith("\nThis is the document in force.\n")


def test_a_document_that_only_words_itself_otherwise_decides_nothing_differently(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "  no clause decides differently\n" in said(copy(tmp_path, ("# Counting.", "# Of counting.")), capsys)


CHANGES: dict[str, tuple[tuple[str, str], list[str]]] = {
    "a limit": (("report-cohort = 20", "report-cohort = 50"), ["~ report-cohort: 20 becomes 50"]),
    "words": (("No recognising of faces.", "Not by face."), ["~ SURVEILLANCE-7: now says 'Not by face.'"] * 2),
    "a condition": (
        (CONSENT, CLOSED),
        [f"- {MATCH_2.format('')}", f"+ {MATCH_2.format(' and the purpose is newsletter')}"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "lines"), CHANGES.values(), ids=CHANGES.keys())
def test_a_change_is_shown_against_the_document_in_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], lines: list[str]
) -> None:
    text = said(copy(tmp_path, change), capsys)
    assert f"Against the document in force ({IN_FORCE.ref.id}, version {IN_FORCE.ref.version}):" in text
    assert [f"  {line}" for line in lines] == [line for line in text.splitlines() if line[2:3] in {"+", "-", "~"}]


def test_a_changed_document_is_asked_for_a_version_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hint = f"The version is still {IN_FORCE.ref.version}: give the changed document a new one."
    assert hint in said(copy(tmp_path, (CONSENT, CLOSED)), capsys)
    assert hint not in said(copy(tmp_path, (CONSENT, CLOSED), (VERSION, 'version = "99"')), capsys)


def test_what_would_change_for_consents_on_record_is_counted(
    broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = registered(broker, client_name="Fabrikam Bikes")
    for number in range(3):
        consented(broker, shop, an_account(str(7000 + number), f"rider_{number}"), "customer-care")
    before = said(copy(tmp_path, ("# Counting.", "# Of counting.")), capsys)
    assert "Consents on record: 3 live. Of these, none would be answered otherwise." in before
    after = said(copy(tmp_path, (CONSENT, CLOSED)), capsys)
    assert "  3 of Fabrikam Bikes would be refused for customer-care [MATCH-2]\n" in after
    assert before.split("Consents")[0] != after


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"DATABASE_URL": "sqlite:////nowhere/at/all/broker.db"}, "the database does not answer"),
        ({"KEYS_DIR": "nowhere"}, "cannot be read"),
        ({"ISSUER": "http://consent.example"}, "must be https"),
    ],
)
def test_a_document_is_checked_without_a_broker_too(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    changes: dict[str, str], *, why: str,
) -> None:  # fmt: skip
    """It says what it cannot say, and why."""
    monkeypatch.chdir(tmp_path)
    settle(home, monkeypatch, **changes)
    text = said(copy(tmp_path, (CONSENT, CLOSED)), capsys)
    assert "- MATCH-2: permits" in text
    assert "What it would change for the consents on record cannot be said here: " in text
    assert why in text.splitlines()[-1]


def test_a_document_for_a_platform_without_one_has_nothing_to_be_held_against(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(copy(tmp_path, ('platform = "x"', 'platform = "bluesky"')), capsys)
    assert "No document for 'bluesky' is in force" in text.splitlines()[-1]


DEFECTS: dict[str, tuple[tuple[str, str], str]] = {
    "a condition that nobody knows": ((CONSENT, CONSENT.replace("consent-status", "consent-state")), "consent-state"),
    "no act": ((CONSENT, "when = {"), "MATCH-2 does not say what it is about"),
    "an empty when": (
        (f"{CONSENT} association-recorded = true, account-gone = false }}", "when = {}"),
        "MATCH-2 has an empty when",
    ),
    "a limit that is missing": (("report-cohort = 20", ""), "must give report-cohort"),
    "a limit that nobody knows": (("report-cohort = 20", "report-crowd = 20"), "unknown key 'report-crowd'"),
    "no TOML": (("[limits]", "[limits"), "terms.toml is not TOML"),
}


@pytest.mark.parametrize(("change", "named"), DEFECTS.values(), ids=DEFECTS.keys())
def test_a_document_with_a_defect_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], named: str
) -> None:
    assert 1 == main(["policy", "check", copy(tmp_path, change)])
    assert named in refusal(capsys)


def test_the_differences_are_from_the_folder_of_policies_in_force(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own").mkdir()
    own = tmp_path / "own" / "x-developer-terms.toml"
    own.write_text(TERMS.read_text().replace("report-cohort = 20", "report-cohort = 30"))
    settle(home, monkeypatch, POLICIES_DIR=str(own.parent))
    assert "~ report-cohort: 30 becomes 20" in said(str(TERMS), capsys)
    assert "This is the document in force." in said(str(own), capsys)
