"""Asking the match API, and what its answer means."""

import json
from dataclasses import dataclass
from typing import Any

from client import BrokerClient
from customers import Customer, Link
from linking import PURPOSES, identifier_of
from words import decision_in_words

# The last one the shop never declared: a "no" is worth seeing too.
ASKABLE = (*PURPOSES, "direct-marketing")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question to the match API with its answer."""

    by: str
    purpose: str
    question: dict[str, Any]
    status: int
    answer: Any

    @property
    def permitted(self) -> bool:
        """Whether the answer is a yes; anything but a plain true is a no."""
        return isinstance(self.answer, dict) and self.answer.get("decision") is True

    @property
    def verdict(self) -> str:
        """The answer in plain words."""
        return decision_in_words(self.status, self.answer)

    def shown(self, part: object) -> str:
        """Return JSON for people to read."""
        return json.dumps(part, indent=2, ensure_ascii=False)


def ask_match(broker: BrokerClient, customer: Customer, link: Link, *, by: str, purpose: str) -> Asked:
    """Ask whether the linked account and this customer may be tied together for a purpose."""
    named = {"handle": link.handle} if by == "handle" else {"id": link.account_id}
    question = {
        "account": {"platform": "x", **named},
        "identifier": identifier_of(customer),
        "purpose": purpose,
    }
    status, answer = broker.call("POST", "/v1/match", scope="match", body=question)
    return Asked(by=by, purpose=purpose, question=question, status=status, answer=answer)
