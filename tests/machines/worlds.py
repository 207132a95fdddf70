"""Two brokers that differ only in what other clients have, and what each was told.

Ids and signatures come out alike wherever the same was done: before each deed and each request the dice are set anew,
and signatures are deterministic (RFC 6979). Who bears which handle is the platform's to know: where a world leaves
another client's deed out, its person signs in all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from builders import BROWSER, StillKeys, a_choice, a_request, an_account
from machines.dice import Dice, repeatable_keys, repeatable_sealer
from machines.listening import (
    Wire,
    deliver_to_all,
    listens,
    named_in,
    platform_says,
    pushed_to,
    statement,
    time_passes,
    told_to,
)
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
from broker.store.database import Database
from broker.store.people import find_person

#: What a browser's signal bears on.
ADS = "direct-marketing"
#: The client that asks, and three others: of two owners, and a staging instance of its own owner's.
FILES = (
    client_file("Northwind", owner="Northwind", purposes=[CARE, "contact", ADS, OWN]),
    client_file("Contoso", owner="Contoso", purposes=[CARE, "contact", "newsletter"]),
    client_file("Fabrikam", owner="Fabrikam", purposes=[CARE, "direct-marketing"]),
    client_file("Northwind staging", owner="Northwind", environment="staging", purposes=[CARE, "contact"]),
)
SIBLING = 3
LEFT, RIGHT, BOTH = 1, 2, 3
DAY = "2026-11-01"
#: Whatever has a name of its own that a client might say.
NAMED = ("grant", "association", "recipient", "event", "own event", "action")
PAPERS = dict.fromkeys(("terms_of_service", "privacy_policy", "developer_agreement", "developer_policy"), DAY)
KINDS = (
    *("consent",) * 7,
    *("refusal", "withdrawal", "withdrawal", "relinquishment", "tag", "tag", "tag", "taint", "message", "message"),
    *("recipient", "handover", "decision", "suspension", "objection", "rename"),
    *("stream", "action", "delivery", "time", "time", "sighting", "sighting", "rename", "signal", "signal"),
)
#: What people, platforms, time and the broker itself do: it is done in both worlds.
OF_ALL = {"rename", "delivery", "time", "sighting", "signal"}


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
        return self.number == 0 or self.kind in OF_ALL or bool(self.where & side)


class World:
    """One broker, the asking client first among its businesses, and the names of what was done in it."""

    def __init__(self, database: Database, policy: Policy, side: int, present: Iterable[int]) -> None:
        self.dice, self.side = Dice(), side
        source = StillKeys(repeatable_keys())
        self.wire = Wire()
        parts = {"source": source, "random": self.dice, "seal": repeatable_sealer, "courier": self.wire}
        self.stage = Stage(database, policy=policy, **parts)
        self.clock, self.broker = self.stage.clock, self.stage.broker
        self.businesses: dict[int, Business] = {}
        for number, (file, where) in enumerate(zip(FILES, (BOTH, *present), strict=True)):
            self.dice.throw(f"client {number}")
            if where & side:
                self.businesses[number] = self.stage.register(**file)
        self.bears = list(HANDLES)
        self.grants: dict[str, tuple[int, int, str, bytes]] = {}
        self.names: dict[str, set[str]] = {kind: set() for kind in NAMED}
        self.streams: dict[str, str] = {}
        self.statements: list[str] = []
        self.dice.throw("its stream")
        listens(self, self.businesses[0], pushed=False)
        event.listen(database.engine, "before_cursor_execute", self._note)

    def close(self) -> None:
        """Listen no more."""
        event.remove(self.broker.database.engine, "before_cursor_execute", self._note)

    def _note(
        self, _connection: object, _cursor: object, statement: str, values: Sequence[object], *_rest: object
    ) -> None:
        self.statements.append(statement)
        if statement.startswith("SELECT receipts.status_list"):
            # Before each of those who are told of an account's change, however many they are.
            self.dice.throw(f"told of {values[-1]} at {self.clock()}")

    # --- before ----------------------------------------------------------------------------------------------

    def lives_through(self, deeds: Iterable[Deed]) -> None:
        """Do what is done in this world, an hour apart."""
        for number, deed in enumerate(deeds):
            self.dice.throw(f"deed {number}")
            business = self.businesses.get(deed.number) if deed.happens(self.side) else None
            if deed.kind in OF_ALL:
                self._comes_to_all(deed, f"deed {number}")
            elif deed.kind in {"consent", "refusal", "objection"}:
                self._meets(deed, business)
            elif business is not None:
                getattr(self, f"_{deed.kind}")(deed, business)
            self.clock.passes(hours=1)
        self.names["event"], self.names["own event"] = told_to(self), told_to(self, self.businesses[0])

    def _comes_to_all(self, deed: Deed, seed: str) -> None:
        if deed.kind == "rename":
            self.bears[deed.account] = f"{HANDLES[deed.account][:4]}_{deed.detail}"
        elif deed.kind == "signal":
            self._proves(deed, str(FILES[deed.number]["environment"]), None, gpc=True)
        elif deed.kind == "time":
            time_passes(self, seed, 1 + deed.detail % 3 * 7)
        elif deed.kind == "sighting":
            platform_says(self, ACCOUNTS[deed.account], self.bears[deed.account], deed.detail)
        else:
            deliver_to_all(self, seed)

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
        self.dice.throw(f"answer of {seen.proved_at}")  # whom the proof was told to has drawn from them
        with self.broker.database.transaction() as tx:
            if deed.kind == "refusal":
                refuse_consent(tx, self.broker, business.client, a_choice(seen))
                return
            record = record_consent(tx, self.broker, business.client, a_choice(seen, *_ticked(deed)))
        self.names["grant"].add(record.grant_id)
        self.grants[record.grant_id] = (deed.number, deed.account, deed.identifier, record.account)

    def _proves(self, deed: Deed, realm: str, business: Business | None, *, gpc: bool = False) -> Proved:
        broker, request = self.broker, business and _request(business, deed)
        attempt = new_attempt(broker, "x")
        proven: ProvenAccount = an_account(ACCOUNTS[deed.account], self.bears[deed.account])
        with broker.database.transaction() as tx:
            link_id = begin_link(
                tx, broker, platform="x", attempt=attempt, request=request, browser=BROWSER, environment=realm
            )
            link, _ = claim_callback(tx, broker, platform="x", state=attempt.state, browser=BROWSER)
            record_proof(tx, broker, link, proven, browser=BROWSER, gpc=gpc)
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
        self._offer(deed, business, shape.stated([CARE, ADS]))

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

    def _stream(self, deed: Deed, business: Business) -> None:
        if business.client.client_id not in self.streams:
            listens(self, business, pushed=bool(deed.detail % 2))

    def _action(self, deed: Deed, business: Business) -> None:
        # The asking client's own signature would differ: it states what it did later, the same in both worlds.
        for event_id in sorted(told_to(self, business))[:2] if deed.number else ():
            answer = business.call("POST", "/v1/actions", statement(self, business, event_id, "unlinked"))
            if answer.status == 201:
                self.names["action"].add(named_in(answer))

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
        by_id = {"id": ACCOUNTS[account]}
        named = (by_id, by_id, {"handle": self.bears[account]}, {"handle": HANDLES[account]})
        return {"platform": "x", **named[detail % 4]}

    def answers(self, number: int, method: str, path: str, body: object, key: str | None) -> tuple[Answer, list[str]]:
        """Let the asking client ask; what it is told, and the statements that were executed."""
        self.dice.throw(f"request {number}")
        asking, headers = self.businesses[0], {"Idempotency-Key": key} if key else {}
        asking.token()
        self.statements.clear()
        answer = pushed_to(self, asking) if method == "PUSH" else asking.call(method, path, body, **headers)
        return answer, list(self.statements)


def _request(business: Business, deed: Deed) -> ConsentRequest:
    """What a client asks a person; for a day or for a month."""
    identifier = read_identifier(**IDENTIFIERS[deed.identifier])
    days = "P1D" if deed.detail % 5 == 0 else "P30D"
    return a_request(business.client, identifier=identifier, purposes=_ticked(deed), valid_for=days)


def _ticked(deed: Deed) -> tuple[str, ...]:
    return (CARE, "contact") if deed.detail % 2 and deed.number != 2 else (CARE,)
