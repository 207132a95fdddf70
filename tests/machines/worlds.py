"""Two brokers that differ only in what other clients have, and what each was told.

Ids and signatures come out alike wherever the same was done: before each deed and each request the dice are set anew,
and signatures are deterministic (RFC 6979). Who bears which handle is the platform's to know: where a world leaves
another client's deed out, its person signs in all the same.
"""

from __future__ import annotations

import random
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from builders import BROWSER, StillKeys, a_choice, a_request, an_account, the_keys
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from machines.scene import ACCOUNTS, CARE, HANDLES, IDENTIFIERS, OWN
from machines.stage import Answer, Business, Stage, client_file
from machines.tags import REFUSED, SOUND
from sqlalchemy import event

from broker.actions.change_standing import Change, suspend_client
from broker.actions.linking import (
    ConsentRequest,
    Proved,
    begin_link,
    claim_callback,
    new_attempt,
    open_proved,
    record_proof,
)
from broker.actions.object_to_matching import object_to_matching
from broker.actions.record_consent import record_consent
from broker.actions.refuse_consent import refuse_consent
from broker.actions.withdraw_consent import withdraw_consent
from broker.core.identifiers import ProvenAccount, read_identifier
from broker.core.policy import Policy
from broker.proof.keyring import KeyRing
from broker.proof.keys import SigningKey
from broker.store.database import Database
from broker.store.people import find_person
from broker.store.sealing import KEY_SIZE, Sealer, StoreSealer

#: The client that asks, and three others: of two owners, and a staging instance of its own owner's.
FILES = (
    client_file("Northwind", owner="Northwind", purposes=[CARE, "contact", OWN]),
    client_file("Contoso", owner="Contoso", purposes=[CARE, "contact", "newsletter"]),
    client_file("Fabrikam", owner="Fabrikam", purposes=[CARE, "direct-marketing"]),
    client_file("Northwind staging", owner="Northwind", environment="staging", purposes=[CARE, "contact"]),
)
SIBLING = 3
LEFT, RIGHT, BOTH = 1, 2, 3
DAY = "2026-11-01"
PAPERS = dict.fromkeys(("terms_of_service", "privacy_policy", "developer_agreement", "developer_policy"), DAY)
KINDS = (
    *(
        "consent",
        "consent",
        "consent",
        "refusal",
        "withdrawal",
        "relinquishment",
        "tag",
        "tag",
        "taint",
        "message",
        "message",
        "recipient",
    ),
    *("handover", "decision", "suspension", "objection", "rename"),
)


@dataclass(frozen=True, kw_only=True)
class Deed:
    """Something that happened before. ``where`` it did: another client's deeds may be one world's alone."""

    kind: str
    number: int
    account: int
    identifier: str
    detail: int
    where: int

    def happens(self, side: int) -> bool:
        """Whether it is done in the world on that side: what the asking client and the people do is done in both."""
        return self.number == 0 or self.kind == "rename" or bool(self.where & side)


class Dice:
    """Randomness that is set anew where two worlds must agree."""

    def __init__(self) -> None:
        self.throw("at first")

    def throw(self, seed: str) -> None:
        """Begin again from *seed*."""
        self._random = random.Random(seed)  # noqa: S311 - a test wants its run again, not secrecy

    def __call__(self, size: int) -> bytes:
        """Give so many bytes."""
        return self._random.randbytes(size)


class RepeatableKey(SigningKey):
    """ES256 whose signature of the same is the same (RFC 6979)."""

    def sign(self, payload: bytes, *, typ: str) -> str:
        """Sign as the broker's key does, and let no randomness in."""
        head = super().sign(payload, typ=typ).rpartition(".")[0]
        private: Any = self.key.private_key
        algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        halves = decode_dss_signature(private.sign(head.encode(), algorithm))
        raw = b"".join(half.to_bytes(32, "big") for half in halves)
        return f"{head}.{urlsafe_b64encode(raw).rstrip(b'=').decode()}"


class RepeatableSealer(StoreSealer):
    """A person's key that is the same whoever met the person first: names made with it are nobody's to tell apart."""

    def new_key(self, *, place: str) -> tuple[Sealer, bytes]:
        """Draw as the store's sealer does, and take what the place gives instead."""
        self.random(KEY_SIZE)
        key = self.digest(place)
        return Sealer(key, self.random), self.seal(key, place=place)


def repeatable_sealer(epochs: Mapping[int, bytes], random: Callable[[int], bytes]) -> StoreSealer:
    """Seal as the store does."""
    (epoch,) = epochs
    return RepeatableSealer(key=epochs[epoch], random=random, epoch=epoch, epochs=epochs)


@cache
def repeatable_keys() -> KeyRing:
    """The keys of both worlds."""
    keys = the_keys()
    receipts, tokens = (RepeatableKey(it.key) for it in (keys.receipts, keys.tokens) if isinstance(it, SigningKey))
    return replace(keys, receipts=receipts, tokens=tokens)


class World:
    """One broker, the asking client first among its businesses, and the names of what was done in it."""

    def __init__(self, database: Database, policy: Policy, side: int, present: Iterable[int]) -> None:
        self.dice, self.side = Dice(), side
        source = StillKeys(repeatable_keys())
        self.stage = Stage(database, policy=policy, source=source, random=self.dice, seal=repeatable_sealer)
        self.clock, self.broker = self.stage.clock, self.stage.broker
        self.businesses: dict[int, Business] = {}
        for number, (file, where) in enumerate(zip(FILES, (BOTH, *present), strict=True)):
            self.dice.throw(f"client {number}")
            if where & side:
                self.businesses[number] = self.stage.register(**file)
        self.bears = list(HANDLES)
        self.grants: dict[str, tuple[int, int, str, bytes]] = {}
        self.names: dict[str, set[str]] = {"grant": set(), "association": set(), "recipient": set()}
        self.statements: list[str] = []
        event.listen(database.engine, "before_cursor_execute", self._note)

    def close(self) -> None:
        """Listen no more."""
        event.remove(self.broker.database.engine, "before_cursor_execute", self._note)

    def _note(self, _connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        self.statements.append(statement)

    # --- before ----------------------------------------------------------------------------------------------

    def lives_through(self, deeds: Iterable[Deed]) -> None:
        """Do what is done in this world, an hour apart."""
        for number, deed in enumerate(deeds):
            self.dice.throw(f"deed {number}")
            business = self.businesses.get(deed.number) if deed.happens(self.side) else None
            if deed.kind == "rename":
                self.bears[deed.account] = f"{HANDLES[deed.account][:4]}_{deed.detail}"
            elif deed.kind in {"consent", "refusal", "objection"}:
                self._meets(deed, business)
            elif business is not None:
                getattr(self, f"_{deed.kind}")(deed, business)
            self.clock.passes(hours=1)

    def _meets(self, deed: Deed, business: Business | None) -> None:
        """A person signs in, and answers where there is somebody to answer."""
        realm = str(FILES[deed.number]["environment"])
        asks = business if business and business.client.active and deed.kind != "objection" else None
        seen = self._proves(deed, realm, asks)
        if business and deed.kind == "objection":
            self._objects(seen, realm, business)
        elif asks:
            self._answers(deed, seen, asks)

    def _objects(self, seen: Proved, realm: str, business: Business) -> None:
        broker, key = self.broker, self.broker.blinder.account(seen.proven.account, environment=realm)
        with broker.database.transaction() as tx:
            person = find_person(tx, broker.sealer, key)
            assert person is not None
            object_to_matching(tx, broker, person, client_id=business.client.client_id)

    def _answers(self, deed: Deed, seen: Proved, business: Business) -> None:
        with self.broker.database.transaction() as tx:
            if deed.kind == "refusal":
                refuse_consent(tx, self.broker, business.client, a_choice(seen))
                return
            record = record_consent(tx, self.broker, business.client, a_choice(seen, *_ticked(deed)))
        self.names["grant"].add(record.grant_id)
        self.grants[record.grant_id] = (deed.number, deed.account, deed.identifier, record.account)

    def _proves(self, deed: Deed, realm: str, business: Business | None) -> Proved:
        broker, request = self.broker, business and _request(business, deed)
        attempt = new_attempt(broker, "x")
        proven: ProvenAccount = an_account(ACCOUNTS[deed.account], self.bears[deed.account])
        with broker.database.transaction() as tx:
            link_id = begin_link(
                tx, broker, platform="x", attempt=attempt, request=request, browser=BROWSER, environment=realm
            )
            link, _ = claim_callback(tx, broker, platform="x", state=attempt.state, browser=BROWSER)
            record_proof(tx, broker, link, proven, browser=BROWSER)
            return open_proved(tx, broker, link_id, browser=BROWSER)

    def _held(self, deed: Deed) -> list[tuple[str, bytes]]:
        asked = deed.number, deed.account, deed.identifier
        return [(grant, key) for grant, (*about, key) in self.grants.items() if tuple(about) == asked]

    def _withdrawal(self, deed: Deed, _business: Business) -> None:
        for grant, key in self._held(deed):
            with self.broker.database.transaction() as tx:
                withdraw_consent(tx, self.broker, account=key, grant_id=grant)

    def _relinquishment(self, deed: Deed, business: Business) -> None:
        for grant, _key in self._held(deed):
            business.call("DELETE", f"/v1/grants/{grant}")

    def _tag(self, deed: Deed, business: Business) -> None:
        shape = SOUND[deed.detail % len(SOUND)]
        self._offer(deed, business, shape.stated([CARE]))

    def _taint(self, deed: Deed, business: Business) -> None:
        self._offer(deed, business, REFUSED[deed.detail % len(REFUSED)].stated([CARE]))

    def _offer(self, deed: Deed, business: Business, tag: object) -> None:
        key = f"key-{deed.detail % 4}"
        pair = {"account": self.who(deed.account, deed.detail), "identifier": IDENTIFIERS[deed.identifier]}
        answer = business.call("POST", "/v1/associations", {**pair, "provenance": tag}, **{"Idempotency-Key": key})
        if answer.status == 201:
            self.names["association"].add(answer.json["id"])

    def _decision(self, deed: Deed, business: Business) -> None:
        business.post(
            "/v1/match",
            account=self.who(deed.account, deed.detail),
            identifier=IDENTIFIERS[deed.identifier],
            purpose=CARE,
            provenance=SOUND[deed.detail % len(SOUND)].stated([CARE]) if deed.detail % 2 else None,
        )

    def _message(self, deed: Deed, business: Business) -> None:
        pair = {"account": self.who(deed.account, 0), "identifier": IDENTIFIERS[deed.identifier]}
        business.post("/v1/contact/check", **pair, content_sha256="ab" * 32)

    def _recipient(self, deed: Deed, business: Business) -> None:
        # Recipients are their owner's: that a staging instance has one is told to the owner's others (APPLICATION-2).
        if deed.number == SIBLING:
            return
        answer = business.post("/v1/recipients", name=f"Receiver {deed.detail % 3}", agreements=PAPERS)
        if answer.status == 201:
            self.names["recipient"].add(answer.json["id"])

    def _handover(self, deed: Deed, business: Business) -> None:
        for recipient in sorted(self.names["recipient"]):
            business.post("/v1/redistributions", recipient=recipient, kind="post_ids", count=100 + deed.detail)

    def _suspension(self, deed: Deed, business: Business) -> None:
        # The asking client stays: suspended, it would learn nothing whatever it asked.
        if deed.number == 0:
            return
        with self.broker.database.transaction() as tx:
            by = Change(who="operator", why="a world asks for it")
            business.stands(suspend_client(tx, self.broker, business.client.client_id, by))

    # --- now -------------------------------------------------------------------------------------------------

    def who(self, account: int, detail: int) -> dict[str, str]:
        """An account by its id, or by a handle: its own, or its first."""
        named = ({"id": ACCOUNTS[account]}, {"handle": self.bears[account]}, {"handle": HANDLES[account]})
        return {"platform": "x", **named[detail % 3]}

    def answers(self, number: int, method: str, path: str, body: object, key: str | None) -> tuple[Answer, list[str]]:
        """Let the asking client ask; what it is told, and the statements that were executed."""
        self.dice.throw(f"request {number}")
        asking, headers = self.businesses[0], {"Idempotency-Key": key} if key else {}
        asking.token()
        self.statements.clear()
        answer = asking.call(method, path, body, **headers)
        return answer, list(self.statements)


def _request(business: Business, deed: Deed) -> ConsentRequest:
    """What a client asks a person; for a day or for a month."""
    identifier = read_identifier(**IDENTIFIERS[deed.identifier])
    days = "P1D" if deed.detail % 5 == 0 else "P30D"
    return a_request(business.client, identifier=identifier, purposes=_ticked(deed), valid_for=days)


def _ticked(deed: Deed) -> tuple[str, ...]:
    return (CARE, "contact") if deed.detail % 2 and deed.number != 2 else (CARE,)
