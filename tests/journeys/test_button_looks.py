"""The button on a shop's page: what it looks like, on any colour, in any window and for any eyes and hands."""

from collections.abc import Callable
from pathlib import Path

import pytest
from harness.chromium import PATIENCE_MS
from journeys.keyboard import Keyboard
from journeys.look import SCHEMES, WINDOWS, Look, look_at
from journeys.pressing import BACK, answer, told, window_of
from journeys.shopfront import Street
from playwright.sync_api import Browser, Page, expect

#: The colours of each button's letters and of what is behind them, as a canvas draws them.
_DRAWN = """() => [...document.querySelectorAll("consent-link")].map(one => {
  const button = one.shadowRoot.querySelector("button"), none = "rgba(0, 0, 0, 0)";
  const face = getComputedStyle(button.firstChild), behind = getComputedStyle(button).backgroundColor;
  return [face.color, face.backgroundColor === none ? behind : face.backgroundColor].map(colour => {
    const brush = document.createElement("canvas").getContext("2d");
    brush.fillStyle = colour;
    brush.fillRect(0, 0, 1, 1);
    return [...brush.getImageData(0, 0, 1, 1).data];
  });
})"""


COLOURS = (
    *("", "#000", "#fff", "#777", "#2c5e2e", "yellow", "crimson"),
    *("#00f8", "transparent", "canvastext", "nonsense"),
)


def test_its_letters_can_be_read_on_any_colour(street: Street, chromium: Browser) -> None:
    street.headers = {}
    dressed = (f"<div style='--consent-link-color: {one}'>{street.button()}</div>" for one in COLOURS if one)
    street.pages["/"] = street.button() + "".join(dressed)
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(street.shop)
        assert len(COLOURS) == page.get_by_role("button").count()
        for scheme in ("light", "dark", "light dark"):
            page.evaluate("scheme => { document.documentElement.style.colorScheme = scheme; }", scheme)
            for prefers in SCHEMES:
                page.emulate_media(color_scheme=prefers)
                found = dict(zip(COLOURS, (contrast(*drawn) for drawn in page.evaluate(_DRAWN)), strict=True))
                assert {} == {colour: ratio for colour, ratio in found.items() if ratio < 4.5}, (scheme, prefers)


def contrast(*drawn: list[int]) -> float:
    """Return the contrast of two colours (WCAG 2.2); 0 where one lets the page through."""
    if any(alpha != 255 for *_, alpha in drawn):
        return 0.0
    darker, lighter = sorted(luminance(*colour[:3]) for colour in drawn)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(*channels: int) -> float:
    """Return the relative luminance of a colour."""
    parts = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def test_the_radius_has_an_end_and_nothing_else_is_the_pages(street: Street, chromium: Browser) -> None:
    street.headers = {}
    street.pages["/"] = f"""<style>
      button, consent-link button, consent-link::part(button) {{ all: unset; font-size: 1px; visibility: hidden }}
      consent-link {{ --consent-link-radius: 99rem; }}</style>{street.button()}"""
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(street.shop)
        button = page.get_by_role("button")
        expect(button).to_be_visible()
        style = "one => { const {borderRadius, cursor} = getComputedStyle(one); return [borderRadius, cursor]; }"
        assert ["24px", "pointer"] == button.evaluate(style)
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44


PAGE = """<!doctype html><html lang="{lang}" dir="{dir}"><meta name="viewport" content="width=device-width">
<title>Shop</title><style>:root {{ color-scheme: light dark; font-family: sans-serif; }}</style>
<main><h1>Shop</h1><p>Before</p>{buttons}<p>After</p></main></html>"""


@pytest.fixture(scope="module")
def looks(chromium: Browser, whole_street: Street, pictures: Path) -> list[Look]:
    """Look at two buttons, one of them used, on a page from left to right and on one from right to left."""
    whole_street.headers = {}
    long_name = "Donaudampfschifffahrtsgesellschaftskapitänsvereinsnetzwerk"
    buttons = whole_street.button("popup") + " " + whole_street.button(f'platform="{long_name}"')
    found = []
    with chromium.new_context(locale="en-GB") as context:
        context.set_default_timeout(PATIENCE_MS)
        for lang, direction in (("de", "ltr"), ("ar", "rtl")):
            whole_street.pages["/"] = PAGE.format(lang=lang, dir=direction, buttons=buttons)
            page = context.new_page()
            page.goto(whole_street.shop)
            window_of(page).close()
            page.evaluate(BACK)
            page.mouse.move(0, 0)
            Keyboard(page).to(page.get_by_role("button").first)
            found.append(look_at(page, f"button-{lang}", pictures=pictures))
    return found


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_in_a_page_with_it(looks: list[Look], scheme: str) -> None:
    assert {} == {look.name: look.axe[scheme] for look in looks if look.axe[scheme]}


@pytest.mark.parametrize("window", WINDOWS)
def test_no_page_becomes_wider_by_it(looks: list[Look], window: str) -> None:
    assert {} == {look.name: look.beyond_the_edge[window] for look in looks if look.beyond_the_edge[window]}


def test_it_is_reached_and_pressed_by_keys_and_shows_where_one_is(street: Street, shown: Callable[..., Page]) -> None:
    page = shown(street.button("popup") + street.button())
    hands = Keyboard(page)
    with page.context.expect_page() as coming:
        hands.press(page.get_by_role("button").first)
    answer(coming.value, "linked")
    assert ["linked"] == told(page)
    hands.to(page.get_by_role("button").nth(1))
    page.keyboard.press("Space")
    page.wait_for_url("**/ask?*")


def test_where_the_browser_chooses_the_colours_its_edge_is_seen(street: Street, shown: Callable[..., Page]) -> None:
    page = shown(street.button())
    page.emulate_media(forced_colors="active")
    drawn = (
        "one => { const face = getComputedStyle(one.firstChild); return [face.borderTopWidth, face.borderTopColor]; }"
    )
    width, edge = page.get_by_role("button").evaluate(drawn)
    assert "2px" == width
    assert edge not in {page.evaluate("() => getComputedStyle(document.body).backgroundColor"), "rgba(0, 0, 0, 0)"}
