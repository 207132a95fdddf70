"""Somebody checks a file on the page: by hand, by keyboard, in two languages, from disk and from a broker."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from builders import a_broker, a_pen
from flask.testing import FlaskClient
from harness.verifier import ADDRESS, verifier_page
from journeys.keyboard import Keyboard
from journeys.look import SCHEMES, WINDOWS, Look, look_at
from journeys.verifying import (
    BUNDLE,
    KEY_SET,
    LOG_KEYS,
    RECEIPT,
    STANDS,
    choose,
    drop,
    opened_anew,
    paste,
    verdict,
)
from playwright.sync_api import Browser, Page, Route, expect
from vectors.make import FOLDER, STATEMENT_TYP, changed, evidence_of, jws, lie, sd_jwt, stated

from broker.app import create_app
from broker.store.database import Database

STATEMENT, FORGED = FOLDER / "statement-given.sd-jwt", FOLDER / "receipt-claims-changed.sd-jwt"


@pytest.fixture(scope="module")
def desk(chromium: Browser) -> Iterator[Page]:
    """Give the page, from disk and offline; whatever it asked for or complained of is kept."""
    with verifier_page(chromium) as verifier:
        yield verifier.page


@pytest.fixture
def page(desk: Page) -> Iterator[Page]:
    """Give the page as it was opened; it must neither ask for anything nor complain."""
    with opened_anew(desk) as page:
        yield page


def test_files_that_are_chosen_together_go_where_they_belong(page: Page) -> None:
    assert choose(page, KEY_SET, BUNDLE, LOG_KEYS).startswith("Valid, and in the log.")
    assert ["2 keys read.", "2 keys read."] == page.locator("#jwks-note, #vkeys-note").all_inner_texts()
    assert 8 == page.locator(".checks .held").count()


def test_a_file_may_be_dropped_anywhere(page: Page) -> None:
    drop(page, "#drop", LOG_KEYS, BUNDLE, KEY_SET)
    assert verdict(page).startswith("Valid, and in the log.")
    drop(page, "h1", FORGED)
    expect(page.get_by_role("status")).to_contain_text("Not valid: step 4 (signature) failed.")
    assert ADDRESS == page.url


def test_keys_are_brought_first_or_last(page: Page) -> None:
    page.locator("#jwks-choice").set_input_files(KEY_SET)
    expect(page.locator("#jwks-note")).to_have_text("2 keys read.")
    assert "Nothing has been checked yet." == page.get_by_role("status").inner_text()
    assert choose(page, RECEIPT).startswith("Valid.\n")
    assert choose(page, BUNDLE).startswith("Valid.\n")
    page.locator("#vkeys-choice").set_input_files(LOG_KEYS)
    expect(page.get_by_role("status")).to_contain_text("Valid, and in the log.")


def test_without_keys_of_ones_own_nothing_is_anchored(page: Page) -> None:
    assert choose(page, BUNDLE).startswith("Consistent, not anchored.")
    assert ["key", "signature", "checkpoint"] == page.locator(".unmade .name").all_inner_texts()
    assert page.get_by_text("What this proves").count() == 0
    page.get_by_text("Keys that came with the file").click()
    expect(page.get_by_text("these were not used")).to_be_visible()


def test_a_failed_verdict_names_the_step_and_shows_nothing_of_the_file(page: Page) -> None:
    said = choose(page, KEY_SET, FORGED)
    assert said.startswith("Not valid: step 4 (signature) failed.")
    assert "Rely on nothing in this file." in said
    assert (3, 1) == (page.locator(".held").count(), page.locator(".failed").count())
    assert "Northwind" not in page.locator("main").inner_text()


def test_the_page_says_what_was_proved_and_what_was_not(page: Page) -> None:
    choose(page, KEY_SET, LOG_KEYS, BUNDLE)
    said = page.locator("#report").inner_text()
    for sentence in (
        "consent was given to Northwind, for: Customer care, Newsletter",
        "The log consent.example/log holds it as leaf 7 of 21.",
        "Whether the keys are the broker's",
        "Whether the consent still stands",
        "@jane, 2244994945",
        "You are @jane.",
    ):
        assert sentence in said
    choose(page, STATEMENT)
    expect(page.locator("#report")).to_contain_text("Northwind stated that the person gave it this account")
    expect(page.locator("#report")).to_contain_text("Whether what the business stated is true")


def test_a_verdict_goes_when_the_file_does(page: Page) -> None:
    choose(page, KEY_SET, RECEIPT)
    page.locator("#evidence-text").press_sequentially("x")
    assert "Nothing has been checked yet." == page.get_by_role("status").inner_text()
    assert ("", "") == (page.locator("#report").inner_text(), page.locator("#evidence-choice").input_value())


def test_the_keyboard_is_enough(page: Page) -> None:
    hands = Keyboard(page)
    for box, path in (("evidence", BUNDLE), ("jwks", KEY_SET), ("vkeys", LOG_KEYS)):
        hands.to(page.locator(f"#{box}-text"))
        page.keyboard.insert_text(path.read_text())
    hands.press(page.get_by_role("button", name="Check"))
    assert verdict(page).startswith("Valid, and in the log.")
    hands.press(page.get_by_text("All that was signed"))
    expect(page.locator("pre").first).to_be_visible()


def test_the_language_is_chosen_and_the_verdict_stays(page: Page) -> None:
    choose(page, KEY_SET, FORGED)
    page.get_by_role("button", name="Deutsch").click()
    expect(page.get_by_role("status")).to_contain_text("Nicht gültig: Schritt 4 (signature) ist gescheitert.")
    assert ("de", "Einen Beleg prüfen") == (page.locator("html").get_attribute("lang"), page.title())
    assert "true" == page.get_by_role("button", name="Deutsch").get_attribute("aria-pressed")


@pytest.mark.parametrize(("locale", "heading"), [("de-AT", "Ergebnis"), ("fr-FR", "Result")])
def test_the_page_speaks_the_browsers_language(chromium: Browser, locale: str, heading: str) -> None:
    with verifier_page(chromium, locale=locale) as verifier:
        assert heading == verifier.page.locator("#result-title").inner_text()


@pytest.mark.parametrize(
    ("keys", "why"),
    [("{", "not JSON"), ('{"keys": [], "keys": []}', "stands twice"), ("\x00", "not JSON")],
)
def test_keys_that_cannot_be_read_are_named(page: Page, keys: str, why: str) -> None:
    page.locator("#jwks-text").fill(keys)
    expect(page.locator("#jwks-note")).to_contain_text("These are no keys")
    page.locator("#evidence-text").fill(RECEIPT.read_text())
    page.get_by_role("button", name="Check").click()
    said = verdict(page)
    assert "Nothing was checked: your keys cannot be read: " in said
    assert why in said


def test_what_is_no_file_is_said_to_be_none(page: Page, tmp_path: Path) -> None:
    page.get_by_role("button", name="Check").click()
    assert "Nothing was checked: there is no file yet." == verdict(page)
    film = tmp_path / "film.mp4"
    film.write_bytes(bytes(3 * 1024 * 1024))
    assert "film.mp4 is too large to be a receipt" in choose(page, film)


def test_what_stands_in_a_file_is_text_and_turns_nothing_round(page: Page) -> None:
    """A business may bear any name; its receipt holds, and the page shows the name as it is."""
    name = '<img src=x onerror="document.title=1">\u202e"; [valid](javascript:1)\u0007'
    assert paste(page, lie(lambda it: it["record"]["parties"][0].update(name=name))).startswith("Valid.")
    shown = page.locator(".facts").inner_text()
    assert '<img src=x onerror="document.title=1">\ufffd"; [valid](javascript:1)\ufffd' in shown
    assert ("Check a receipt", 0) == (page.title(), page.locator("main img").count())


def test_in_arabic_the_page_is_written_from_the_right_and_values_keep_their_own_direction(page: Page) -> None:
    page.locator("button[lang=ar]").click()
    assert choose(page, KEY_SET, LOG_KEYS, BUNDLE).startswith("صالح، وموجود في السجل العلني.")
    assert ("ar", "rtl") == tuple(page.evaluate("[document.documentElement.lang, document.documentElement.dir]"))
    said = page.locator("#report").inner_text()
    assert "لصالح \u2068Northwind\u2069" in said
    assert "\ufffd" not in said
    page.locator("button[lang=en]").click()
    assert "ltr" == page.evaluate("document.documentElement.dir")


@pytest.mark.parametrize("turning", ["North\u2069wind", "\u2068Northwind", "\u2069\u2068", "\u2067Northwind\u2069"])
def test_a_name_cannot_end_the_isolate_that_it_stands_in(page: Page, turning: str) -> None:
    page.locator("button[lang=ar]").click()
    page.locator("#jwks-text").fill(KEY_SET.read_text())
    page.locator("#evidence-text").fill(lie(lambda it: it["record"]["parties"][0].update(name=turning)))
    page.locator("#desk > button").click()
    assert verdict(page).startswith("صالح.")
    assert "\ufffd" in page.locator(".sentences").first.inner_text()


@pytest.mark.parametrize("time", [2**53, -(2**53)])
def test_a_time_beyond_all_calendars_breaks_nothing(page: Page, time: int) -> None:
    shown = evidence_of("jane")
    claims = changed(lambda it: it.update(iat=time), of=stated(*shown))
    assert paste(page, sd_jwt(jws(claims, typ=STATEMENT_TYP), *shown)).startswith("Valid.")
    expect(page.locator(".facts")).to_contain_text("a time beyond all calendars")


# --- served by a broker --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """Give the broker's own answers."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('verifier') / 'broker.db'}", pen=a_pen())
    return create_app(a_broker(database)).test_client()


@contextmanager
def serving(chromium: Browser, http: FlaskClient, **options: object) -> Iterator[Callable[[str], Page]]:
    """Serve the page, with its headers, from an origin of one's choice, and the vectors' keys beside it."""
    context = chromium.new_context(**{"locale": "en-GB", **options})
    keys = {"/.well-known/jwks.json": KEY_SET.read_text(), "/log/vkeys": LOG_KEYS.read_text()}

    def answer(route: Route) -> None:
        path = "/" + route.request.url.split("/", 3)[3].partition("?")[0]
        if path in keys:
            route.fulfill(body=keys[path])
        else:
            found = http.get(path)
            route.fulfill(status=found.status_code, headers=dict(found.headers), body=found.data)

    context.route("**/*", answer)

    def open_at(address: str) -> Page:
        page = context.new_page()
        page.goto(address)
        return page

    yield open_at
    context.close()


@pytest.fixture
def served(chromium: Browser, http: FlaskClient) -> Iterator[Callable[[str], Page]]:
    """Give a way to open the page at a broker's address."""
    with serving(chromium, http) as open_at:
        yield open_at


def test_a_broker_hands_out_its_keys_on_a_click_and_is_then_the_one_that_is_trusted(
    served: Callable[[str], Page],
) -> None:
    page = served("https://consent.example/verify?lang=en")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    assert choose(page, BUNDLE).startswith("Consistent, not anchored.")
    assert [] == asked
    page.get_by_role("button", name="Fetch the keys of this broker").click()
    expect(page.get_by_role("status")).to_contain_text("signed by a key that https://consent.example handed out")
    expect(page.locator("#report")).to_contain_text("You trust that broker.")
    assert {"https://consent.example/.well-known/jwks.json", "https://consent.example/log/vkeys"} == set(asked)
    page.locator("#jwks-choice").set_input_files(KEY_SET)
    expect(page.get_by_role("status")).to_contain_text("signed by a key that you brought")


def test_the_page_can_send_nothing_to_anybody_else(served: Callable[[str], Page]) -> None:
    page = served("https://consent.example/verify")
    refused = page.evaluate("""async () => {
      const broken = new Promise(tell => addEventListener("securitypolicyviolation", e => tell(e.effectiveDirective)));
      await fetch("https://stranger.example/", {method: "POST", body: "a receipt"}).catch(() => null);
      return broken;
    }""")
    assert "connect-src" == refused


def test_the_served_page_can_be_saved(served: Callable[[str], Page]) -> None:
    page = served("https://consent.example/verify")
    with page.expect_download() as saving:
        page.get_by_role("link", name="Save this page to keep it").click()
    assert ("https://consent.example/verify", "check-a-receipt.html") == (
        saving.value.url,
        saving.value.suggested_filename,
    )


def test_a_page_over_plain_http_says_why_it_cannot_check(served: Callable[[str], Page]) -> None:
    page = served("http://consent.example/verify")
    expect(page.get_by_text("A browser does no cryptography on a page that came over plain http.")).to_be_visible()
    assert page.locator("#desk").is_hidden()


# --- how it looks --------------------------------------------------------------------------------------------


def opened(page: Page, *files: Path) -> Page:
    """Check files, and open everything that can be opened."""
    choose(page, *files)
    page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true; })")
    return page


@pytest.fixture(scope="module")
def looks(chromium: Browser, http: FlaskClient, pictures: Path) -> list[Look]:
    """Look at the page twice: a bundle that still stands, from disk, in English; a false receipt, served, in German."""
    with verifier_page(chromium) as verifier, serving(chromium, http, locale="de-DE") as open_at:
        page = opened(verifier.page, KEY_SET, LOG_KEYS, BUNDLE, STANDS)
        other = opened(open_at("https://consent.example/verify"), KEY_SET, FORGED)
        return [look_at(page, "verify-valid", pictures=pictures), look_at(other, "verify-failed", pictures=pictures)]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_on_the_page(looks: list[Look], scheme: str) -> None:
    assert {} == {look.name: look.axe[scheme] for look in looks if look.axe[scheme]}


@pytest.mark.parametrize("window", WINDOWS)
def test_nothing_of_the_page_stands_beyond_the_edge(looks: list[Look], window: str) -> None:
    assert {} == {look.name: look.beyond_the_edge[window] for look in looks if look.beyond_the_edge[window]}


def test_every_target_of_the_page_is_large_enough(looks: list[Look]) -> None:
    hidden = " is 0 x 0"  # what only a served page offers
    assert [] == [target for look in looks for target in look.too_small if not target.endswith(hidden)]


def test_the_page_has_one_heading_and_its_language(looks: list[Look]) -> None:
    assert {"de", "en"} == {look.language for look in looks}
    assert {1} == {len(look.headings) for look in looks}
