"""A history that leaves a row in every table, for the audit to walk over and for a superuser to spoil."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import pytest
from acts_of_platforms import seen
from builders import BROWSER, a_log, an_account, proved, the_policies
from lives import erased, with_marks
from machines.scene import ACCOUNTS, CARE, HANDLES, IDENTIFIERS
from machines.stage import Visitor, client_file
from machines.worlds import BOTH, LEFT, Deed, World
from sheets import in_bulk
from statements import a_statement, owed, stated

from broker.actions.broker import Broker
from broker.actions.keep_log import keep_log
from broker.actions.keep_policies import keep_policies
from broker.actions.linking import begin_link, new_attempt
from broker.actions.manage_stream import Wish, create_stream
from broker.actions.note_ruling import note_ruling
from broker.actions.poll_events import Poll, poll_events
from broker.actions.retain import retain
from broker.errors import PolicyRefused
from broker.store.clients import list_clients
from broker.store.database import Database
from broker.store.filing import note_filed
from broker.store.partitions import month_of
from broker.store.streams import find_stream
from broker.store.tables import ConsentRow
from broker.store.writing import table_of

_DEEDS = (
    *(("consent", 0, account, "email", detail) for account, detail in ((0, 1), (1, 1), (2, 2), (1, 5))),
    *(("consent", 1, account, "number", 3) for account in (0, 1)),
    ("refusal", 1, 2, "email", 0),
    ("decision", 0, 0, "email", 0),
    ("decision", 0, 1, "email", 0),
    ("message", 0, 0, "email", 0),
    ("message", 0, 1, "email", 0),
    ("withdrawal", 0, 0, "email", 0),
    ("decision", 0, 0, "email", 0),
    ("relinquishment", 1, 0, "number", 0),
    *(("tag", 1, 0, "email", detail) for detail in range(4)),
    *(("taint", 2, 0, "email", detail) for detail in range(2)),
    *(("decision", number, account, "email", account) for number in (0, 1) for account in range(3)),
    ("recipient", 0, 0, "email", 0),
    ("handover", 0, 0, "email", 7),
    ("objection", 1, 1, "email", 0),
    ("rename", 0, 2, "email", 4),
    ("consent", 0, 2, "number", 3),
    ("suspension", 2, 0, "email", 0),
    ("message", 0, 2, "number", 0),
    ("consent", 0, 3, "email", 3),
    ("tag", 1, 3, "number", 1),
    ("decision", 0, 3, "email", 0),
)


def live_through(database: Database, marks: Path, look: Callable[[], None]) -> Broker:
    """Let everything happen that leaves a row, the log kept between, and *look* at each step; return the broker."""
    world = World(database, the_policies().by_platform["x"], LEFT, (BOTH, BOTH, BOTH))
    log = a_log(world.broker.keys, marks=marks, clock=world.clock)
    broker = with_marks(replace(world.broker, log=log), marks)
    keep_policies(replace(broker, policies=the_policies()))
    world.lives_through(_deeds(broker, look))
    _in_bulk(world, broker)
    look()
    erased(broker, an_account(ACCOUNTS[3], HANDLES[3]), erasure_id="e" * 26)
    _visits(world)
    world.dice.throw("what comes afterwards")
    _listens(broker)
    _answers(world, broker)
    for turn, number in product(range(9), (1, 2)):
        world.clock.passes(minutes=1)
        seen(broker, an_account(ACCOUNTS[number], HANDLES[number]), gone=turn % 2 == 0, protected=True)
    look()
    retain(broker, before=month_of(broker.now()), who="sam", tell=lambda _fault: None)
    keep_log(broker)
    world.clock.passes(minutes=10)
    world.close()
    return broker


def _deeds(broker: Broker, look: Callable[[], None]) -> Iterator[Deed]:
    """What is done, the log kept after each."""
    for kind, number, account, identifier, detail in _DEEDS:
        yield Deed(kind=kind, number=number, account=account, identifier=identifier, detail=detail, where=BOTH)
        look()
        keep_log(broker)
        look()


def _in_bulk(world: World, broker: Broker) -> None:
    """What a business asked of many at once, one of whom will be erased."""
    client = world.businesses[0].client
    with broker.database.reading() as tx:
        consents = [row for row in tx.execute(table_of(ConsentRow).select()) if row.status == "given"]
    last = an_account(ACCOUNTS[3], HANDLES[3])
    of_last = broker.blinder.account(last.account)
    for account in (an_account(ACCOUNTS[number], HANDLES[number]) for number in range(4)):
        key = broker.blinder.account(account.account)
        for consent in (row for row in consents if (row.account, row.client_id) == (key, client.client_id)):
            covers = CARE in consent.purposes and broker.now() < consent.valid_until
            grant = consent.grant_id if covers else None
            in_bulk(broker, client, account, consent.identifier, grant=grant)
            if account != last:  # in one group with somebody who will be erased
                in_bulk(broker, client, account, consent.identifier, grant=grant, among=9, beside=[of_last])


def _listens(broker: Broker) -> None:
    """What is left behind by a business that sets its stream up, and polls once."""
    with broker.database.transaction() as tx:
        client_id = list_clients(tx)[0].client_id
        stream = find_stream(tx, client_id, store=broker.sealer)
        stream = stream or create_stream(tx, broker, client_id=client_id, wish=Wish(description="events"))
        poll_events(tx, broker, client_id=client_id, stream_id=stream.stream_id, poll=Poll(most=3))


def _answers(world: World, broker: Broker) -> None:
    """What businesses say that they did, once about one event and twice about another."""
    for number, actions in ((0, ("unlinked", "deleted")), (1, ("restricted",))):
        business = world.businesses[number]
        event = owed(broker, business.client)[0]
        for action in actions:
            stated(broker, business.client, a_statement(broker, event, key=business.key, action=action))


def _visits(world: World) -> None:
    """What only the pages leave behind: codes and their tokens, sessions, and steps that nobody finished."""
    business, stage = world.businesses[1], world.stage
    visitor = Visitor(stage, ACCOUNTS[0], partial(HANDLES.__getitem__, 0))
    for turn in range(2):
        world.dice.throw(f"visit {turn}")
        pushed = business.push(IDENTIFIERS["email"], (CARE,), days=30)
        code = visitor.answers(business, pushed.json["request_uri"], choice="allow", purpose=(CARE,))["code"]
        business.exchange(code)
        visitor.signs_in("prod")
        # The same code again: its token is revoked.
        with pytest.raises(AssertionError):
            business.exchange(code)
        business.push(IDENTIFIERS["email"], (CARE,), days=30)
    with stage.broker.database.transaction() as tx:
        attempt = new_attempt(stage.broker, "x")
        note_filed(tx, "a worker's tape", now=stage.broker.now())
        begin_link(tx, stage.broker, platform="x", attempt=attempt, request=None, browser=BROWSER, environment="prod")
    proved(stage.broker, an_account(ACCOUNTS[0], HANDLES[0]), None, gpc=True)
    for refused in ("profiling", "credit-risk"):
        with pytest.raises(PolicyRefused):
            stage.register(**client_file(f"A {refused} shop", owner="Somebody", purposes=[refused]))
        note_ruling(stage.broker, ("SURVEILLANCE-6",))
