"""Face 3: what have I answered, on what evidence, and taking it back."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from harness import wire
from harness.evidence import evidence_in, header_of, payload_of
from journeys.conftest import Visit, arrival
from journeys.stack import Town
from journeys.visitor import Effort, Visitor
from playwright.sync_api import Browser, Page, expect

STEPS = 8


@dataclass(frozen=True)
class Settled:
    """Somebody who has allowed one purpose, with what they read and what the shop holds of it."""

    visitor: Visitor
    read: str
    of_shop: str

    def at_list(self) -> Page:
        """Return the list of everything they answered."""
        self.visitor.page.goto(f"{self.visitor.town.issuer}/consents")
        return self.visitor.page

    def at_receipt(self) -> Page:
        """Return the page of their one receipt."""
        self.at_list().locator("article").get_by_role("link").click()
        return self.visitor.page


@pytest.fixture(scope="module")
def settled(chromium: Browser, town: Town) -> Iterator[Settled]:
    """Give somebody who only looks, so that several tests can look over their shoulder."""
    with arrival(chromium, town) as visitor:
        visitor.comes_to_notice()
        read = visitor.reads_notice()
        visitor.answers("allow", "customer-care")
        of_shop = visitor.downloads_at_shop()
        visitor.signs_in()
        yield Settled(visitor, read, of_shop)


def test_the_list_says_who_may_match_what_with_what_for_what_and_until_when(settled: Settled) -> None:
    card = settled.at_list().locator("article")
    for part in ("Example Shop", f"@{settled.visitor.account.handle}", "e•••@post.example.com", "Customer care",
                 "privacy@shop.example", str(datetime.now(UTC).year + 1)):  # fmt: skip
        expect(card).to_contain_text(part)
    expect(card).not_to_contain_text("Newsletter")


def test_a_receipt_is_told_in_plain_words_and_checked_step_by_step(settled: Settled) -> None:
    page = settled.at_receipt()
    words = page.locator("blockquote p").all_inner_texts()
    assert [" ".join(line.split()) for line in words] == settled.read.splitlines()
    # Its proof is there within five seconds of the consent; until then the page offers to look again.
    deadline = time.monotonic() + 5
    while page.get_by_role("link", name="Look again").count() and time.monotonic() < deadline:
        page.get_by_role("link", name="Look again").click()
    steps = page.get_by_role("main").locator("ol li")
    assert steps.count() == STEPS
    assert [step for step in steps.all_inner_texts() if "not be confirmed" in step] == []


def test_the_receipt_downloaded_is_the_one_the_shop_holds_and_it_verifies(settled: Settled, tmp_path: Path) -> None:
    own = settled.visitor.downloads(settled.at_receipt().get_by_role("link", name="Download the receipt"))
    assert evidence_in(own).split("~")[0] == settled.of_shop.split("~")[0]
    assert header_of(own)["typ"] == "consent-receipt+sd-jwt"
    receipt, keys = tmp_path / "receipt.sd-jwt", tmp_path / "jwks.json"
    receipt.write_text(own)
    keys.write_text(wire.get(f"{settled.visitor.town.issuer}/.well-known/jwks.json").text)
    settled.visitor.town.broker.command("verify", str(receipt), "--jwks", str(keys))


def test_opening_the_receipts_link_changes_nothing(settled: Settled) -> None:
    link = payload_of(settled.of_shop)["record"]["withdrawal"]["uri"]
    for _ in range(2):
        settled.visitor.page.goto(link)
        expect(settled.visitor.button("withdraw")).to_be_visible()
    assert settled.visitor.asks_match() == "Yes: the person consented."


def test_a_refusal_stands_in_the_list_with_its_receipt(visitor: Visitor) -> None:
    visitor.refuses()
    visitor.signs_in()
    visitor.click(visitor.page.locator("article").get_by_role("link"))
    expect(visitor.page.get_by_role("heading", level=1)).to_contain_text("Refused")


def test_taking_it_back_from_the_list_costs_no_more_than_giving_it(visitor: Visitor) -> None:
    giving = gives(visitor)
    visitor.effort = Effort()
    visitor.signs_in()
    visitor.withdraws()
    assert visitor.effort.logins == 1
    assert visitor.effort.at_most(giving), f"{visitor.effort} against {giving}"
    assert visitor.asks_match().startswith("No:")


def test_taking_it_back_by_the_receipts_link_costs_less_and_needs_no_sign_in(visit: Visit) -> None:
    visitor, elsewhere = visit(), visit()  # a browser that has never been here
    giving = gives(visitor)
    elsewhere.open(visitor.withdrawal_link())
    elsewhere.withdraws()
    assert elsewhere.effort == Effort(clicks=2, fields=0, logins=0)
    assert elsewhere.effort.at_most(giving)
    assert visitor.asks_match().startswith("No:")


def gives(visitor: Visitor) -> Effort:
    """Give a consent in the fewest clicks there are, counted from the shop's button."""
    visitor.links("customer-care")
    return visitor.effort


def test_the_receipts_link_shows_one_consent_and_no_more(visitor: Visitor) -> None:
    visitor.links("newsletter")
    visitor.links("customer-care")
    visitor.page.goto(visitor.withdrawal_link())
    main = visitor.page.get_by_role("main")
    expect(main).to_contain_text("Customer care")
    expect(main).not_to_contain_text("Newsletter")
    visitor.withdraws()
    expect(visitor.button("withdraw")).to_have_count(0)
    visitor.signs_in()
    expect(visitor.button("withdraw")).to_have_count(1)


def test_after_a_withdrawal_its_own_receipt_is_in_the_list(visitor: Visitor) -> None:
    visitor.links()
    given = payload_of(visitor.downloads_at_shop())
    visitor.signs_in()
    visitor.withdraws()
    visitor.click(visitor.page.locator("article").get_by_role("link").first)
    expect(visitor.page.get_by_role("heading", level=1)).to_contain_text("Withdrawn")
    withdrawn = payload_of(visitor.downloads(visitor.page.get_by_role("link", name="Download the receipt")))
    assert withdrawn["record"]["replaces"] == given["jti"]


def test_nobody_reads_on_after_signing_out_not_even_by_going_back(visitor: Visitor) -> None:
    visitor.links()
    visitor.signs_in()
    visitor.click(visitor.page.locator("form[action$='/sign-out'] button"))
    sign_in = visitor.page.locator("form[action$='/sign-in']")
    expect(sign_in).to_be_visible()
    visitor.page.go_back()
    expect(sign_in).to_be_visible()
    assert visitor.page.locator("article").count() == 0
