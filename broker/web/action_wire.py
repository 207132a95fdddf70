"""What travels about actions: a client's statement, and the receipt that the broker signs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from broker.web.receipt_wire import PartyWire
from broker.web.wire import Wire

Did = Literal["unlinked", "deleted", "restricted"]
_PART = Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[A-Za-z0-9_-]+$")]


class FlattenedWire(Wire):
    """A statement as flattened JSON (RFC 7515 section 7.2.2); its payload is an action-statement."""

    protected: _PART
    payload: _PART
    signature: _PART

    def compact(self) -> str:
        """The same in the compact form, which is the one that is kept."""
        return f"{self.protected}.{self.payload}.{self.signature}"


class ActionStatementWire(Wire):
    """The payload of a statement, signed with ES256 by a key of the client's jwks (typ consent-action+jwt)."""

    event: Annotated[str, Field(description="The event's id: the jti of its SET")]
    action: Did
    done_at: Annotated[str, Field(description="RFC 3339, between the event and now")]
    iss: Annotated[str, Field(description="The client's id")] | None = None
    aud: Annotated[str, Field(description="The broker, as one string")] | None = None
    iat: int | None = None


class KeyWire(Wire):
    """The registered key that signed the statement."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: str
    y: str
    kid: str


class ReceivedActionWire(Wire):
    """What was stated, about which event; the statement stands in it whole, with the key that signed it."""

    event: str
    event_type: str
    event_time: str
    due_at: Annotated[str, Field(description="By when it was to be answered, where it was")] | None = None
    action: Did
    done_at: str
    received_at: str
    stated_by: PartyWire
    received_by: PartyWire
    statement: str
    key: KeyWire


class ActionReceiptWire(Wire):
    """The receipt of an action (``action-receipt+sd-jwt``): it names an event and no person, and discloses nothing."""

    iss: str
    jti: str
    iat: int
    aud: Annotated[str, Field(description="The client's id")]
    vct: str
    action: ReceivedActionWire
    sd_alg: Literal["sha-256"] = Field(alias="_sd_alg")
    sd: list[str] = Field(alias="_sd")
