"""What the documents point at is there: files, headings, commands, tables of the database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.cli import main
from broker.store.columns import metadata

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()


def headings(text: str) -> set[str]:
    """Return the anchors of a document's headings, as they are made of their words."""
    found = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_to_a_file_and_a_heading_of_it(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", document.read_text()):
        name, _, heading = target.partition("#")
        file = (document.parent / name).resolve() if name else document
        assert file.exists(), target
        assert not heading or heading in headings(file.read_text()), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_and_script_that_is_named_is_there(document: Path) -> None:
    folder = "tests"
    for named in re.findall(r"`((?:tests|scripts|broker|schemas)/[\w./-]+|test_\w+\.py)`", document.read_text()):
        folder = named.rpartition("/")[0] or folder
        assert (ROOT / (named if "/" in named else f"{folder}/{named}")).exists(), named


def commands() -> Iterator[str]:
    """Every command of the table; ``broker keys list`` is followed by others of the same group."""
    for row in re.findall(r"^\| (`broker [^|]*`) \|", OPERATIONS, re.MULTILINE):
        first, *others = re.findall(r"`([^`]*)`", row)
        words = re.findall(r"(?<= )[a-z]+(?= |$)", first.partition(" --")[0])
        yield " ".join(words)
        whole = (other.removeprefix("broker ") for other in others if other.startswith("broker "))
        yield from (*whole, *(" ".join([*words[:-1], other]) for other in others if not other.startswith("broker ")))


@pytest.mark.parametrize("command", list(commands()))
def test_every_command_of_the_table_is_one(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([*command.split(), "--help"])
    assert capsys.readouterr().out.startswith(f"usage: broker {command} ")


def test_every_command_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    there = re.findall(r"^    ([a-z]+)\b", capsys.readouterr().out.partition("COMMAND\n")[2], re.MULTILINE)
    assert {"serve", "keys", "audit"} <= set(there)
    assert [] == [name for name in there if f"`broker {name}" not in OPERATIONS]


def test_every_document_that_the_code_points_at_is_there() -> None:
    for file in (ROOT / ".env.example", *(ROOT / "broker").rglob("*.py")):
        for named in re.findall(r"\bdocs/[\w-]+\.md", file.read_text()):
            assert (ROOT / named).exists(), f"{file}: {named}"


def test_every_store_that_is_named_is_a_table() -> None:
    stores = OPERATIONS.split("## What each store is trusted with")[1].split("\n## ")[0]
    named = {name for group in re.findall(r"\((`\w+`(?:, `\w+`)*)\)", stores) for name in re.findall(r"\w+", group)}
    assert {"grounds", "objections", "rulings"} <= named <= metadata.tables.keys()
