"""Global Privacy Control: shown, recorded, and heeded as an objection until the person says otherwise."""

from harness import wire
from harness.business import Business
from harness.evidence import payload_of
from journeys.claims import GIVEN
from journeys.visitor import Visitor, canonical
from playwright.sync_api import expect

ADVERTISING, LETTER = "direct-marketing", "newsletter"
LINE = "Your browser signals that nothing about you be sold or shared. If you tick this, your yes counts here."


def an_advertiser(visitor: Visitor) -> Business:
    """Register a business that advertises."""
    return visitor.town.broker.business(client_name="Contoso Market", purposes=[ADVERTISING, LETTER])


def at_notice_of(visitor: Visitor, business: Business) -> None:
    """Follow the business's link up to the notice."""
    details = business.details(purposes=[ADVERTISING, LETTER])
    visitor.page.goto(business.authorize_url(business.par(details=details)))
    visitor.proves()
    visitor.page.wait_for_load_state("load")


def test_the_notice_says_so_at_what_it_is_about_ticks_nothing_and_signs_the_words(visitor: Visitor) -> None:
    visitor.signals()
    at_notice_of(visitor, an_advertiser(visitor))
    notice = visitor.page.locator("[data-notice]")
    expect(notice.get_by_text(LINE)).to_have_count(1)
    expect(visitor.page.locator(".purpose").filter(has_text=LINE)).to_contain_text("Direct marketing")
    assert [box.is_checked() for box in visitor.page.locator("[name=purpose]").all()] == [False, False]
    read = visitor.reads_notice()
    visitor.answers("allow", ADVERTISING)
    visitor.page.wait_for_url("chrome-error://**")  # nobody is there where the business has its address
    visitor.signs_in()
    visitor.click(visitor.page.locator("article").get_by_role("link").first)
    expect(visitor.page.locator("dl.facts")).to_contain_text("Global Privacy Control")
    words = visitor.page.locator("blockquote p").all_inner_texts()
    assert canonical("\n".join(words)) == read
    signed = payload_of(visitor.downloads(visitor.page.get_by_role("link", name="Download the receipt")))
    assert signed["record"]["event"]["signals"] == {"gpc": True}


def test_without_the_signal_the_notice_says_nothing_of_it(visitor: Visitor) -> None:
    at_notice_of(visitor, an_advertiser(visitor))
    expect(visitor.page.get_by_text("signals")).to_have_count(0)


def test_it_counts_as_an_objection_of_who_signs_in_until_they_lift_it(visitor: Visitor) -> None:
    business, email = an_advertiser(visitor), wire.fresh_email()
    tag = {**GIVEN, "expected_purposes": [ADVERTISING, LETTER]}
    pair = {"platform": "x", "id": visitor.account.id}
    assert business.associate(pair, email, tag).status_code == 201

    def asked(purpose: str) -> object:
        context = business.match(pair, email, purpose)["context"]
        return context.get("basis") or (context["reason"], context["clauses"])

    assert [asked(ADVERTISING), asked(LETTER)] == ["user_provided"] * 2
    visitor.signals()
    visitor.signs_in()
    assert [asked(ADVERTISING), asked(LETTER)] == [("no_basis", ["SIGNAL-1"]), "user_provided"]
    expect(visitor.page.get_by_role("heading", name="What your browser signals")).to_be_visible()
    visitor.click(visitor.button("lift"))
    expect(visitor.page.get_by_role("status")).to_be_focused()
    assert asked(ADVERTISING) == "user_provided"
    visitor.click(visitor.page.get_by_role("button", name="Not me"))
    visitor.proves()
    assert asked(ADVERTISING) == "user_provided"
    visitor.click(visitor.button("heed"))
    expect(visitor.page.get_by_role("status")).to_contain_text("counts again")
    assert asked(ADVERTISING) == ("no_basis", ["SIGNAL-1"])
    visitor.click(visitor.page.get_by_role("link", name="Who asked about you"))
    expect(visitor.page.locator("li.asked strong").first).to_have_text(
        "No: your browser signals that nothing about you be sold or shared."
    )
