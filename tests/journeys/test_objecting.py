"""Face 3: saying no to what needs no consent, to everybody or to one, and taking that back."""

import pytest
from harness.business import Business
from journeys.claims import Acquaintance, acquaint
from journeys.conftest import Visit
from journeys.keyboard import Keyboard
from journeys.stack import Town
from journeys.visitor import Visitor
from playwright.sync_api import Locator, expect

NORTHWIND, CONTOSO = "Northwind Shop", "Contoso Market"
#: Everything that could make one of two buttons louder than the other; their words differ, and so does their width.
_WEIGHT = """one => {
  const style = getComputedStyle(one), said = {};
  for (const name of ["fontWeight", "fontSize", "color", "backgroundColor", "borderColor", "borderWidth", "boxShadow",
    "opacity", "textDecorationLine", "textTransform", "padding", "height"])
    said[name] = style[name];
  return said;
}"""


@pytest.fixture(scope="module")
def businesses(town: Town) -> tuple[Business, Business]:
    """Register two businesses."""
    return town.broker.business(client_name=NORTHWIND), town.broker.business(client_name=CONTOSO)


def meets(visitor: Visitor, businesses: tuple[Business, Business]) -> tuple[Acquaintance, Acquaintance]:
    """Let both businesses know somebody, who signs in and looks."""
    one, other = (acquaint(business, visitor.account.id) for business in businesses)
    assert [one.asks(), other.asks()] == ["user_provided"] * 2
    visitor.signs_in()
    return one, other


def at(visitor: Visitor, name: str) -> Locator:
    """Return the part of the page that is about one business, or about every one."""
    return visitor.page.locator(".card").filter(has=visitor.page.get_by_role("heading", name=name, exact=True)).last


def presses(visitor: Visitor, name: str, choice: str) -> Locator:
    """Press a button of that part; return what the page then says of it, which has the focus."""
    visitor.click(at(visitor, name).locator(f"button[value='{choice}']"))
    status = visitor.page.get_by_role("status")
    expect(status).to_be_focused()
    return status


def test_who_objects_to_all_matching_is_matched_by_nobody_without_consent_until_they_take_it_back(
    visitor: Visitor, businesses: tuple[Business, Business]
) -> None:
    one, other = meets(visitor, businesses)
    expect(presses(visitor, "Every business", "object")).to_contain_text("no business may match this account")
    assert [one.asks(), other.asks()] == ["no_basis"] * 2
    expect(at(visitor, "Every business")).to_contain_text("You objected on")
    expect(presses(visitor, "Every business", "allow-again")).to_contain_text("not object to every business any more")
    assert [one.asks(), other.asks()] == ["user_provided"] * 2


def test_who_objects_to_one_business_leaves_the_others_alone(
    visitor: Visitor, businesses: tuple[Business, Business]
) -> None:
    one, other = meets(visitor, businesses)
    expect(presses(visitor, NORTHWIND, "object")).to_contain_text(NORTHWIND)
    assert [one.asks(), other.asks()] == ["no_basis", "user_provided"]
    expect(presses(visitor, NORTHWIND, "allow-again")).to_contain_text(f"not object to {NORTHWIND} any more")
    assert [one.asks(), other.asks()] == ["user_provided"] * 2


def test_the_objection_to_one_outlives_the_one_to_all(visitor: Visitor, businesses: tuple[Business, Business]) -> None:
    one, other = meets(visitor, businesses)
    presses(visitor, NORTHWIND, "object")
    presses(visitor, "Every business", "object")
    expect(at(visitor, CONTOSO)).to_contain_text("Your objection to every business holds for this one")
    expect(presses(visitor, "Every business", "allow-again")).to_contain_text("objections to single ones stand")
    assert [one.asks(), other.asks()] == ["no_basis", "user_provided"]


def test_the_page_says_what_each_business_rests_on_and_that_it_asked(
    visitor: Visitor, businesses: tuple[Business, Business]
) -> None:
    meets(visitor, businesses)
    for part in ("gave it your details yourself", "Customer care, Account management", "Asked about this account"):
        expect(at(visitor, CONTOSO)).to_contain_text(part)


def test_a_business_that_knows_the_handle_only_is_listed_too(
    visitor: Visitor, businesses: tuple[Business, Business]
) -> None:
    visitor.signs_in()
    expect(visitor.page.locator(".card")).to_have_count(1)
    businesses[0].match({"platform": "x", "handle": visitor.account.handle}, "somebody@example.com")
    visitor.page.reload()
    expect(at(visitor, NORTHWIND)).to_contain_text("Asked about this account")


def test_what_was_allowed_stays_allowed_until_it_is_withdrawn(visitor: Visitor) -> None:
    visitor.links("customer-care")
    visitor.signs_in()
    presses(visitor, "Every business", "object")
    expect(at(visitor, "Example Shop")).to_contain_text("an objection does not end that")
    assert visitor.asks_match() == "Yes: the person consented."


def test_all_consents_can_be_withdrawn_at_once_and_each_has_its_receipt(visitor: Visitor) -> None:
    visitor.links("newsletter")
    visitor.links("customer-care")
    visitor.signs_in()
    visitor.click(visitor.button("withdraw-all"))
    expect(visitor.page.get_by_role("status")).to_contain_text("All your consents have ended")
    expect(visitor.button("withdraw")).to_have_count(0)
    expect(visitor.button("withdraw-all")).to_have_count(0)
    expect(visitor.page.get_by_role("link", name="Receipt: Withdrawn by you")).to_have_count(2)
    assert visitor.asks_match() == "No: the person has taken the consent back."


def test_objecting_and_taking_it_back_weigh_the_same(visitor: Visitor, businesses: tuple[Business, Business]) -> None:
    meets(visitor, businesses)
    presses(visitor, NORTHWIND, "object")
    buttons = [at(visitor, NORTHWIND), at(visitor, CONTOSO), at(visitor, "Every business")]
    weights = [button.get_by_role("button").evaluate(_WEIGHT) for button in buttons]
    assert weights[0] == weights[1] == weights[2]


@pytest.mark.parametrize("options", [{"java_script_enabled": False}, {"locale": "de-DE"}], ids=["no script", "German"])
def test_the_way_there_and_back_is_the_same_without_script_and_in_german(
    visit: Visit, businesses: tuple[Business, Business], options: dict[str, object]
) -> None:
    visitor = visit(**options)
    met = acquaint(businesses[0], visitor.account.id)
    visitor.signs_in()
    for choice, answer in (("object", "no_basis"), ("allow-again", "user_provided")):
        visitor.click(visitor.page.locator(f"section button[value='{choice}']"))
        expect(visitor.page.get_by_role("status")).to_be_visible()
        assert met.asks() == answer


def test_it_needs_no_mouse(visitor: Visitor, businesses: tuple[Business, Business]) -> None:
    met, _ = meets(visitor, businesses)
    keys = Keyboard(visitor.page)
    for choice, answer in (("object", "no_basis"), ("allow-again", "user_provided")):
        keys.press(at(visitor, NORTHWIND).locator(f"button[value='{choice}']"))
        expect(visitor.page.get_by_role("status")).to_be_focused()
        assert met.asks() == answer


def test_each_button_says_to_those_who_listen_whom_it_is_about(
    visitor: Visitor, businesses: tuple[Business, Business]
) -> None:
    meets(visitor, businesses)
    for name in ("Object to all matching (Every business)", f"Object ({NORTHWIND})", f"Object ({CONTOSO})"):
        expect(visitor.page.get_by_role("button", name=name, exact=True)).to_have_count(1)


def test_an_address_tells_nothing_that_is_not_so(visitor: Visitor) -> None:
    visitor.signs_in()
    for told in ("objected=all", "ended=all", "ended=nothing", "objected=nobody", "lifted=nobody"):
        visitor.page.goto(f"{visitor.town.issuer}/consents?{told}")
        expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Your consents")
        expect(visitor.page.get_by_role("status")).to_have_count(0)


def test_test_data_is_named_as_such_before_and_after_signing_in(visitor: Visitor) -> None:
    visitor.links()
    visitor.open(f"{visitor.town.issuer}/consents?environment=staging")
    warning = visitor.page.locator(".testing")
    expect(warning).to_contain_text("Test data (staging).")
    visitor.click(visitor.page.locator("form[action$='/sign-in'] button"))
    visitor.proves()
    expect(warning).to_contain_text("Test data (staging).")
    expect(visitor.page.locator("article")).to_have_count(0)
    visitor.click(visitor.page.locator("form[action$='/sign-out'] button"))
    visitor.signs_in()
    expect(warning).to_have_count(0)
    expect(visitor.page.locator("article")).to_have_count(1)
