"""What travels about streams and events: OpenID SSF 1.0 section 8.1, RFC 8936, and the SETs themselves."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from broker.actions.manage_stream import Wish
from broker.actions.poll_events import MOST, Poll
from broker.core.delivery import Method, StreamStatus
from broker.errors import MalformedRequest
from broker.web.wire import Text, Wire

_URI = Annotated[str, Field(min_length=1, max_length=512)]
_NAME = Annotated[str, Field(min_length=1, max_length=128)]
#: What may stand in a header, and in one line.
_LINE = Annotated[str, Field(min_length=1, max_length=2048, pattern=r"^[\x20-\x7e]+$")]
_METHODS = Literal["urn:ietf:rfc:8935", "urn:ietf:rfc:8936"]
_STATUSES = Literal["enabled", "paused", "disabled"]
_SAID = ("iss", "aud", "events_supported", "events_delivered", "min_verification_interval")


class AskedWire(Wire):
    """The base of what clients send here: what these standards may have added since is ignored, not refused."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class StreamDeliveryWire(AskedWire):
    """How a stream is delivered. Of one that is polled, the broker says where."""

    method: _METHODS
    endpoint_url: Text | None = None
    authorization_header: _LINE | None = Field(default=None, description="Sent with every push, and never shown again")


class StreamRequestWire(AskedWire):
    """What a client wants of its stream (section 8.1.1.1). Absent or empty events_requested stands for all."""

    delivery: StreamDeliveryWire | None = None
    events_requested: Annotated[list[_URI], Field(max_length=64)] | None = None
    description: Annotated[str, Field(max_length=256)] | None = None

    def wish(self) -> Wish:
        """What is wanted, as the verbs take it."""
        delivery = self.delivery
        method = Method(delivery.method) if delivery else None
        if delivery and method is Method.POLL and delivery.authorization_header is not None:
            raise MalformedRequest("delivery.authorization_header is for events that are pushed")
        return Wish(
            method=method,
            endpoint_url=delivery.endpoint_url if delivery else None,
            authorization=delivery.authorization_header if delivery else None,
            requested=None if self.events_requested is None else tuple(self.events_requested),
            description=self.description,
        )


class StreamChangeWire(StreamRequestWire):
    """A change of a stream (sections 8.1.1.3 and 8.1.1.4). What the broker supplies may stand in it as it is."""

    stream_id: _NAME
    iss: str | None = None
    aud: str | list[str] | None = None
    events_supported: list[str] | None = None
    events_delivered: list[str] | None = None
    min_verification_interval: int | None = None

    def said(self) -> dict[str, object]:
        """What the client says of what is the broker's."""
        return {name: value for name in _SAID if (value := getattr(self, name)) is not None}


class StreamWire(Wire):
    """A stream as the broker shows it (section 8.1.1)."""

    stream_id: str
    iss: str
    aud: str
    delivery: StreamDeliveryWire
    events_supported: list[str]
    events_requested: list[str] | None = None
    events_delivered: list[str]
    min_verification_interval: int
    description: str | None = None


class StreamStatusWire(AskedWire):
    """Whether a stream sends, keeps, or neither (section 8.1.2)."""

    stream_id: _NAME
    status: _STATUSES
    reason: Annotated[str, Field(max_length=256)] | None = None

    @property
    def wanted(self) -> StreamStatus:
        """The status as the verbs take it."""
        return StreamStatus(self.status)


class VerificationWire(AskedWire):
    """A request for a verification event (section 8.1.4.2)."""

    stream_id: _NAME
    state: Annotated[str, Field(max_length=1024)] | None = None


class SetErrorWire(AskedWire):
    """Why a SET could not be taken (RFC 8936 section 2.6)."""

    err: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
    description: Annotated[str, Field(max_length=2048)] | None = None


class PollWire(AskedWire):
    """A poll (RFC 8936 section 2.4): what is acknowledged, what could not be taken, and how much more is wanted."""

    max_events: Annotated[int, Field(ge=0, le=2**31)] | None = Field(default=None, alias="maxEvents")
    return_immediately: bool | None = Field(default=None, alias="returnImmediately")
    ack: Annotated[list[_NAME], Field(max_length=10 * MOST)] | None = None
    set_errs: Annotated[dict[_NAME, SetErrorWire], Field(max_length=10 * MOST)] | None = Field(
        default=None, alias="setErrs"
    )

    def poll(self) -> Poll:
        """The poll as the verb takes it."""
        errors = {event_id: error.err for event_id, error in (self.set_errs or {}).items()}
        most = MOST if self.max_events is None else self.max_events
        return Poll(most=most, acknowledged=tuple(self.ack or ()), errors=errors)


class PolledWire(Wire):
    """What a poll is answered with (RFC 8936 section 2.5)."""

    sets: dict[str, str]
    more_available: bool = Field(alias="moreAvailable")


class ReceiptSubjectWire(Wire):
    """The receipt that the consent was given with (SSF 1.0 section 3.5.1)."""

    format: Literal["jwt_id"]
    iss: str
    jti: str


class StreamSubjectWire(Wire):
    """A stream."""

    format: Literal["opaque"]
    id: str


class ToldWire(Wire):
    """What an event about a consent says: when it happened, which grant, and the receipt of the event itself."""

    event_timestamp: Annotated[int, Field(description="Seconds since 1970")]
    grant_id: str
    receipt_id: str
    change: (
        Annotated[
            Literal["renamed", "gone", "back"], Field(description="Of handle-changed: what happened to the account")
        ]
        | None
    ) = None
    valid_until: Annotated[str, Field(description="Of consent-expires-soon: when the consent ends")] | None = None


class VerificationToldWire(Wire):
    """What a verification event says."""

    state: str | None = None


class SecurityEventWire(Wire):
    """The claims of a SET (RFC 8417), as application/secevent+jwt. There is one event in it, and no ``exp``."""

    iss: str
    iat: int
    jti: Annotated[str, Field(description="The event's id: one that came before is the same event")]
    aud: Annotated[str, Field(description="The client's id")]
    txn: str
    sub_id: ReceiptSubjectWire | StreamSubjectWire
    events: Annotated[dict[str, ToldWire | VerificationToldWire], Field(min_length=1, max_length=1)]
