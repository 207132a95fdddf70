"""The words that are screened for: whole, in both languages, and not taken from the statements they are scored on."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.core.screening import CATEGORIES, SENSITIVE
from broker.errors import PolicyDefect
from broker.policies import SHIPPED, load_screen

DOCUMENT = SHIPPED / "screening.toml"
CORE = Path(__file__).parents[1] / "core"
#: So many words in a row are a quotation, but for turns of phrase that anybody writes.
QUOTE = 4
IDIOMS = {("rund", "um", "die", "uhr"), ("how", "many", "of", "our")}


def runs(text: str) -> Iterator[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return (tuple(words[at : at + QUOTE]) for at in range(len(words) - QUOTE + 1))


def entries(node: object) -> Iterator[str]:
    """Every string of a document."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        yield from (entry for each in node.values() for entry in entries(each))
    elif isinstance(node, list):
        yield from (entry for each in node for entry in entries(each))


def quoted(document: object) -> set[tuple[str, ...]]:
    """The runs of words that a document shares with the statements and sources that the screen is scored on."""
    exam = {
        run
        for name, key in (("screening_corpus.toml", "text"), ("screening_sources.toml", "url"))
        for case in tomllib.loads((CORE / name).read_text(encoding="utf-8"))["case"]
        for run in runs(case[key])
    }
    return (exam - IDIOMS) & {run for entry in entries(document) for run in runs(entry)}


def test_no_statement_of_the_exam_is_quoted_in_the_vocabulary() -> None:
    # A count and no words: whoever reads the failure writes the vocabulary, and is not to see the exam.
    shared = len(quoted(tomllib.loads(DOCUMENT.read_text(encoding="utf-8"))))
    assert 0 == shared


def test_a_statement_that_is_quoted_would_be_seen() -> None:
    case = tomllib.loads((CORE / "screening_corpus.toml").read_text(encoding="utf-8"))["case"][-1]
    assert quoted({"health": {"en": {"phrases": [case["text"]]}}})


@pytest.mark.parametrize("tongue", ["en", "de"])
@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_has_words_in_both_languages(category: str, tongue: str) -> None:
    lists = tomllib.loads(DOCUMENT.read_text(encoding="utf-8"))[category][tongue]
    assert len(lists["topics"]) >= 20
    assert lists.get("phrases") or lists["names"]
    assert lists["benign"]


@pytest.mark.parametrize("category", SENSITIVE)
def test_every_sensitive_category_has_words_for_addresses(category: str) -> None:
    assert tomllib.loads(DOCUMENT.read_text(encoding="utf-8"))[category]["sources"]["reveals"]


DEFECTS = {
    "a category without German": ("[health.de]", "[health.german]"),
    "a list that is not known": ("[denials]", "[denial]"),
    "a misspelt list": ("topics = [", "topic = ["),
    "a second alphabet of another length": ('to = "', 'to = "x'),
    "not TOML": ("[acts]", "[acts"),
}


@pytest.mark.parametrize(("sound", "broken"), DEFECTS.values(), ids=DEFECTS.keys())
def test_a_document_with_a_defect_is_refused(tmp_path: Path, sound: str, broken: str) -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert sound in document
    path = tmp_path / "screening.toml"
    path.write_text(document.replace(sound, broken, 1), encoding="utf-8")
    with pytest.raises(PolicyDefect, match=r"screening\.toml"):
        load_screen(path)
