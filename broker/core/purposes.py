"""The purposes a client may declare, each with its term in the Data Privacy Vocabulary."""

from __future__ import annotations

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

#: Purposes that no consent lifts. Named here so that a request can be told why; decided by the policy document.
PROHIBITED: Mapping[str, str] = {
    "sensitive-inference": "SENSITIVE-1",
    "platform-benchmarking": "MEASURE-1",
    "surveillance": "SURVEILLANCE-1",
    "event-monitoring": "SURVEILLANCE-2",
    "group-tracking": "SURVEILLANCE-3",
    "background-check": "SURVEILLANCE-4",
    "credit-risk": "SURVEILLANCE-5",
    "insurance-risk": "SURVEILLANCE-5",
    "profiling": "SURVEILLANCE-6",
    "facial-recognition": "SURVEILLANCE-7",
}
