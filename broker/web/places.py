"""A place in a long list, as it stands in an address."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from broker.errors import MalformedRequest
from broker.store.paging import Place

#: Entries on a page.
PAGE = 50
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WRITTEN = re.compile(r"([0-9]{1,16})\.([a-z2-7]{26})")


def write_place(place: Place) -> str:
    """Microseconds since 1970, and the entry's id: no two entries have one place."""
    return f"{(place.at - _EPOCH) // timedelta(microseconds=1)}.{place.name}"


def read_place(text: str | None) -> Place | None:
    """The place that an address names, or None for the beginning; raise :class:`MalformedRequest` for any other."""
    if text is None:
        return None
    written = _WRITTEN.fullmatch(text)
    if written is None:
        raise MalformedRequest("before must be a place that a page of the list led to")
    return Place(_EPOCH + timedelta(microseconds=int(written[1])), written[2])
