"""Asking the match API, and what its answer means."""

import json
from dataclasses import dataclass
from typing import Any

from client import BrokerClient
from customers import Customer, Link
from given import tag_of
from linking import PURPOSES, identifier_of
from words import clauses_in_words, decision_in_words

# The last one the shop never declared: a "no" is worth seeing too.
ASKABLE = (*PURPOSES, "direct-marketing")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question to the match API with its answer."""

    by: str
    purpose: str
    said: str = ""
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

    @property
    def why(self) -> str:
        """The clauses that decided, in plain words; nothing when the broker did not decide."""
        return clauses_in_words(self.answer)

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


def ask_given(broker: BrokerClient, customer: Customer, *, purpose: str, said: str) -> Asked:
    """Ask the same of the handle that the customer gave, with a tag that says where the shop has it from."""
    question: dict[str, Any] = {
        "account": {"platform": "x", "handle": customer.handle},
        "identifier": identifier_of(customer),
        "purpose": purpose,
    }
    if tag := tag_of(customer, said):
        question["provenance"] = tag
    status, answer = broker.call("POST", "/v1/match", scope="match", body=question)
    return Asked(by="handle", purpose=purpose, said=said, question=question, status=status, answer=answer)
