"""No dark patterns: the way out is as short, as plain and as quiet as the way in. Counted on every run."""

from dataclasses import replace

import pytest
from harness.business import Business
from journeys.claims import acquaint
from journeys.conftest import Visit
from journeys.visitor import Effort, Visitor
from playwright.sync_api import Locator, Page, expect

#: What nudges: a question before the deed, a second step, a box that asks why, anything that moves or covers the page.
_NUDGES = """() => [
  ...document.querySelectorAll("dialog, textarea, iframe, video, audio, marquee, [popover], [autofocus]"),
  ...document.querySelectorAll("main input:not([type=hidden]), main select"),
].map(one => one.outerHTML.slice(0, 80))"""
_WEIGHT = """one => {
  const style = getComputedStyle(one), said = {};
  for (const name of ["fontWeight", "fontSize", "fontFamily", "color", "backgroundColor", "borderColor", "borderWidth",
    "boxShadow", "opacity", "textDecorationLine", "textTransform", "padding", "height", "cursor"])
    said[name] = style[name];
  return said;
}"""


def gives(visitor: Visitor) -> Effort:
    """Give a consent in the fewest clicks there are, counted from the shop's button."""
    visitor.links("customer-care")
    return replace(visitor.effort)


def weight(button: Locator) -> object:
    """Return everything that could make a button louder than another."""
    return button.evaluate(_WEIGHT)


def nudges(page: Page) -> list[str]:
    """Return what stands in the way of a deed."""
    found: list[str] = page.evaluate(_NUDGES)
    return found


def test_without_script_withdrawing_costs_no_more_than_giving_by_either_way(visit: Visit) -> None:
    visitor, elsewhere = visit(java_script_enabled=False), visit(java_script_enabled=False)
    giving = gives(visitor)
    elsewhere.open(visitor.withdrawal_link())
    elsewhere.withdraws()
    assert elsewhere.effort == Effort(clicks=2, fields=0, logins=0)
    visitor.links("customer-care")
    visitor.effort = Effort()
    visitor.signs_in()
    visitor.withdraws()
    assert visitor.effort.logins == 1
    assert visitor.effort.at_most(giving), f"{visitor.effort} against {giving}"


def test_all_of_them_end_and_everything_is_objected_to_by_as_few(visitor: Visitor) -> None:
    giving = gives(visitor)
    visitor.links("newsletter")
    for deed in ("withdraw-all", "object"):
        visitor.effort = Effort()
        visitor.signs_in()
        visitor.click(visitor.button(deed).first)
        expect(visitor.page.get_by_role("status")).to_be_visible()
        assert visitor.effort.at_most(giving), f"{deed}: {visitor.effort} against {giving}"
        visitor.context.clear_cookies(name="__Host-consent-broker-person")


def test_nothing_stands_between_the_press_and_the_deed(visitor: Visitor) -> None:
    """No question whether one is sure, no reason asked for, no page in between, no second press, no asking again."""
    visitor.links("customer-care")
    visitor.signs_in()
    withdraws_in_one_step(visitor)
    visitor.links("customer-care")
    visitor.page.goto(visitor.withdrawal_link())
    withdraws_in_one_step(visitor)
    visitor.page.goto(f"{visitor.town.issuer}/consents")
    offered = [button.inner_text() for button in visitor.page.get_by_role("main").get_by_role("button").all()]
    assert {text.partition("(")[0].strip() for text in offered} == {
        "Not me",
        "Object to all matching",
        "Object",
        "Sign out",
    }
    assert visitor.page.get_by_role("alert").count() == 0


def withdraws_in_one_step(visitor: Visitor) -> None:
    """Press the page's only Withdraw, and look at what comes before and after."""
    assert nudges(visitor.page) == []
    visitor.watch.visited.clear()
    visitor.withdraws()
    # The form, and the page that says it is done.
    assert len(visitor.watch.visited) <= 2
    assert nudges(visitor.page) == []
    expect(visitor.button("withdraw")).to_have_count(0)


def test_the_way_out_weighs_what_the_way_in_does(visitor: Visitor, town_business: Business) -> None:
    visitor.comes_to_notice()
    expect(visitor.button("allow")).to_be_enabled()
    way_in = weight(visitor.button("allow"))
    visitor.answers("allow", "customer-care")
    visitor.at_shop()
    by_link = visitor.withdrawal_link()
    acquaint(town_business, visitor.account.id)
    visitor.signs_in()
    out = [visitor.button("withdraw"), *visitor.button("object").all()]
    assert [weight(button) for button in out] == [way_in] * 4
    visitor.page.goto(by_link)
    assert weight(visitor.button("withdraw")) == way_in


@pytest.fixture
def town_business(visitor: Visitor) -> Business:
    """Give a business that knows people without having asked."""
    return visitor.town.broker.business(client_name="Contoso Market")
