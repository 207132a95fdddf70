"""Every page in every language: each sentence has its translation, and no translation says more or less."""

import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from flask import Flask
from flask_babel import force_locale, gettext

from broker.web.languages import FOLDER, SOURCE, Catalogs, direction, language, prefer, speak

ROOT = Path(__file__).parents[2]
SCRIPT: dict[str, Any] = runpy.run_path(str(ROOT / "scripts" / "translations.py"))
SENTENCES = list(SCRIPT["sentences"]())
LANGUAGES = sorted((ROOT / "broker" / "web" / "translations").glob("*.po"))
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%?")
#: A value with its sign between a first-strong isolate and its end (Unicode UAX 9): it keeps its own direction.
ISOLATED = re.compile(r"\u2068(@?%\(\w+\)s)\u2069")


def catalog(path: Path) -> Catalog:
    """Read a language."""
    with path.open("rb") as file:
        return read_po(file, locale=path.stem)


def untranslated(known: Catalog, sentences: list[str]) -> list[str]:
    """Name the sentences that a page would show in the source's language."""
    found = {sentence: known.get(sentence) for sentence in sentences}
    return [sentence for sentence, entry in found.items() if entry is None or not entry.string or entry.fuzzy]


def other_placeholders(known: Catalog) -> list[str]:
    """Name the sentences whose translation fills in other values than they do, or leaves one out."""
    return [
        str(entry.id)
        for entry in known
        if entry.id and sorted(PLACEHOLDER.findall(str(entry.id))) != sorted(PLACEHOLDER.findall(str(entry.string)))
    ]


@pytest.fixture(params=LANGUAGES, ids=[path.stem for path in LANGUAGES])
def known(request: pytest.FixtureRequest) -> Catalog:
    """Give each language."""
    return catalog(request.param)


def test_there_are_sentences_and_german_is_a_language() -> None:
    assert "de" in {path.stem for path in LANGUAGES}
    assert {"Allow", "Don't allow", "Withdraw"} <= set(SENTENCES)


def test_every_sentence_is_translated(known: Catalog) -> None:
    assert [] == untranslated(known, SENTENCES)


def test_no_translation_is_left_of_a_sentence_that_is_gone(known: Catalog) -> None:
    assert [] == [entry.id for entry in known if entry.id and entry.id not in SENTENCES]
    assert {} == known.obsolete


def test_every_translation_fills_in_the_same_values(known: Catalog) -> None:
    assert [] == other_placeholders(known)


def test_every_translation_ends_as_its_sentence_does(known: Catalog) -> None:
    """A full stop, a colon, a question mark: what is missing at the end is missing in the sense."""
    ends = re.compile(r"[.:?!…]?$")
    assert [] == [
        entry.id
        for entry in known
        if entry.id and ends.findall(str(entry.id))[0] != ends.findall(str(entry.string).replace("؟", "?"))[0]
    ]


def exposed(known: Catalog) -> list[str]:
    """Name the sentences in which a value could turn round what stands beside it, or be turned."""
    return [str(entry.id) for entry in known if entry.id and PLACEHOLDER.search(ISOLATED.sub("", str(entry.string)))]


def test_in_a_language_written_from_the_right_every_value_keeps_its_own_direction(app: Flask, known: Catalog) -> None:
    with app.test_request_context(), force_locale(str(known.locale)):
        written = direction()
    if written == "rtl":
        assert [] == exposed(known)
        known["Sign in at %(platform)s"].string = "%(platform)s"
        assert ["Sign in at %(platform)s"] == exposed(known)


def test_one_language_is_written_from_the_right(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "ar-EG"}):
        assert ("ar", "rtl", "السماح") == (language(), direction(), gettext("Allow"))


def test_every_language_is_one(known: Catalog) -> None:
    assert known.locale == Locale.parse(str(known.locale))
    assert SOURCE != str(known.locale)


def test_a_missing_translation_would_be_noticed(known: Catalog) -> None:
    assert ["A new sentence."] == untranslated(known, [*SENTENCES, "A new sentence."])
    known["Allow"].string = ""
    known["Withdraw"].flags.add("fuzzy")
    assert ["Allow", "Withdraw"] == sorted(untranslated(known, SENTENCES))


@pytest.mark.parametrize("wrong", ["Sie sind @%(name)s.", "Sie sind @.", "Sie sind @%(handle)s, %(handle)s."])
def test_a_wrong_placeholder_would_be_noticed(wrong: str) -> None:
    known = Catalog(locale="de")
    known.add("You are @%(handle)s.", "Sie sind @%(handle)s.")
    assert [] == other_placeholders(known)
    known["You are @%(handle)s."].string = wrong
    assert ["You are @%(handle)s."] == other_placeholders(known)


@pytest.fixture
def app() -> Iterator[Flask]:
    """Give an application that speaks and does nothing else."""
    app = Flask(__name__)
    speak(app)
    yield app
    app.extensions.clear()


CHOSEN: dict[str, tuple[str, dict[str, str], str | None, str]] = {
    "nothing said": ("/", {}, None, "en"),
    "the browser's language": ("/", {"Accept-Language": "de"}, None, "de"),
    "the browser's language of a country": ("/", {"Accept-Language": "de-AT"}, None, "de"),
    "the browser's first language that we speak": ("/", {"Accept-Language": "fr, de;q=0.8, en;q=0.5"}, None, "de"),
    "a browser whose languages we do not speak": ("/", {"Accept-Language": "fr"}, None, "en"),
    "a browser that says nonsense": ("/", {"Accept-Language": "*;;q=x, \u00e9"}, None, "en"),
    "the request's language before the browser's": ("/", {"Accept-Language": "en"}, "de", "de"),
    "the request's language of a country": ("/", {}, "de-CH", "de"),
    "the request's language in capitals": ("/", {}, "DE", "de"),
    "a request in a language that we do not speak": ("/", {"Accept-Language": "de"}, "fr", "de"),
    "the page's own choice before all": ("/?lang=en", {"Accept-Language": "de"}, "de", "en"),
    "a page's choice that we do not speak": ("/?lang=../de", {}, None, "en"),
}


@pytest.mark.parametrize(("url", "headers", "locale", "expected"), CHOSEN.values(), ids=CHOSEN.keys())
def test_a_page_speaks_the_persons_language(
    app: Flask, url: str, headers: dict[str, str], locale: str | None, expected: str
) -> None:
    with app.test_request_context(url, headers=headers):
        prefer(locale)
        assert (expected, "ltr") == (language(), direction())
        assert {"en": "Allow", "de": "Erlauben"}[expected] == gettext("Allow")


@pytest.mark.parametrize(("tag", "expected"), [("ar", "rtl"), ("he", "rtl"), ("fa-IR", "rtl"), ("de-AT", "ltr")])
def test_a_language_has_a_direction(app: Flask, tag: str, expected: str) -> None:
    with app.test_request_context(), force_locale(tag.replace("-", "_")):
        assert (tag, expected) == (language(), direction())


def test_a_language_without_a_sentence_shows_the_sources(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "de"}):
        assert "A new sentence." == gettext("A new sentence.")


def test_a_third_language_is_a_file(tmp_path: Path) -> None:
    for path in FOLDER.glob("*.po"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "fr.po").write_text('msgid ""\nmsgstr "Language: fr\\n"\n\nmsgid "Allow"\nmsgstr "Autoriser"\n')
    catalogs = Catalogs(tmp_path)
    assert ["en", "ar", "de", "fr"] == catalogs.languages
    assert "Autoriser" == catalogs.catalogs["fr"].gettext("Allow")
