"""Every name that linked data of receipts may use of the Data Privacy Vocabulary 2.3, as its tables have them.

Compared with dpv.csv, pd.csv and legal/eu/gdpr/eu-gdpr.csv of the 2.3 release (2026-02): each is there, a property
where it stands between two things, and a class elsewhere. Locations are ISO 3166, in the form of loc.csv.
"""

import re

DPV = "https://w3id.org/dpv#"
PROPERTIES = {
    "hasConsentControl", "hasConsentStatus", "hasDataController", "hasDataProcessor", "hasDataSource", "hasDataSubject",
    "hasDuration", "hasEntity", "hasIdentifier", "hasIndicationMethod", "hasJurisdiction", "hasLegalBasis",
    "hasLocation", "hasName", "hasNecessity", "hasNotice", "hasPersonalData", "hasProcess", "hasProcessing",
    "hasPurpose", "hasRecipient", "hasRecordOfActivity", "hasRight", "hasStorageCondition", "isExercisedAt",
    "isIndicatedAtTime", "isIndicatedBy",
}  # fmt: skip
CLASSES = {
    "ConsentExpired", "ConsentGiven", "ConsentNotice", "ConsentReceipt", "ConsentRecord", "ConsentRefused",
    "ConsentRevoked", "ConsentWithdrawn", "DataController", "DataProcessor", "DataSubject", "DataSubjectDataSource",
    "DataSubjectRight", "EndlessDuration", "Entity", "ExplicitlyExpressedConsent", "Location", "Match", "Optional",
    "PersonalData", "Process", "Purpose", "Recipient", "StorageDuration", "StorageLocation", "Store",
    "TemporalDuration", "UntilTimeDuration", "WithdrawConsent",
}  # fmt: skip
PURPOSES = {
    "AccountManagement", "CommunicationForCustomerCare", "CommunicationManagement", "CustomerCare",
    "CustomerRelationshipManagement", "DirectMarketing", "FraudPreventionAndDetection", "IdentityVerification",
    "ServicePersonalisation",
}  # fmt: skip
ELSEWHERE = {
    "https://w3id.org/dpv/pd#UID",
    "https://w3id.org/dpv/pd#Username",
    *(f"https://w3id.org/dpv/legal/eu/gdpr#{right}" for right in ("A7-3", "A17", "A20", "A21")),
    "https://w3id.org/dpv/legal/eu/gdpr#A6-1-a-explicit-consent",
    "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr",
    "https://w3id.org/dpv/schema/dpv-27560#record",
}
LOCATION = re.compile(r"https://w3id\.org/dpv/loc#[A-Z]{2,3}(-[A-Z0-9]{1,3})?")
THINGS = {f"{DPV}{name}" for name in CLASSES | PURPOSES} | ELSEWHERE
#: Of the other vocabularies.
OTHERS = {
    *(f"http://purl.org/dc/terms/{name}" for name in (
        "conformsTo", "created", "description", "identifier", "language", "publisher", "replaces",
    )),
    *(f"https://schema.org/{name}" for name in (
        "contactPoint", "email", "name", "streetAddress", "telephone", "url", "version",
    )),
    "http://www.w3.org/2004/02/skos/core#broader",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#type",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#value",
}  # fmt: skip
KINDS = {"https://schema.org/ContactPoint", "https://schema.org/PostalAddress"}
