"""Searches page by page (AuthZEN 1.0 section 8.2): a token is sealed, and opens for the search that it was given to.

Whoever changes anything of the search, or is another client, is told so (section 8.2: "SHOULD return an error").
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from broker.actions.broker import Broker
from broker.core.client import Client
from broker.errors import MalformedRequest
from broker.store.sealing import SealBroken, Sealer
from broker.web.authzen_wire import PageWire, SearchWire

#: Links that one request looks at: each is decided, and recorded.
MOST = 100


@dataclass(frozen=True, kw_only=True)
class Pages:
    """The pages of one search of one client: where this one begins, and how many links it may look at."""

    after: bytes
    limit: int
    asked: int | None
    place: str
    sealer: Sealer

    def token(self, last: bytes) -> str:
        """The way to the page behind *last*."""
        sealed = self.sealer.seal_json({"after": last.hex(), "limit": self.asked}, place=self.place)
        return urlsafe_b64encode(sealed).decode()


def pages_of(broker: Broker, client: Client, search: SearchWire) -> Pages:
    """Return the page that *search* asks for, or raise :class:`MalformedRequest` for a token that is not its own."""
    entities = json.dumps(search.model_dump(exclude={"page"}), sort_keys=True, ensure_ascii=False)
    kind = type(search).__name__
    place = f"search:{broker.blinder.request(client.client_id, kind, entities).hex()}"
    sealer = broker.sealer.derive("search pages")
    after, asked = _opened(sealer, search.page, place) if search.page.token else (b"", search.page.limit)
    limit = MOST if asked is None else min(asked, MOST)
    return Pages(after=after, limit=limit, asked=asked, place=place, sealer=sealer)


def _opened(sealer: Sealer, page: PageWire, place: str) -> tuple[bytes, int | None]:
    try:
        opened = sealer.open_json(urlsafe_b64decode(page.token or ""), place=place)
    except (SealBroken, ValueError) as error:
        raise MalformedRequest("page.token was given for another search; begin again without it") from error
    assert isinstance(opened, dict)  # noqa: S101 - sealed by token
    # The limit may be left out from then on; one that differs from the first page's is another search.
    if page.limit is not None and page.limit != opened["limit"]:
        raise MalformedRequest("page.limit must stay as it was on the first page")
    return bytes.fromhex(opened["after"]), opened["limit"]
