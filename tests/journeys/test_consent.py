"""Face 1: the notice, and a choice that is the person's own."""

from datetime import UTC, datetime

import pytest
from harness.evidence import payload_of
from journeys.conftest import Visit
from journeys.evidence import signed_words
from journeys.visitor import Visitor, canonical
from playwright.sync_api import expect

LOCALES = {"en": "en-GB", "de": "de-DE"}
WORKS_ALL_THE_SAME = "You said no. Your account works all the same."


@pytest.fixture(params=LOCALES)
def language(request: pytest.FixtureRequest) -> str:
    """Give a language of the notice."""
    chosen: str = request.param
    return chosen


@pytest.fixture
def reader(visit: Visit, language: str) -> Visitor:
    """Give somebody who stands before the notice in that language."""
    visitor = visit(locale=LOCALES[language])
    visitor.comes_to_notice()
    return visitor


def test_nothing_is_ticked_when_the_notice_opens(reader: Visitor) -> None:
    assert [box.is_checked() for box in reader.page.get_by_role("checkbox").all()] == [False, False]


def test_the_words_on_the_screen_are_the_words_in_the_receipt(reader: Visitor, language: str) -> None:
    read = reader.reads_notice()
    reader.answers("allow", "newsletter")
    receipt = reader.downloads_at_shop()
    assert canonical(signed_words(receipt)) == read
    assert payload_of(receipt)["record"]["notice"]["language"] == language


def test_the_notice_says_who_asks_what_is_linked_to_what_until_when_and_how_to_take_it_back(reader: Visitor) -> None:
    read = reader.reads_notice()
    for part in ("Example Shop", f"@{reader.account.handle}", "e•••@post.example.com", "privacy@shop.example",
                 f"{reader.town.issuer}/consents", str(datetime.now(UTC).year + 1)):  # fmt: skip
        assert part in read


def test_allow_with_nothing_ticked_links_nothing_and_puts_the_reason_in_focus(visitor: Visitor) -> None:
    visitor.comes_to_notice()
    visitor.answers("allow")
    alert = visitor.page.get_by_role("alert")
    expect(alert).to_be_focused()
    expect(alert).to_contain_text("tick at least one purpose")
    assert visitor.is_at_broker()
    visitor.answers("allow", "customer-care")
    assert visitor.at_shop() == f"Your X account @{visitor.account.handle} is linked."


def test_only_what_was_ticked_is_granted(visitor: Visitor) -> None:
    visitor.links("newsletter")
    processing = payload_of(visitor.downloads_at_shop())["record"]["processing"]
    assert [entry["purpose_id"] for entry in processing] == ["newsletter"]


def test_a_reload_shows_the_same_notice_and_ticks_nothing(visitor: Visitor) -> None:
    visitor.comes_to_notice()
    read = visitor.reads_notice()
    visitor.click(visitor.box("newsletter"))
    visitor.page.reload()
    assert visitor.reads_notice() == read
    expect(visitor.box("newsletter")).not_to_be_checked()
    visitor.answers("allow", "customer-care")
    assert "is linked" in visitor.at_shop()


def test_going_back_after_the_answer_meets_a_calm_page_and_no_second_choice(visitor: Visitor) -> None:
    visitor.links()
    visitor.page.go_back()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("This step cannot be finished")
    assert visitor.page.locator("form").count() == 0
    visitor.page.go_forward()
    expect(visitor.page.locator("#linked-handle")).to_have_text(f"@{visitor.account.handle}")


def test_a_refusal_leads_back_to_the_shop_where_the_account_works_all_the_same(visitor: Visitor) -> None:
    visitor.comes_to_notice()
    visitor.answers("refuse")
    assert visitor.at_shop() == WORKS_ALL_THE_SAME
    answer = visitor.watch.sent_to(f"{visitor.town.shop_url}/callback")
    assert (answer["error"], answer["iss"]) == ("access_denied", visitor.town.issuer)
    assert set(answer) <= {"error", "error_description", "iss", "state"}
    visitor.asks_to_link()
    visitor.proves()
    visitor.answers("allow", "customer-care")
    assert "is linked" in visitor.at_shop()


def test_who_turns_back_at_the_platform_is_back_at_the_shop(visitor: Visitor) -> None:
    visitor.signs_up()
    visitor.asks_to_link()
    visitor.click(visitor.page.locator("button[value=cancel]"))
    assert visitor.at_shop() == WORKS_ALL_THE_SAME


def test_another_account_than_the_form_named_is_told_so_and_nothing_is_linked(visitor: Visitor) -> None:
    visitor.signs_up(handle="somebody_else")
    visitor.asks_to_link()
    visitor.proves()
    main = visitor.page.get_by_role("main")
    expect(main).to_contain_text(f"@{visitor.account.handle}")
    expect(main).to_contain_text("@somebody_else")
    visitor.click(main.get_by_role("link"))
    visitor.at_shop()
    assert visitor.page.locator("#linked-handle").count() == 0
