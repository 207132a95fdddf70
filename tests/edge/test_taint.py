"""What was once offered under a refused origin stays refused, whatever the account and the record are called then."""

import pytest
from harness import tags, wire
from harness.business import Business
from harness.person import Person

pytestmark = pytest.mark.parametrize("broker", ["sqlite"], indirect=True, scope="session")

REJECTED = (False, "provenance_rejected", ["MATCH-4a"])


def of(business: Business, account: object, identifier: object, tag: tags.Tag | None = None) -> tuple[object, ...]:
    """Ask for a match; return yes or no, on what basis or for what reason, by which clauses."""
    answer = business.match(account, identifier, tag=tag)
    context = answer["context"]
    return answer["decision"], context.get("basis") or context["reason"], context["clauses"]


REFUSED: dict[str, tuple[tags.Tag, str]] = {
    **{origin: (tags.user_provided(origin=origin), "MATCH-4a")
       for origin in ("third_party", "bought", "inferred", "leaked", "restricted")},
    "a leaked directory": (tags.in_directory(origin="leaked"), "MATCH-4b1"),
    "a protected account": (tags.on_platform(origin="restricted"), "MATCH-4b2"),
    "a people-search broker": (tags.in_directory("https://www.spokeo.com/jane-doe"), "MATCH-4b1"),
    "a page behind a login": (tags.in_directory("https://engineers.example/login?next=/members"), "MATCH-4b1"),
    "an origin of no known word": (tags.user_provided(origin="hearsay"), "MATCH-4a"),
    "an origin that is a number": (tags.in_directory(origin=7), "MATCH-4b1"),
    "a tag that is the origin": (tags.user_provided(tag="bought"), "MATCH-4"),
}  # fmt: skip


@pytest.mark.parametrize(("tag", "clause"), REFUSED.values(), ids=REFUSED.keys())
def test_a_refused_origin_is_remembered_against_the_pair(business: Business, tag: tags.Tag, clause: str) -> None:
    account, email = wire.fresh_account(), wire.fresh_email()
    answer = business.associate(account, email, tag)
    assert (422, True) == (answer.status_code, clause in answer.json()["clauses"])
    for other in (tags.user_provided(), tags.in_directory(), tags.on_platform()):
        assert (422, True, ["MATCH-4a"]) == wire.refusal_of(business.associate(account, email, other))
        beside = business.match(account, email, tag=other)
        assert (False, "provenance_rejected", ["MATCH-4a"]) == (
            beside["decision"], beside["context"]["reason"], beside["context"]["clauses"],
        )  # fmt: skip
    assert 201 == business.associate(account, wire.fresh_email(), tags.user_provided()).status_code
    assert 201 == business.associate(wire.fresh_account(), email, tags.user_provided()).status_code


def test_what_another_client_was_refused_is_not_remembered_against_this_one(
    business: Business, other_business: Business
) -> None:
    account, email = wire.fresh_account(), wire.fresh_email()
    assert 422 == other_business.associate(account, email, tags.user_provided(origin="bought")).status_code
    assert 201 == business.associate(account, email, tags.user_provided()).status_code


def test_a_refused_origin_takes_back_what_was_accepted_before(business: Business) -> None:
    account, email = wire.fresh_account(), wire.fresh_email()
    kept = business.associate(account, email, tags.user_provided()).json()
    assert "permitted" == business.reason(account, email)
    assert 422 == business.associate(account, email, tags.user_provided(origin="third_party")).status_code
    denied = business.match(account, email)
    assert ("provenance_rejected", ["MATCH-4a"]) == (denied["context"]["reason"], denied["context"]["clauses"])
    assert 200 == business.association(kept["id"]).status_code


# --- wherever the tag says so ------------------------------------------------------------------------------------


BROKERED = {"kind": "website", "url": "https://spokeo.com/jane", "retrieved_at": tags.days_ago(3), "sha256": tags.SEEN}
WRAPPERS = (
    "https://reader.example/?u=https://spokeo.com/jane", "https://www.spokeo.co.uk/jane",
    "https://web.archive.org/web/2026/https://www.spokeo.com/jane", "https://spokeo-com.translate.goog/jane",
    "https://engineers.example/%256cogin/", "https://[::1]/", "https://10.0.0.5/", "https://localhost/",
    "https://x.com/messages/1", "https://t.me/joinchat/1", "https://facebook.com/groups/secret",
)  # fmt: skip
GUARDED: dict[str, tuple[tags.Tag, str]] = {
    "given, and found at a people-search broker": (tags.user_provided(source=BROKERED), "MATCH-4a"),
    "shown a paper of a people-search broker's": (
        tags.user_provided(disclosure={**tags.DISCLOSURE, "url": "https://spokeo.com/privacy"}), "MATCH-4a"),
    **{channel: (tags.user_provided(channel=channel), "MATCH-4a")
       for channel in ("bought-list", "data-broker", "third_party", "inferred", "leak")},
    **{url: (tags.in_directory(url), "MATCH-4b1") for url in WRAPPERS},
}  # fmt: skip


@pytest.mark.parametrize(("tag", "clause"), GUARDED.values(), ids=GUARDED.keys())
def test_a_refused_origin_is_seen_wherever_the_tag_names_it(business: Business, tag: tags.Tag, clause: str) -> None:
    account, email = wire.fresh_account(), wire.fresh_email()
    status, is_problem, clauses = wire.refusal_of(business.associate(account, email, tag))
    assert (422, True, True) == (status, is_problem, clause in clauses)
    assert REJECTED == of(business, account, email, tags.user_provided())


# --- under another name of the account -----------------------------------------------------------------------------


def test_a_record_bought_for_a_handle_is_refused_for_the_account_that_proves_the_handle(
    business: Business, person: Person
) -> None:
    by_handle, email = {"platform": "x", "handle": person.account.handle}, wire.fresh_email()
    assert REJECTED == of(business, by_handle, email, tags.user_provided(origin="bought"))
    person.signs_in()
    for named in (person.account.id, by_handle):
        assert REJECTED == of(business, named, email, tags.user_provided())


def test_a_record_bought_for_a_handle_is_refused_when_the_handle_leads_to_the_account(
    business: Business, person: Person
) -> None:
    by_handle, email = {"platform": "x", "handle": person.account.handle}, wire.fresh_email()
    assert REJECTED == of(business, by_handle, email, tags.user_provided(origin="bought"))
    linked = person.consents(business)
    assert (True, "consent", ["MATCH-2"]) == of(business, by_handle, linked.email)
    for named in (person.account.id, by_handle):
        assert REJECTED == of(business, named, email, tags.user_provided())


def test_a_record_bought_for_an_account_is_refused_for_its_handle(business: Business, person: Person) -> None:
    by_handle, email = {"platform": "x", "handle": person.account.handle}, wire.fresh_email()
    assert REJECTED == of(business, person.account.id, email, tags.user_provided(origin="bought"))
    person.signs_in()
    assert REJECTED == of(business, by_handle, email, tags.user_provided())


# --- in another spelling of the record -----------------------------------------------------------------------------

FIRST: dict[str, dict[str, str]] = {
    "email": {"kind": "person", "type": "email", "value": "jane@example.com"},
    "phone": {"kind": "person", "type": "phone", "value": "+49 30 1234567"},
    "customer": {"kind": "person", "type": "customer_id", "value": "Cust-1"},
}
THEN: dict[str, tuple[str, dict[str, str]]] = {
    "an address as a customer": ("email", {"type": "customer_id", "value": "jane@example.com"}),
    "an address as a household": ("email", {"kind": "household", "type": "household_id", "value": "jane@example.com"}),
    "an address as a device": ("email", {"kind": "device", "type": "device_id", "value": "JANE@example.com"}),
    "an address as a browser": ("email", {"kind": "browser", "type": "browser_id", "value": "jane@example.com"}),
    "an address as mail": ("email", {"kind": "other", "type": "other", "name": "mail", "value": "jane@example.com"}),
    "an address in full width": ("email", {"value": "\uff4aane@example.com"}),
    "a phone with a trunk zero": ("phone", {"value": "+49 (0)30 1234567"}),
    "a phone as a customer": ("phone", {"type": "customer_id", "value": "49301234567"}),
    "a customer in small letters": ("customer", {"value": "cust-1"}),
    "a customer with another dash": ("customer", {"value": "Cust\u20101"}),
    "a customer in full width": ("customer", {"value": "\uff23ust-1"}),
}


@pytest.mark.parametrize(("bought", "changes"), THEN.values(), ids=THEN.keys())
def test_a_bought_record_is_refused_as_any_other_type_and_in_any_other_spelling(
    business: Business, bought: str, changes: dict[str, str]
) -> None:
    account, again = wire.fresh_account(), {**FIRST[bought], **changes}
    assert REJECTED == of(business, account, FIRST[bought], tags.user_provided(origin="bought"))
    assert REJECTED == of(business, account, again, tags.user_provided())
    assert (True, "user_provided", ["MATCH-4a"]) == of(business, wire.fresh_account(), again, tags.user_provided())


@pytest.mark.parametrize("value", ["ja\u034fne@example.com", "jane\ufe0f@example.com", '"jane"@example.com'])
def test_an_address_with_letters_that_nobody_sees_is_none(business: Business, value: str) -> None:
    identifier = {**FIRST["email"], "value": value}
    answer = business.associate(wire.fresh_account(), identifier, tags.user_provided())
    assert (400, True, []) == wire.refusal_of(answer)
