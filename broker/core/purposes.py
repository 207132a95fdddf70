"""The purposes a client may declare, each with its term in the Data Privacy Vocabulary."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

DPV = "https://w3id.org/dpv#"


@dataclass(frozen=True)
class Purpose:
    """A purpose by its id on the wire; ``term`` is the DPV concept it stands for."""

    id: str
    term: str

    @property
    def concept(self) -> str:
        """The concept, as receipts name it."""
        return f"dpv:{self.term}"

    @property
    def iri(self) -> str:
        """The concept's IRI."""
        return DPV + self.term


PURPOSES: Mapping[str, Purpose] = {
    purpose.id: purpose
    for purpose in (
        Purpose("customer-care", "CustomerCare"),
        Purpose("account-management", "AccountManagement"),
        Purpose("identity-verification", "IdentityVerification"),
        Purpose("fraud-prevention", "FraudPreventionAndDetection"),
        Purpose("service-personalisation", "ServicePersonalisation"),
        Purpose("newsletter", "CommunicationManagement"),
        Purpose("direct-marketing", "DirectMarketing"),
        Purpose("professional-contact", "CustomerRelationshipManagement"),
        Purpose("contact", "CommunicationForCustomerCare"),
    )
}

#: In the place of a purpose that is nobody's, where answers are kept and counted.
OTHER_PURPOSE = "other"
#: The purpose that automated messages need, and that no link implies (CONTACT-1).
CONTACT = "contact"

#: Purposes that no consent lifts, by the names under which a client may try to declare them.
PROHIBITED = (
    "sensitive-inference",
    "platform-benchmarking",
    "surveillance",
    "event-monitoring",
    "group-tracking",
    "background-check",
    "credit-risk",
    "insurance-risk",
    "profiling",
    "facial-recognition",
)

#: A client's own, narrower purpose: its id, under a purpose of the vocabulary.
NARROWER_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+){0,7}")
MAX_NARROWER = 48


def purpose_family(purpose: str, narrower: Mapping[str, str]) -> frozenset[str]:
    """A purpose and, for a client's own, the one of the vocabulary it stands under."""
    return frozenset({purpose, narrower.get(purpose, purpose)})


def known_family(purpose: str, narrower: Mapping[str, str]) -> frozenset[str]:
    """What of a purpose's family the vocabulary knows; nothing when the purpose is nobody's."""
    return purpose_family(purpose, narrower) & {*PURPOSES, *PROHIBITED}
