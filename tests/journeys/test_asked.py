"""Face 3, who asked about me: what real businesses asked over the wire, told to the person whom it was about."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from harness import wire
from harness.business import Business
from journeys.claims import acquaint
from journeys.conftest import Visit, arrival
from journeys.stack import Town
from journeys.visitor import Visitor
from playwright.sync_api import Browser, Locator, expect

CONTOSO, FABRIKAM = "Contoso Market", "Fabrikam Mail"


@dataclass(frozen=True)
class AskedAbout:
    """Somebody about whom three businesses asked, and what each was told, the latest first."""

    visitor: Visitor
    told: list[tuple[str, str]]

    def questions(self) -> Locator:
        """Return the questions on the page that is shown."""
        return self.visitor.page.locator("li.asked")


@pytest.fixture(scope="module")
def asked_about(chromium: Browser, town: Town) -> Iterator[AskedAbout]:
    """Let the shop, by consent, and two others, without, ask about somebody, who then signs in and looks."""
    with arrival(chromium, town) as visitor:
        visitor.links("customer-care")
        assert visitor.asks_match("customer-care").startswith("Yes")
        assert visitor.asks_match("newsletter").startswith("No")
        contoso, fabrikam = (town.broker.business(client_name=name) for name in (CONTOSO, FABRIKAM))
        assert acquaint(contoso, visitor.account.id).asks() == "user_provided"
        by_handle = {"platform": "x", "handle": visitor.account.handle}
        assert fabrikam.reason(by_handle, wire.fresh_email()) == "no_basis"
        fabrikam.contact(visitor.account.id, wire.fresh_email())
        visitor.signs_in()
        visitor.click(visitor.page.get_by_role("link", name="Who asked about you"))
        told = [
            (FABRIKAM, "No: it is not registered for this purpose."),
            (FABRIKAM, "No: there was neither a consent of yours nor another ground that counts."),
            (CONTOSO, "Yes: it says that you gave it your details yourself."),
            (CONTOSO, "Yes: it says that you gave it your details yourself."),
            ("Example Shop", "No: not for this purpose."),
            ("Example Shop", "Yes: you had allowed it."),
        ]
        yield AskedAbout(visitor, told)


def test_every_question_is_there_the_latest_first_with_who_asked_and_what_they_were_told(
    asked_about: AskedAbout,
) -> None:
    shown = [
        (one.get_by_role("heading").inner_text(), one.locator("strong").inner_text())
        for one in asked_about.questions().all()
    ]
    assert asked_about.told == shown


def test_the_purpose_the_handle_and_the_deciding_clause_stand_beside_it(asked_about: AskedAbout) -> None:
    contact, by_handle, match, offer, newsletter, care = asked_about.questions().all()
    expect(contact).to_contain_text("whether it may send this account an automated message")
    expect(by_handle).to_contain_text("It named the account by its handle.")
    expect(match).not_to_contain_text("by its handle")
    expect(offer).to_contain_text("Said that this account belongs to one of its records.")
    expect(newsletter).to_contain_text("For: Newsletter.")
    assert "/policies/x-developer-terms#MATCH-2" == care.get_by_role("link").get_attribute("href")


@pytest.mark.parametrize("script", [True, False])
def test_the_questions_of_one_business_can_be_shown_alone(
    asked_about: AskedAbout,
    visit: Visit,
    script: bool,  # noqa: FBT001 (a table)
) -> None:
    reader = visit(java_script_enabled=script)
    reader.account = asked_about.visitor.account
    reader.signs_in()
    reader.page.goto(f"{reader.town.issuer}/consents/asked")
    reader.page.get_by_label("Show the questions of").select_option(label=CONTOSO)
    reader.page.get_by_role("button", name="Show", exact=True).click()
    headings = reader.page.locator("li.asked h3")
    expect(headings).to_have_text([CONTOSO, CONTOSO])


def test_nobody_elses_questions_are_on_ones_page(visitor: Visitor, asked_about: AskedAbout) -> None:
    visitor.signs_in()
    visitor.page.goto(f"{visitor.town.issuer}/consents/asked")
    expect(visitor.page.get_by_role("main")).to_contain_text("Nobody has.")
    assert asked_about.told


def test_the_same_is_in_what_one_takes_home_and_on_the_page_to_print(asked_about: AskedAbout) -> None:
    visitor = asked_about.visitor
    visitor.page.goto(f"{visitor.town.issuer}/consents/everything")
    lines = visitor.page.locator("ol.lines li").all_inner_texts()
    assert len(asked_about.told) == len(lines)
    for line, (business, told) in zip(lines, asked_about.told, strict=True):
        assert line.startswith(business)
        assert told in line
    visitor.page.emulate_media(media="print")
    expect(visitor.page.get_by_role("navigation")).to_have_count(0)
    expect(visitor.page.get_by_role("link", name="Back to your consents")).to_be_hidden()
    visitor.page.emulate_media(media="screen")
    visitor.page.goto(f"{visitor.town.issuer}/consents")
    saved = visitor.downloads(visitor.page.get_by_role("link", name="Download everything that is kept about you"))
    visitor.page.goto(f"{visitor.town.issuer}/consents/asked")
    assert saved.count('"decided_at"') == len(asked_about.told)
    assert [saved.count(f'"asked_by": "{how}"') for how in ("id", "handle")] == [5, 1]


def test_a_long_list_is_read_page_by_page(visitor: Visitor) -> None:
    business: Business = visitor.town.broker.business(client_name=CONTOSO)
    visitor.signs_in()
    for _ in range(51):
        business.match(visitor.account.id, wire.fresh_email())
    visitor.page.goto(f"{visitor.town.issuer}/consents/asked")
    expect(visitor.page.locator("li.asked")).to_have_count(50)
    visitor.page.get_by_role("link", name="Earlier ones").click()
    expect(visitor.page.locator("li.asked")).to_have_count(1)
    visitor.page.get_by_role("link", name="Back to the latest").click()
    expect(visitor.page.locator("li.asked")).to_have_count(50)
