"""The button for a business's pages: one small file for everybody, held to its digest, that reaches for nothing."""

import gzip
import json
import re
import runpy
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import a_broker, a_pen
from flask.testing import FlaskClient
from harness.strangers import node

from broker.app import create_app
from broker.store.database import Database
from broker.web.embedding import WORDS, integrity, script
from broker.web.languages import FOLDER, Catalogs

ROOT = Path(__file__).parents[2]
CATALOGS = Catalogs(FOLDER)
FILE = script(CATALOGS.catalogs)
SCRIPT: dict[str, Any] = runpy.run_path(str(ROOT / "scripts" / "embed.py"))
SMALL = 6000
Rule = Callable[[str], Iterator[str]]


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """Give a way to ask the faces; no file needs a table."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('embedding') / 'broker.db'}", pen=a_pen())
    return create_app(a_broker(database)).test_client()


# --- how it is served


def test_any_page_may_take_it_in_and_hold_it_to_its_digest(http: FlaskClient) -> None:
    answer = http.get("/embed.js", headers={"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"})
    assert (200, "text/javascript; charset=utf-8", FILE) == (answer.status_code, answer.content_type, answer.text)
    assert ("cross-origin", "*") == (
        answer.headers["Cross-Origin-Resource-Policy"],
        answer.headers["Access-Control-Allow-Origin"],
    )
    assert ("nosniff", "no-referrer") == (answer.headers["X-Content-Type-Options"], answer.headers["Referrer-Policy"])


def test_it_is_the_same_for_everybody_and_asked_for_anew_only_when_it_changed(http: FlaskClient) -> None:
    answers = [http.get("/embed.js", headers={"Accept-Language": one, "Cookie": f"a={one}"}) for one in ("de", "en")]
    assert 1 == len({(answer.data, answer.headers["ETag"]) for answer in answers})
    assert "public, max-age=300, no-transform" == answers[0].headers["Cache-Control"]
    assert not {"Vary", "Set-Cookie"} & set(answers[0].headers.keys())
    again = http.get("/embed.js", headers={"If-None-Match": answers[0].headers["ETag"]})
    assert (304, b"", "*") == (again.status_code, again.data, again.headers["Access-Control-Allow-Origin"])


def test_no_other_answer_may_be_taken_in_by_a_foreign_page(http: FlaskClient) -> None:
    for path in ("/", "/static/broker.css", "/static/consent.js", "/verify", "/nowhere"):
        with http.get(path) as answer:
            headers = answer.headers
        assert "same-origin" == headers["Cross-Origin-Resource-Policy"], path
        assert "Access-Control-Allow-Origin" not in headers, path


# --- what is in it


def test_it_is_small() -> None:
    assert len(gzip.compress(FILE.encode(), 9)) < SMALL


def spoken(text: str) -> dict[str, dict[str, str]]:
    """Return the words that stand in the file."""
    written = re.search(r"const WORDS = (\{.*?\n\});", text, re.DOTALL)
    assert written is not None
    words: dict[str, dict[str, str]] = json.loads(written[1])
    return words


def test_it_speaks_every_language_of_the_pages() -> None:
    words = spoken(FILE)
    assert set(CATALOGS.languages) == words.keys()
    assert {"en", "de"} <= words.keys()
    for code, said in words.items():
        assert {*WORDS, "direction"} == said.keys()
        assert ("rtl" if code in {"ar", "fa", "he", "ur"} else "ltr") == said["direction"]
        assert all(said.values()), code
        assert [name for name, text in WORDS.items() if "%" in text] == [
            name for name, text in said.items() if "{platform}" in text
        ]
    assert "Ihr {platform}-Konto verknüpfen" == words["de"]["link"]


def test_every_word_is_used_and_no_other() -> None:
    used = set(re.findall(r'#words\("(\w+)"\)', FILE)) | {"linked", "refused"}
    assert set(WORDS) == used


def sinks(text: str) -> Iterator[str]:
    """What makes text into markup, style or program: a strict policy of the page would stop it."""
    yield from re.findall(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|\.style\b|cssText|"
        r"setAttribute\(\"style|createElement\(\"(?:style|script|iframe)|import\s*\(|setHTML",
        text,
    )


def reaches(text: str) -> Iterator[str]:
    """What asks somebody else for something, or tells them."""
    yield from re.findall(
        r"https?:|fetch\(|XMLHttpRequest|sendBeacon|WebSocket|EventSource|new Image|new Worker|@import|url\(|\bsrc\b",
        text,
    )


def keeps(text: str) -> Iterator[str]:
    """What is kept in the person's browser, or read out of it."""
    yield from re.findall(r"cookie|localStorage|sessionStorage|indexedDB|navigator\.|document\.referrer", text)


def clocks(text: str) -> Iterator[str]:
    """What waits by the clock: a window is not looked at again and again."""
    yield from re.findall(
        r"setTimeout|setInterval|requestAnimationFrame|requestIdleCallback|Date\b|performance\.", text
    )


def ties(text: str) -> Iterator[str]:
    """What needs the tie between two windows, or hands somebody a hold on the page."""
    code = re.sub(r"/\*\*.*?\*/|//[^\n]*", "", text, flags=re.DOTALL)
    yield from re.findall(r"opener(?! = null)|addEventListener\(\"message|window\.postMessage|::part|part=", code)


RULES: dict[str, Rule] = {
    "it needs no leave of a strict policy": sinks,
    "it asks nobody for anything": reaches,
    "it keeps nothing": keeps,
    "it waits by no clock": clocks,
    "it needs no tie between windows": ties,
}
FAULTS = {
    "markup": (sinks, "root.innerHTML = words"),
    "a style of its own": (sinks, "button.style.color = colour"),
    "a style element": (sinks, 'document.createElement("style")'),
    "a script of somebody else's": (sinks, 'document.createElement("script")'),
    "a font from elsewhere": (reaches, "@import 'fonts'"),
    "an address": (reaches, "const HOME = 'https://broker.example'"),
    "a count of visits": (reaches, "navigator.sendBeacon(where)"),
    "a note in the browser": (keeps, "localStorage.linked = true"),
    "a look at the browser": (keeps, "navigator.userAgent"),
    "a look twice a second": (clocks, "setInterval(() => popup.closed && done(), 500)"),
    "the opener": (ties, "window.opener.postMessage(outcome)"),
    "a message from anybody": (ties, 'addEventListener("message", take)'),
    "a part that the page may dress": (ties, "::part(button)"),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_the_file_keeps_the_rule(rule: Rule) -> None:
    assert [] == list(rule(FILE))


@pytest.mark.parametrize(("rule", "source"), FAULTS.values(), ids=FAULTS.keys())
def test_a_rule_finds_the_fault_it_is_made_for(rule: Rule, source: str) -> None:
    assert list(rule(source))


def test_the_page_chooses_a_colour_and_a_radius_and_nothing_else() -> None:
    assert {"--consent-link-color", "--consent-link-radius"} == set(re.findall(r"var\((--consent-link-[\w-]+)", FILE))


#: As much of a page as the way from an answer to the next page takes; it prints where that leads.
_PAGE = """
const [file, origin, base, next] = process.argv.slice(1);
class HTMLElement {
  attachShadow() { return {append() {}}; }
  getAttribute(name) { return {next}[name] ?? null; }
  hasAttribute(name) { return ["next", "popup"].includes(name); }
  querySelector() { return {localName: "a", href: "https://shop.example/start", click() {}}; }
  closest() { return {lang: "en"}; }
  dispatchEvent() { return true; }
}
const part = () => ({append() {}, setAttribute() {}, addEventListener(_, press) { globalThis.press ??= press; }});
let id, channel;
Object.assign(globalThis, {
  HTMLElement,
  CSSStyleSheet: class { replaceSync() {} },
  BroadcastChannel: class { constructor() { channel = this; } postMessage() {} close() {} },
  customElements: {get() {}, define(_, it) { const one = new it(); one.connectedCallback(); }},
  document: {createElement: part, addEventListener() {}, documentElement: {lang: "en"}, baseURI: base},
  addEventListener() {},
  open: () => ({closed: false, location: {replace(to) { id = to.searchParams.get("popup"); }}}),
  location: {origin, assign: (to) => console.log(String(to))},
});
(0, eval)(file);
press();
channel.onmessage({data: {popup: id, outcome: "linked"}});
"""


@pytest.mark.parametrize(
    ("origin", "base", "following", "expected"),
    [
        ("https://shop.example", "https://shop.example/a", "/b", "https://shop.example/b"),
        ("https://shop.example", "https://shop.example/a", "http://shop.example/b", ""),
        ("https://shop.example", "https://shop.example/a", "javascript:alert(1)", ""),
        ("null", "https://shop.example/a", "javascript:alert(1)", ""),
        ("null", "https://shop.example/a", "data:text/html,a", ""),
    ],
)
def test_it_leads_on_to_pages_and_to_no_script_not_even_of_a_page_without_an_origin(
    origin: str, base: str, following: str, expected: str
) -> None:
    said = subprocess.run(
        [node(), "-e", _PAGE, "--", FILE, origin, base, following], capture_output=True, text=True, check=False
    )
    assert ("", expected) == (said.stderr, said.stdout.strip())


# --- where its digest stands


@pytest.mark.parametrize("place", SCRIPT["PLACES"], ids=lambda path: path.name)
def test_the_digest_is_the_one_that_is_written_down(place: Path) -> None:
    """When this is red: run scripts/embed."""
    assert {integrity(FILE)} == set(SCRIPT["DIGEST"].findall(place.read_text("utf-8")))
    assert SCRIPT["digest"]() == integrity(FILE)
