"""A shared device: the account is somebody else's, and nothing of theirs is left for who comes after."""

import pytest
from journeys.conftest import Visit
from journeys.keyboard import Keyboard
from journeys.visitor import Visitor
from playwright.sync_api import Page, expect

#: Further than any of these walks is long.
MOST_STEPS_BACK = 8


def presses_not_me(visitor: Visitor) -> None:
    """Say that this is somebody else's account; the platform then asks whose it is."""
    visitor.click(visitor.page.get_by_role("button", name="Not me"))
    expect(visitor.page.locator("input[name=person]").first).to_be_visible()


def words_on_the_way_back(page: Page) -> list[str]:
    """Go back as far as there is anything, and return what each page then shows."""
    found = []
    for _ in range(MOST_STEPS_BACK):
        page.go_back()
        found.append(page.locator("body").inner_text())
    return found


@pytest.mark.parametrize("script", [True, False])
def test_at_the_notice_another_account_can_be_chosen_and_the_first_is_asked_nothing(
    visit: Visit,
    script: bool,  # noqa: FBT001 (a table)
) -> None:
    visitor = visit(java_script_enabled=script)
    earlier, later = visitor.account, visitor.town.newcomer()
    visitor.comes_to_notice()
    expect(visitor.page.get_by_role("main")).to_contain_text(f"@{earlier.handle}")
    presses_not_me(visitor)
    visitor.proves(later)
    notice = visitor.page.locator("body")
    expect(notice).to_contain_text(f"@{later.handle}")
    expect(notice).not_to_contain_text(earlier.handle)
    visitor.answers("allow", "customer-care")
    assert "is linked" in visitor.at_shop()
    expect(visitor.page.locator("#linked-handle")).to_have_text(f"@{later.handle}")
    shown = words_on_the_way_back(visitor.page)
    assert [
        text for text in shown if earlier.handle in text and "visitor_" not in text.replace(earlier.handle, "")
    ] == []
    visitor.account = earlier
    visitor.signs_in()
    expect(visitor.button("withdraw")).to_have_count(0)


def test_enter_in_the_notice_presses_none_but_the_first_of_its_two_choices(visitor: Visitor) -> None:
    visitor.comes_to_notice()
    expect(visitor.button("allow")).to_be_enabled()
    visitor.box("customer-care").focus()
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("alert")).to_be_visible()


def test_on_ones_pages_the_visit_ends_and_nothing_of_it_comes_back(visitor: Visitor) -> None:
    visitor.links()
    earlier, later = visitor.account, visitor.town.newcomer()
    visitor.signs_in()
    visitor.page.goto(f"{visitor.town.issuer}/consents/everything")
    visitor.page.goto(f"{visitor.town.issuer}/consents/asked")
    elsewhere = visitor.context.new_page()
    elsewhere.goto(f"{visitor.town.issuer}/consents")
    presses_not_me(visitor)
    # What is still open in another window has lost its hold.
    elsewhere.locator("button[value=withdraw]").click()
    expect(elsewhere.get_by_role("heading", level=1)).to_have_text("This form was not accepted")
    visitor.page.go_back()
    expect(visitor.page.locator("form[action$='/sign-in']")).to_be_visible()
    visitor.page.go_forward()
    visitor.proves(later)
    expect(visitor.page).to_have_url(f"{visitor.town.issuer}/consents")
    expect(visitor.page.locator("body")).to_contain_text(f"@{later.handle}")
    expect(visitor.page.locator("body")).not_to_contain_text(earlier.handle)
    assert visitor.asks_match() == "Yes: the person consented."


def test_a_page_that_the_browser_kept_in_its_memory_is_asked_for_anew(visitor: Visitor) -> None:
    """What is not to be stored may still be kept for the way back; then the script asks again."""
    visitor.signs_in()
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    with visitor.page.expect_navigation():
        visitor.page.evaluate("() => dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    assert f"{visitor.town.issuer}/consents" in asked


def test_the_keyboard_reaches_it(visitor: Visitor) -> None:
    visitor.comes_to_notice()
    expect(visitor.button("allow")).to_be_enabled()
    Keyboard(visitor.page).press(visitor.page.get_by_role("button", name="Not me"))
    expect(visitor.page.locator("input[name=person]").first).to_be_visible()
