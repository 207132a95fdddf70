"""Somebody asks the page whether a consent still stands, and brings it what it does not check."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.verifier import verifier_page
from journeys.keyboard import Keyboard
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
from playwright.sync_api import Browser, Page, expect
from vectors.make import FOLDER, GIVEN

from broker.proof.dossier import Dossier
from broker.proof.dpv import in_dpv
from broker.proof.sdjwt import payload_of

ENDED, EXPIRED, EARLY = (FOLDER / f"status-{name}.jwt" for name in ("ended", "expired", "from-before-the-receipt"))
SUSPENDED, FORGED, ANOTHER = (
    FOLDER / f"status-{name}.jwt" for name in ("suspended", "claims-changed", "of-another-list")
)
WITHDRAWN, STATEMENT = FOLDER / "receipt-withdrawn.sd-jwt", FOLDER / "statement-given.sd-jwt"
AS_OF = "23 November 2026 at 12:01 UTC"


@pytest.fixture(scope="module")
def desk(chromium: Browser) -> Iterator[Page]:
    """Give the page, from disk and offline."""
    with verifier_page(chromium) as verifier:
        yield verifier.page


@pytest.fixture
def page(desk: Page) -> Iterator[Page]:
    """Give the page as it was opened; it must neither ask for anything nor complain."""
    with opened_anew(desk) as page:
        yield page


def step(page: Page) -> str:
    """Return the last step, with its number, its name and its mark."""
    last = page.locator(".checks li").last
    return f"{last.get_attribute('value')} {last.locator('.check').inner_text()}"


def test_a_status_list_is_dropped_as_a_second_file(page: Page) -> None:
    drop(page, "#drop", STANDS, KEY_SET, BUNDLE, LOG_KEYS)
    assert verdict(page).startswith("Valid, and in the log.")
    assert f"The consent still stands as of {AS_OF}." in verdict(page)
    assert (9, "9 status holds") == (page.locator(".held").count(), " ".join(step(page).split()))
    expect(page.locator("#report")).to_contain_text("What became of the consent since then.")


def test_the_step_keeps_its_number_where_there_are_none_of_the_log(page: Page) -> None:
    choose(page, KEY_SET, RECEIPT, STANDS)
    shown = [item.get_attribute("value") for item in page.locator(".checks li").all()]
    assert ["1", "2", "3", "4", "5", "6", "9"] == shown


def test_without_a_list_the_page_says_where_there_is_one(page: Page) -> None:
    assert choose(page, KEY_SET, RECEIPT).startswith("Valid.\n")
    assert 6 == page.locator(".checks li").count()
    told = "the status list. Open https://consent.example/status/1, save what it gives, and bring it as a second file."
    expect(page.locator("#report")).to_contain_text(told)


def test_a_consent_that_ended_since_is_not_valid_and_nothing_is_shown_of_it(page: Page) -> None:
    assert choose(page, KEY_SET, RECEIPT).startswith("Valid.\n")
    drop(page, "h1", ENDED)
    expect(page.get_by_role("status")).to_contain_text("Not valid: step 9 (status) failed.")
    assert f"does not stand any more: withdrawn, given up or expired, as of {AS_OF}." in verdict(page)
    assert "Northwind" not in page.locator("main").inner_text()


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (SUSPENDED, "the consent is suspended as of"),
        (FORGED, "the signature is not that key's over these bytes"),
        (ANOTHER, "this is the status list https://consent.example/status/2; the receipt's is"),
    ],
)
def test_a_list_that_bears_nothing_out_fails(page: Page, status: Path, says: str) -> None:
    said = choose(page, KEY_SET, RECEIPT, status)
    assert said.startswith("Not valid: step 9 (status) failed.")
    assert says in said
    assert "do not rely on this consent" in said


@pytest.mark.parametrize(
    ("evidence", "status", "says"),
    [
        (RECEIPT, EXPIRED, f"the list is of {AS_OF} and has expired since: fetch a newer one."),
        (RECEIPT, EARLY, "the list is of 23 November 2026 at 11:59 UTC, older than the receipt: fetch a newer one."),
        (STATEMENT, STANDS, "this evidence has no entry in a status list."),
    ],
)
def test_a_list_that_does_not_answer_is_said_to_give_no_answer(
    page: Page, evidence: Path, status: Path, says: str
) -> None:
    said = choose(page, KEY_SET, evidence, status)
    assert said.startswith("Valid.\n")
    assert f"Whether the consent still stands was not answered: {says}" in said
    assert (1, "what") == (page.locator(".unmade").count(), page.locator("#verdict > div").get_attribute("class"))


def test_without_keys_a_list_tells_nothing(page: Page) -> None:
    assert choose(page, RECEIPT, ENDED).startswith("Consistent, not anchored.")
    assert ["key", "signature", "status"] == page.locator(".unmade .name").all_inner_texts()


def test_the_list_of_an_end_agrees_with_its_receipt(page: Page) -> None:
    said = choose(page, KEY_SET, WITHDRAWN, ENDED)
    assert said.startswith("Valid.\n")
    assert f"There is no consent, and the status list of {AS_OF} says so too." in said


def test_beneath_the_box_stands_which_list_it_is(page: Page) -> None:
    page.locator("#status-choice").set_input_files(STANDS)
    note = page.locator("#status-note")
    expect(note).to_have_text(f"It says that it is the list https://consent.example/status/1, as of {AS_OF}.")
    assert "Nothing has been checked yet." == page.get_by_role("status").inner_text()
    page.locator("#status-text").fill("x")
    expect(note).to_have_text("This is no status list: a compact JWS has three parts.")
    assert ("true", "") == (
        page.locator("#status-text").get_attribute("aria-invalid"),
        page.locator("#status-choice").input_value(),
    )


def test_the_keyboard_is_enough_for_a_list(page: Page) -> None:
    hands = Keyboard(page)
    for box, path in (("evidence", RECEIPT), ("jwks", KEY_SET), ("status", STANDS)):
        hands.to(page.get_by_role("textbox", name=f"Or paste {NAMES[box]}"))
        page.keyboard.insert_text(path.read_text())
    hands.press(page.get_by_role("button", name="Check"))
    assert "The consent still stands" in verdict(page)


NAMES = {"evidence": "its text", "jwks": "the key set", "status": "the status list"}


def test_a_list_is_told_in_the_language_that_was_chosen(page: Page) -> None:
    choose(page, KEY_SET, RECEIPT, ENDED)
    page.get_by_role("button", name="Deutsch").click()
    expect(page.get_by_role("status")).to_contain_text("die Einwilligung gilt nicht mehr")
    expect(page.get_by_role("heading", name="Ob sie noch gilt")).to_be_visible()


def dossier(*, policies: int) -> str:
    """Return a dossier of some length."""
    return str(Dossier(statement="x.y.z~", decisions=(), batches=(), evidence=(), policies=["x" * 1024] * policies))


@pytest.mark.parametrize("policies", [1, 3 * 1024], ids=["small", "large"])
def test_a_dossier_is_said_to_be_checked_elsewhere(page: Page, tmp_path: Path, policies: int) -> None:
    file = tmp_path / "dossier.json"
    file.write_text(dossier(policies=policies))
    said = choose(page, KEY_SET, file)
    assert said.startswith("Nothing was checked: this is a dossier, which this page does not check: the command")
    assert 0 == page.locator(".checks").count()


def test_linked_data_is_said_to_be_signed_by_nobody(page: Page) -> None:
    assert "nobody signed it" in paste(page, in_dpv(payload_of(GIVEN)))
    assert paste(page, RECEIPT.read_text()).startswith("Valid.\n")
