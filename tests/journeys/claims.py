"""Businesses that know somebody without having asked: what they say, and what the broker answers them."""

from dataclasses import dataclass

import requests
from harness import wire
from harness.business import Business, person_email

GIVEN = {
    "tag": "user_provided",
    "collected_at": "2026-03-01",
    "channel": "signup-form",
    "relationship": "customer",
    "expected_purposes": ["customer-care", "account-management"],
    "disclosure": {"url": "https://northwind.example/privacy", "version": "3", "sha256": "a" * 64},
}


@dataclass(frozen=True)
class Acquaintance:
    """A business that has somebody's details from themselves, and matches on that."""

    business: Business
    account: str
    email: str

    def asks(self, purpose: str = "customer-care") -> str:
        """Ask for a match: the basis of a yes, the reason of a no."""
        context = self.business.match(self.account, self.email, purpose)["context"]
        found: str = context.get("basis") or context["reason"]
        return found


def acquaint(business: Business, account: str) -> Acquaintance:
    """Let a business say that the person gave it their details."""
    met = Acquaintance(business, account, wire.fresh_email())
    answer = offer(met)
    if answer.status_code != 201:
        raise AssertionError(answer.text)
    return met


def offer(met: Acquaintance) -> requests.Response:
    """Offer the association without consent."""
    pair = {"account": {"platform": "x", "id": met.account}, "identifier": person_email(met.email)}
    headers = wire.bearer(met.business.client_token())
    return wire.post(f"{met.business.issuer}/v1/associations", json={**pair, "provenance": GIVEN}, headers=headers)
