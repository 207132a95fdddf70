"""The page that checks evidence: put together from its parts, in every language, under a policy of its own."""

import json
import re
import runpy
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from builders import a_broker, a_pen
from flask.testing import FlaskClient

from broker.app import create_app
from broker.store.database import Database

ROOT = Path(__file__).parents[2]
PARTS = ROOT / "broker" / "web" / "verifier"
SCRIPT: dict[str, Any] = runpy.run_path(str(ROOT / "scripts" / "verifier.py"))
PAGE = (ROOT / "broker" / "web" / "static" / "verify.html").read_text("utf-8")
LANGUAGES: dict[str, dict[str, str]] = SCRIPT["languages"]()
#: What a module says, and what stands on the page from the beginning.
_SAID = re.compile(r'\b(?:say|told|Failed|Lacking)\(\s*("(?:[^"\\]|\\.)*")')
_STANDING = re.compile(r"<[^>]*\bdata-say\b[^>]*>([^<]+)<")
_PLACE = re.compile(r"\{\w+\}")


def sentences() -> Iterator[str]:
    """Yield every sentence of the page."""
    for path in sorted(PARTS.glob("*.js")):
        yield from (json.loads(said) for said in _SAID.findall(path.read_text("utf-8")))
    yield from _STANDING.findall((PARTS / "verify.html").read_text("utf-8"))


def test_the_page_is_the_one_of_its_parts() -> None:
    """When this is red: run scripts/verifier."""
    assert SCRIPT["page"]() == PAGE


def test_every_part_is_on_the_page() -> None:
    assert {path.stem for path in PARTS.glob("*.js")} == set(SCRIPT["MODULES"])
    assert [] == re.findall(r"^\s*(?:import|export)\b", PAGE, re.MULTILINE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_has_its_translation_and_no_other(language: str) -> None:
    known = LANGUAGES[language]
    assert set(sentences()) == known.keys()
    assert [] == [said for said, it in known.items() if not it or set(_PLACE.findall(said)) != set(_PLACE.findall(it))]


def test_german_is_a_language_and_there_are_sentences() -> None:
    assert "de" in LANGUAGES
    assert {"Check", "Valid, and in the log.", "the proof leads to another root"} <= set(sentences())


def test_the_page_loads_nothing_and_runs_only_what_it_holds() -> None:
    for tag in ("script", "style"):
        (content,) = re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", PAGE, re.DOTALL)
        digest = b64encode(sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in PAGE
    assert [] == re.findall(r"""(?:src|href|action)\s*=\s*["']?(?!data:|/verify)[^"'\s>]+|@import|url\(""", PAGE)


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """Give a way to ask the faces; no page here needs a table."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('verifying') / 'broker.db'}", pen=a_pen())
    return create_app(a_broker(database)).test_client()


def test_the_broker_serves_the_page_as_it_is_saved(http: FlaskClient) -> None:
    answer = http.get("/verify")
    assert (200, "text/html; charset=utf-8", PAGE) == (answer.status_code, answer.content_type, answer.text)
    assert "public, max-age=300" == answer.headers["Cache-Control"]
    assert 304 == http.get("/verify", headers={"If-None-Match": answer.headers["ETag"]}).status_code


def test_the_page_has_its_own_policy_and_the_headers_of_all(http: FlaskClient) -> None:
    headers = http.get("/verify").headers
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', PAGE)
    assert f"{policy}; frame-ancestors 'none'" == headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert [] == [word for word in ("unsafe", "*", "http:", "https:", "blob:") if word in policy]
    assert ("DENY", "nosniff") == (headers["X-Frame-Options"], headers["X-Content-Type-Options"])


def test_every_other_page_keeps_the_policy_of_all(http: FlaskClient) -> None:
    assert "script-src 'self'; " in http.get("/").headers["Content-Security-Policy"]
