"""What the terms ask beyond a match: contact checks, recipients, redistributions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from broker.actions.broker import Broker
from broker.actions.gather_facts import Question
from broker.actions.redistribute import Handover
from broker.core.client import Client
from broker.core.fingerprint import Fingerprint
from broker.core.names import fold_name
from broker.core.purposes import CONTACT
from broker.store.recipients import Recipient
from broker.web.plain import AgreementsWire, plain_text, read_day
from broker.web.wire import PairWire, Text, Wire, Word

#: Objects of one handover: more than any platform has, and so few that no ledger of them outgrows 64 bits.
_MOST_OBJECTS = 10**12


class ContactWire(PairWire):
    """``POST /v1/contact/check``: fingerprints are lower-case hexadecimal."""

    content_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    content_simhash: Annotated[str, Field(pattern="^[0-9a-f]{16}$")] | None = None

    def to_core(self, broker: Broker) -> Question:
        """The pair, asked for contact."""
        return self.question(broker, purpose=CONTACT)

    def fingerprint(self) -> Fingerprint:
        """What the message's content looks like."""
        return Fingerprint(
            sha256=bytes.fromhex(self.content_sha256) if self.content_sha256 else None,
            simhash=int(self.content_simhash, 16) if self.content_simhash else None,
        )


class AcademicWire(Wire):
    """An academic recipient: its institution, and its statement that the research is not commercial."""

    institution: Text | None = None
    statement: Text | None = None


class PermissionWire(Wire):
    """The platform's permission in writing: where it can be read, and until when it holds (YYYY-MM-DD)."""

    reference: Text
    until: str

    def checked(self) -> dict[str, str]:
        """The permission, its day a day."""
        return {"reference": self.reference, "until": read_day("permission.until", self.until)}


class RecipientWire(Wire):
    """``POST /v1/recipients``."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    agreements: AgreementsWire
    academic: AcademicWire | None = None
    permission: PermissionWire | None = None

    def to_core(self, broker: Broker, client: Client) -> Recipient:
        """The recipient of the client's owner; its id counts where the owner has none of that name."""
        plain_text("name", self.name)
        return Recipient(
            recipient_id=broker.new_id(),
            owner=fold_name(client.registration.owner),
            environment=client.registration.environment,
            name=self.name,
            agreements=self.agreements.dates(),
            academic=self.academic.model_dump(exclude_none=True) if self.academic else None,
            permission=self.permission.checked() if self.permission else None,
        )


class RedistributionWire(Wire):
    """``POST /v1/redistributions``."""

    recipient: Word
    kind: Literal["post_ids", "user_ids", "posts", "users"]
    count: Annotated[int, Field(ge=1, le=_MOST_OBJECTS)]

    def to_core(self) -> Handover:
        """The handover, by a program."""
        return Handover(recipient_id=self.recipient, objects=self.kind, count=self.count)
