"""A client acts while it is active, and not while it is held or suspended."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from broker.core.client import Client, Registration, Standing, claims_of

REGISTERED = Registration(
    client_name="Northwind",
    client_uri="https://northwind.example/",
    redirect_uris=("https://northwind.example/linked",),
    jwks={"keys": []},
    contacts=("privacy@northwind.example",),
    policy_uri=None,
    tos_uri=None,
    scopes=("match",),
    owner="Northwind Ltd",
    environment="prod",
    use_case="Answer customers",
    purposes=("customer-care",),
    platforms=("x",),
    brands=(),
    agreements={},
)


@pytest.mark.parametrize("standing", list(Standing))
def test_only_an_active_client_acts(standing: Standing) -> None:
    client = Client(
        client_id="northwind",
        registration=REGISTERED,
        standing=standing,
        registered_at=datetime(2026, 11, 23, tzinfo=UTC),
    )
    assert (standing is Standing.ACTIVE) is client.active


def test_a_use_case_takes_its_words_and_every_purpose_on_every_platform() -> None:
    claims = claims_of(replace(REGISTERED, purposes=("customer-care", "contact"), platforms=("x", "mastodon")))
    assert {"x customer-care", "x contact", "mastodon customer-care", "mastodon contact"} < set(claims)
    words = [claim for claim in claims if " words:" in claim]
    assert 2 == len(words)
    assert 6 == len(claims) == len(set(claims))


SAME_WORDS = ["answer customers", "  Answer   CUSTOMERS ", "Answer\u00a0customers", "\uff21nswer customers"]


@pytest.mark.parametrize("use_case", SAME_WORDS)
def test_the_same_words_are_the_same_use_case_however_they_are_written(use_case: str) -> None:
    assert claims_of(REGISTERED) == claims_of(replace(REGISTERED, use_case=use_case))


def test_other_words_are_another_use_case() -> None:
    claims = claims_of(REGISTERED), claims_of(replace(REGISTERED, use_case="Answer patients"))
    assert {"x customer-care"} == set(claims[0]) & set(claims[1])


def test_a_purpose_of_ones_own_takes_the_one_it_stands_under() -> None:
    own = replace(REGISTERED, purposes=("parcel-tracing",), narrower={"parcel-tracing": "customer-care"})
    assert claims_of(REGISTERED) == claims_of(own)
