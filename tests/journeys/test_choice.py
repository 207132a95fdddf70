"""The yes and the no: one weight, no haste, no mouse and no script needed."""

import pytest
from journeys.conftest import Visit
from journeys.keyboard import Keyboard
from journeys.look import WINDOWS, with_window
from journeys.visitor import Visitor
from playwright.sync_api import Locator, expect

LOCALES = {"en": "en-GB", "de": "de-DE"}
COLOURS = ({"color_scheme": "light"}, {"color_scheme": "dark"}, {"forced_colors": "active"})
#: Everything that could make one of two buttons louder than the other.
_WEIGHT = """one => {
  const style = getComputedStyle(one), said = {};
  for (const name of ["fontWeight", "fontSize", "fontFamily", "fontStyle", "color", "backgroundColor",
    "backgroundImage", "borderColor", "borderStyle", "borderWidth", "borderRadius", "boxShadow", "opacity", "cursor",
    "filter", "transform", "textDecorationLine", "textTransform", "letterSpacing", "outlineStyle", "animationName",
    "visibility", "padding"])
    said[name] = style[name];
  return said;
}"""
_WAITED = """addEventListener("DOMContentLoaded", () => {
  const began = performance.now();
  const look = () => {
    const buttons = [...document.querySelectorAll("button[name=choice]")];
    if (buttons.some(one => one.disabled)) requestAnimationFrame(look);
    else window.waited = performance.now() - began;
  };
  look();
});"""
# Chromium without a screen holds every tab to be in view, so the page is told what a tab in the background is told.
_IN_BACKGROUND = """(() => {
  let state = "hidden";
  Object.defineProperty(Document.prototype, "visibilityState", {get: () => state});
  window.show = next => { state = next; document.dispatchEvent(new Event("visibilitychange")); };
})();"""
LONG_ENOUGH_MS = 1200


@pytest.mark.parametrize("language", LOCALES)
def test_the_two_buttons_weigh_the_same_in_every_window_and_colour(visit: Visit, language: str) -> None:
    visitor = visit(locale=LOCALES[language])
    visitor.comes_to_notice()
    assert_same_weight(visitor)  # while they wait, too
    expect(visitor.button("allow")).to_be_enabled()
    for window in WINDOWS:
        with_window(visitor.page, window)
        for colours in COLOURS:
            visitor.page.emulate_media(**colours)
            assert_same_weight(visitor)
        visitor.page.emulate_media(color_scheme="light", forced_colors="none")


def test_neither_button_answers_louder_when_it_is_pointed_at(visitor: Visitor) -> None:
    visitor.comes_to_notice()
    expect(visitor.button("refuse")).to_be_enabled()
    pointed = {choice: [weight_under(visitor.button(choice), way) for way in ("hover", "focus")]
               for choice in ("allow", "refuse")}  # fmt: skip
    assert pointed["allow"] == pointed["refuse"]


def weight_under(button: Locator, way: str) -> object:
    """Return a button's look while it is hovered over or has the focus."""
    getattr(button, way)()
    return button.evaluate(_WEIGHT)


def assert_same_weight(visitor: Visitor) -> None:
    """Expect two buttons of one role, one look, one size, both of them in reach."""
    allow, refuse = buttons = [visitor.button(choice) for choice in ("allow", "refuse")]
    assert visitor.page.get_by_role("main").get_by_role("button").count() == 2
    assert allow.evaluate(_WEIGHT) == refuse.evaluate(_WEIGHT)
    areas = sorted(area(button) for button in buttons)
    assert areas[0] >= areas[1] * 0.99


def area(button: Locator) -> float:
    """Return a button's area in CSS pixels."""
    box = button.bounding_box()
    if box is None:
        raise AssertionError("a button cannot be seen")
    return box["width"] * box["height"]


def test_the_whole_way_there_and_back_needs_no_mouse(visitor: Visitor) -> None:
    keys, page = Keyboard(visitor.page), visitor.page
    page.goto(visitor.town.shop_url)
    keys.type(page.locator("#name"), "Erika Mustermann")
    keys.type(page.locator("#email"), visitor.town.email())
    keys.press(page.get_by_role("button", name="Create account"))
    keys.press(visitor.linking_button())
    proves_by_keyboard(visitor, keys)
    expect(visitor.button("allow")).to_be_enabled()
    keys.tick(visitor.box("customer-care"))
    keys.press(visitor.button("allow"))
    assert "is linked" in visitor.at_shop()
    page.goto(f"{visitor.town.issuer}/consents")
    keys.press(page.locator("form[action$='/sign-in'] button"))
    proves_by_keyboard(visitor, keys)
    keys.press(visitor.button("withdraw"))
    expect(page.get_by_role("status")).to_be_visible()
    assert "No:" in visitor.asks_match()


def test_a_refusal_needs_no_mouse_either(visitor: Visitor) -> None:
    visitor.comes_to_notice()
    expect(visitor.button("refuse")).to_be_enabled()
    Keyboard(visitor.page).press(visitor.button("refuse"))
    assert visitor.at_shop().startswith("You said no.")


def proves_by_keyboard(visitor: Visitor, keys: Keyboard) -> None:
    """Sign in at the platform without a mouse."""
    people = visitor.page.locator("input[name=person]")
    keys.choose(people, visitor.page.locator(f"input[name=person][value='{visitor.account.id}']"))
    keys.press(visitor.page.locator("button[value=authorize]"))


def test_the_buttons_wait_for_a_moment_so_that_a_double_click_cannot_answer(visitor: Visitor) -> None:
    visitor.context.add_init_script(_WAITED)
    visitor.comes_to_notice()
    visitor.button("allow").dispatch_event("click")
    expect(visitor.button("allow")).to_be_enabled()
    assert 500 <= visitor.page.evaluate("() => window.waited") <= 3000
    assert visitor.path().startswith("/consent/")
    assert visitor.page.get_by_role("alert").count() == 0


def test_a_page_that_nobody_sees_cannot_be_answered(visitor: Visitor) -> None:
    visitor.context.add_init_script(_IN_BACKGROUND)
    visitor.comes_to_notice()
    visitor.page.wait_for_timeout(LONG_ENOUGH_MS)
    assert can_be_pressed(visitor) == [False, False]
    for glance in ("visible", "hidden"):
        visitor.page.evaluate("state => window.show(state)", glance)
    visitor.page.wait_for_timeout(LONG_ENOUGH_MS)
    assert can_be_pressed(visitor) == [False, False]
    visitor.page.evaluate("() => window.show('visible')")
    assert can_be_pressed(visitor) == [False, False]
    visitor.page.wait_for_timeout(LONG_ENOUGH_MS)
    assert can_be_pressed(visitor) == [True, True]


def can_be_pressed(visitor: Visitor) -> list[bool]:
    """Tell for each button whether it takes a press."""
    return [visitor.button(choice).is_enabled() for choice in ("allow", "refuse")]


def test_without_script_the_buttons_work_at_once_and_so_does_the_whole_way(visit: Visit) -> None:
    visitor = visit(java_script_enabled=False)
    visitor.comes_to_notice()
    assert can_be_pressed(visitor) == [True, True]
    visitor.answers("allow")
    expect(visitor.page.get_by_role("alert")).to_be_visible()
    visitor.answers("allow", "customer-care")
    assert "is linked" in visitor.at_shop()
    assert visitor.asks_match() == "Yes: the person consented."
    visitor.signs_in()
    visitor.withdraws()
    assert visitor.asks_match() == "No: the person has taken the consent back."
