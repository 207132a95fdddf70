"""Face 2, from where a customer stands: what the shop may do, and until when."""

from journeys.visitor import Visitor


def test_the_shop_may_match_what_was_allowed_until_the_person_takes_it_back(visitor: Visitor) -> None:
    visitor.links("customer-care")
    for by in ("id", "handle"):
        assert visitor.asks_match("customer-care", by=by) == "Yes: the person consented."
    assert visitor.asks_match("newsletter") == (
        "No: the person did not allow this purpose, or it means something else by now: ask them again."
    )
    visitor.page.goto(visitor.withdrawal_link())
    visitor.withdraws()
    for by in ("id", "handle"):
        assert visitor.asks_match("customer-care", by=by) == "No: the person has taken the consent back."


def test_a_consent_given_again_after_a_withdrawal_counts_again(visitor: Visitor) -> None:
    visitor.links("customer-care")
    visitor.signs_in()
    visitor.withdraws()
    assert visitor.asks_match() == "No: the person has taken the consent back."
    visitor.page.get_by_role("button", name="Give up this link").click()
    visitor.asks_to_link()
    visitor.proves()
    visitor.answers("allow", "customer-care")
    assert visitor.asks_match() == "Yes: the person consented."
