"""The payload of a receipt as a model: what its JSON Schema is exported from, and what receipts are held to."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from broker.web.wire import Wire


class StatusListWire(Wire):
    """Where a Token Status List tells whether the consent still stands."""

    idx: int = Field(ge=0)
    uri: str


class StatusWire(Wire):
    """The ``status`` claim."""

    status_list: StatusListWire


class NoticeWire(Wire):
    """Which notice was shown.

    ``sha256`` commits to the exact words, ``text_sha256`` to the text with the personal values left open.
    """

    id: str
    version: str
    language: str
    sha256: str
    text_sha256: str


class StorageWire(Wire):
    """Where and until when the link may be kept."""

    locations: list[str]
    retention: str


class ProcessingWire(Wire):
    """One purpose, in DPV terms."""

    purpose: str
    purpose_id: str
    broader: str | None = None
    purpose_text: str
    operation: list[str]
    personal_data: list[str]
    necessity: str
    data_source: str
    recipients: list[str]
    jurisdictions: list[str]
    lawful_basis: str | None = None
    storage: StorageWire | None = None


class WithdrawalWire(Wire):
    """How the consent is taken back: a link that opens it without any sign-in."""

    uri: str
    control: str


class PartyWire(Wire):
    """The business, or the broker."""

    id: str
    role: str
    type: str
    name: str
    contact: str
    address: str | None = None


class TermsWire(Wire):
    """The policy document in force."""

    id: str
    version: str
    digest: str


class SignalsWire(Wire):
    """What the person's browser said by itself."""

    gpc: bool | None = None


class EventWire(Wire):
    """What happened, when, by whom and how."""

    type: str
    state: Literal[
        "dpv:ConsentGiven", "dpv:ConsentRefused", "dpv:ConsentWithdrawn", "dpv:ConsentRevoked", "dpv:ConsentExpired"
    ]
    time: str
    valid_until: str
    by: str
    method: str
    txn: str
    signals: SignalsWire


class RecordWire(Wire):
    """The consent record, in the fields of ISO/IEC TS 27560."""

    record_id: str
    replaces: str | None
    platform: str
    brand: str | None = None
    notice: NoticeWire
    processing: list[ProcessingWire]
    withdrawal: WithdrawalWire
    rights: list[str]
    parties: list[PartyWire]
    policy: TermsWire
    event: EventWire


class ReceiptWire(Wire):
    """The signed payload. ``account``, ``identifier`` and ``notice_words`` are disclosures beside it."""

    iss: str
    jti: str
    iat: int
    nbf: int
    sub: str
    aud: str
    vct: str
    schema_version: str
    status: StatusWire
    record: RecordWire
    sd_alg: Literal["sha-256"] = Field(alias="_sd_alg")
    sd: list[str] = Field(alias="_sd")
