"""What a receipt says, for a page that shows many: read from what was signed, not checked here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from broker.core.consent import ConsentStatus
from broker.proof.bundle import Bundle
from broker.proof.receipt import IDENTIFIER, WORDS
from broker.proof.sdjwt import parse, payload_of
from broker.web.receipt_wire import ReceiptWire
from broker.web.wording import purpose_title

_STATUS_OF = {status.dpv: status.value for status in ConsentStatus}


@dataclass(frozen=True, kw_only=True)
class ReceiptText:
    """One receipt in words; ``words`` are those of the notice, a block a line, and none where they are not kept."""

    receipt_id: str
    status: str
    time: datetime
    business: str
    purposes: tuple[str, ...]
    identifier: str | None
    language: str
    words: tuple[str, ...]


def receipt_text(bundle: Bundle) -> ReceiptText:
    """Return what the bundle's receipt says."""
    whole = parse(bundle.evidence)
    signed = ReceiptWire.model_validate(payload_of(whole.jwt))
    record, shown = signed.record, {entry.name: entry.value for entry in whole.disclosures}
    identifier, words = shown.get(IDENTIFIER), shown.get(WORDS)
    return ReceiptText(
        receipt_id=signed.jti,
        status=_STATUS_OF[record.event.state],
        time=datetime.fromisoformat(record.event.time),
        business=record.parties[0].name,
        purposes=tuple(purpose_title(entry.purpose_id, entry.broader) for entry in record.processing),
        identifier=str(identifier["value"]) if isinstance(identifier, dict) else None,
        language=record.notice.language,
        words=tuple(str(words).split("\n")) if words else (),
    )
