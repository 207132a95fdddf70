"""Plain text and plain days: what a business writes about itself and others, and pages show."""

from __future__ import annotations

import re
from datetime import date
from unicodedata import category

from broker.errors import MalformedRequest
from broker.web.wire import Wire

#: Letters that show nothing, and marks stacked over one letter.
_INVISIBLE = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f")
_STACKED = re.compile(r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class AgreementsWire(Wire):
    """When the business agreed to the platform's documents: dates, ``YYYY-MM-DD``."""

    terms_of_service: str | None = None
    privacy_policy: str | None = None
    developer_agreement: str | None = None
    developer_policy: str | None = None

    def dates(self) -> dict[str, str]:
        """The dates that are given, each a day of the calendar."""
        given = {name: day for name, day in self.model_dump().items() if day is not None}
        return {name: read_day(f"agreements.{name}", day) for name, day in given.items()}


def plain_text(name: str, text: str) -> None:
    """Text that stands on the consent page: it shows what it is, in one line, and turns no reading round."""
    seen = [letter for letter in text if category(letter)[0] in "LN" and letter not in _INVISIBLE]
    if not seen or not text.isprintable() or text != text.strip() or set(text) & _INVISIBLE or _STACKED.search(text):
        raise MalformedRequest(f"{name} must be plain, visible text in one line, without surrounding blanks")


def read_day(name: str, text: str) -> str:
    """A day of the calendar, ``YYYY-MM-DD``, or :class:`MalformedRequest`."""
    try:
        well_formed = _DAY.fullmatch(text) and date.fromisoformat(text)
    except ValueError:
        well_formed = None
    if not well_formed:
        raise MalformedRequest(f"{name} must be a date such as 2026-11-23")
    return text
