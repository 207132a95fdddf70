"""The way through linking: begin at the client's request, go to the platform, come back, be ready to choose.

Proof comes first, then the reading and the choice. Each step is claimed once and only by the browser that began.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from broker.actions.broker import Broker
from broker.actions.follow_account import follow_proof
from broker.core.blinding import PRODUCTION
from broker.core.duration import read_duration
from broker.core.identifiers import Identifier, PlatformAccount, ProvenAccount, same_handle
from broker.errors import FlowBroken, HandleMismatch
from broker.platforms import Attempt
from broker.store.flows import (
    Link,
    awaits_return,
    browser_sealer,
    claim_choice,
    claim_return,
    find_proved,
    save_link,
    save_proved,
)
from broker.store.people import Person
from broker.store.sealing import Sealer
from broker.store.signals import note_signal
from broker.store.transaction import Transaction

#: How long a person may take at the platform, and again for reading the notice.
PATIENCE = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class ConsentRequest:
    """What a client asks one person, as pushed: nothing in it comes from the browser."""

    client_id: str
    environment: str
    oauth: Mapping[str, str]
    platform: str
    identifier: Identifier
    purposes: tuple[str, ...]
    valid_for: str
    locale: str | None
    handle: str | None
    brand: str | None

    def sealed_form(self) -> dict[str, object]:
        """How it waits in the store."""
        return {**vars(self), "oauth": dict(self.oauth), "identifier": vars(self.identifier)}

    @classmethod
    def from_sealed(cls, stored: Mapping[str, object]) -> ConsentRequest:
        """Back from the store."""
        values: dict[str, object] = dict(stored)
        identifier, purposes = values.pop("identifier"), values.pop("purposes")
        return cls(identifier=Identifier(**identifier), purposes=tuple(purposes), **values)  # type: ignore[arg-type] # sealed by sealed_form


@dataclass(frozen=True, kw_only=True)
class Proved:
    """A link whose account is proved: everything the notice is made of.

    ``gpc`` is whether the browser signalled when it came back: the notice reads alike however often it is shown.
    """

    link_id: str
    request: ConsentRequest | None
    proven: ProvenAccount
    proved_at: datetime
    valid_until: datetime | None
    gpc: bool = False


def begin_link(
    tx: Transaction,
    broker: Broker,
    *,
    platform: str,
    attempt: Attempt,
    request: ConsentRequest | None,
    browser: str,
    environment: str = PRODUCTION,
) -> str:
    """Remember one attempt; return its id. ``environment`` is whose data a sign-in of one's own is about."""
    link = Link(
        link_id=broker.new_id(),
        platform=platform,
        attempt={
            "state": attempt.state,
            "verifier": attempt.verifier,
            "nonce": attempt.nonce,
            "redirect_uri": attempt.redirect_uri,
            "environment": request.environment if request else environment,
        },
        request=request.sealed_form() if request else None,
        account=None,
    )
    expires = broker.now() + PATIENCE
    save_link(tx, link, browser=browser, state=attempt.state, expires_at=expires, store=_sealer(broker, browser))
    return link.link_id


def new_attempt(broker: Broker, platform: str, *, choosing: bool = False) -> Attempt:
    """Fresh secrets for one way to *platform* and back; one redirect URI a platform.

    *choosing* asks the platform not to take whoever is signed in there for the person.
    """
    return Attempt(
        state=broker.new_secret(),
        verifier=broker.new_secret() + broker.new_secret(),
        nonce=broker.new_secret(),
        redirect_uri=broker.url(f"/link/{platform}/callback"),
        now=broker.now(),
        choosing=choosing,
    )


def knock_at_callback(tx: Transaction, broker: Broker, *, platform: str, state: str, browser: str) -> None:
    """Raise :class:`FlowBroken` where :func:`claim_callback` would. A look that writes nothing."""
    if not awaits_return(tx, state=state, browser=browser, platform=platform, now=broker.now()):
        raise _no_way_back()


def claim_callback(tx: Transaction, broker: Broker, *, platform: str, state: str, browser: str) -> tuple[Link, Attempt]:
    """Take the way back from the platform, once, in the browser that began."""
    link = claim_return(
        tx, state=state, browser=browser, platform=platform, now=broker.now(), store=_sealer(broker, browser)
    )
    if link is None:
        raise _no_way_back()
    secrets: dict[str, Any] = {name: value for name, value in link.attempt.items() if name != "environment"}
    return link, Attempt(**secrets, now=broker.now())


def record_proof(
    tx: Transaction, broker: Broker, link: Link, proven: ProvenAccount, *, browser: str, gpc: bool = False
) -> Person:
    """Record the proof. The handle the signup form gave, if any, must be the one that was proved.

    ``gpc`` is whether the browser signals: from now on it counts as an objection of the account (SIGNAL-1).
    """
    now = broker.now()
    request = ConsentRequest.from_sealed(link.request) if link.request else None
    if request and request.handle and not same_handle(request.handle, proven.handle):
        raise HandleMismatch(
            "you signed in as @%(proved)s, and the form named @%(named)s; nothing was linked",
            proved=proven.handle,
            named=request.handle,
        )
    person = follow_proof(tx, broker, proven, environment=link.attempt.get("environment", PRODUCTION))
    if gpc and broker.policies.governing(proven.account.platform).signalled:
        note_signal(tx, person.key, now=now)
    ends = read_duration(request.valid_for).after(now) if request else None
    account = {
        "id": proven.account.id,
        "handle": proven.handle,
        "proved_at": now.isoformat(),
        "valid_until": ends.isoformat() if ends else "",
        "gpc": "1" if gpc else "",
    }
    key, store = person.key, _sealer(broker, browser)
    save_proved(tx, link.link_id, account, key=key, now=now, expires_at=now + PATIENCE, store=store)
    return person


def open_proved(tx: Transaction, broker: Broker, link_id: str, *, browser: str) -> Proved:
    """Return what the notice is made of, or raise :class:`FlowBroken`."""
    link = find_proved(tx, link_id, browser=browser, now=broker.now(), store=_sealer(broker, browser))
    if link is None or link.account is None:
        raise FlowBroken(
            "this request was answered already, was begun in another browser, or took too long;"
            " what you answered stands under your consents"
        )
    account = link.account
    return Proved(
        link_id=link.link_id,
        request=ConsentRequest.from_sealed(link.request) if link.request else None,
        proven=ProvenAccount(
            account=PlatformAccount(platform=link.platform, id=account["id"]), handle=account["handle"]
        ),
        proved_at=datetime.fromisoformat(account["proved_at"]),
        valid_until=datetime.fromisoformat(account["valid_until"]) if account["valid_until"] else None,
        gpc=bool(account.get("gpc")),
    )


def leave_proved(tx: Transaction, broker: Broker, link_id: str, *, browser: str) -> ConsentRequest:
    """End a link whose account is not the one the person meant; return what was asked, to be asked of another.

    Claimed like a choice, so that of two clicks one begins anew.
    """
    proved = open_proved(tx, broker, link_id, browser=browser)
    if proved.request is None or not claim_choice(tx, link_id, browser=browser, now=broker.now()):
        raise FlowBroken("this request was answered already; what you answered stands under your consents")
    return proved.request


def _no_way_back() -> FlowBroken:
    return FlowBroken("this sign-in was begun in another browser, was used already, or took too long")


def _sealer(broker: Broker, browser: str) -> Sealer:
    return browser_sealer(broker.sealer, browser)
