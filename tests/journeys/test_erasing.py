"""Erasing everything about oneself: by keyboard alone, and with a certificate that outlives the page."""

from pathlib import Path

import pytest
from harness import wire
from harness.evidence import disclosures_of
from journeys.keyboard import Keyboard
from journeys.visitor import Visitor
from playwright.sync_api import expect


@pytest.fixture
def at_choice(visitor: Visitor) -> Visitor:
    """Give somebody who allowed something, and stands before the page that erases everything."""
    visitor.links("customer-care")
    visitor.signs_in()
    visitor.click(visitor.page.get_by_role("link", name="Erase everything about me"))
    return visitor


def test_who_erases_everything_by_keyboard_saves_a_certificate_that_verifies(
    at_choice: Visitor, tmp_path: Path
) -> None:
    page, town = at_choice.page, at_choice.town
    Keyboard(page).press(at_choice.button("erase"))
    expect(page.get_by_role("status")).to_contain_text("knows nothing about you any more")
    certificate = at_choice.downloads(page.get_by_role("link", name="Save the certificate"))
    assert certificate == page.locator("code").text_content()
    assert {at_choice.account.id} == {disclosures_of(certificate)["account"]["id"]}
    for name, content in (
        ("certificate.sd-jwt", certificate),
        ("jwks", wire.get(f"{town.issuer}/.well-known/jwks.json").text),
    ):
        (tmp_path / name).write_text(content)
    town.broker.command("verify", str(tmp_path / "certificate.sd-jwt"), "--jwks", str(tmp_path / "jwks"))
    page.goto(f"{town.issuer}/consents")
    expect(page.locator("form[action$='/sign-in']")).to_be_visible()
    assert at_choice.asks_match() == "No: nothing allows this match."


def test_the_two_choices_look_alike(at_choice: Visitor) -> None:
    boxes = [at_choice.button(choice).bounding_box() for choice in ("erase", "keep")]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert (boxes[0]["width"], boxes[0]["height"]) == (boxes[1]["width"], boxes[1]["height"])
    styles = [
        at_choice.button(choice).evaluate("one => [getComputedStyle(one).backgroundColor, getComputedStyle(one).color]")
        for choice in ("erase", "keep")
    ]
    assert styles[0] == styles[1]
    at_choice.click(at_choice.button("keep"))
    expect(at_choice.page).to_have_url(f"{at_choice.town.issuer}/consents")
    expect(at_choice.button("withdraw")).to_be_visible()
