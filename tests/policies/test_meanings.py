"""What the notice means is declared beside the terms, and read as strictly."""

import shutil
from pathlib import Path

import pytest

from broker.errors import PolicyDefect
from broker.policies import MEANINGS, SHIPPED, load_policies


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give an operator's copy of the documents."""
    copy = tmp_path / "terms"
    shutil.copytree(SHIPPED, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return copy


def test_what_an_operator_declares_holds(folder: Path) -> None:
    declared = folder / MEANINGS
    declared.write_text(declared.read_text().replace("newsletter = 1", "newsletter = 2"))
    meanings = load_policies(folder).meanings
    assert ("1.2", "1.1") == (meanings.of("newsletter", {}), meanings.of("customer-care", {}))


def test_a_folder_that_says_nothing_of_it_leaves_it_as_shipped(folder: Path) -> None:
    (folder / MEANINGS).unlink()
    assert load_policies().meanings == load_policies(folder).meanings


@pytest.mark.parametrize("text", ["notice = 1", "notice = ", "notice = 1\nnotice = 2"])
def test_what_cannot_be_read_is_refused_by_name(folder: Path, text: str) -> None:
    (folder / MEANINGS).write_text(text)
    with pytest.raises(PolicyDefect, match=MEANINGS):
        load_policies(folder)
