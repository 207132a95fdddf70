"""Any history of yes, no, ends, time and renames: a match is permitted when a live consent covers it, and only then."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from builders import (
    BROWSER,
    Clock,
    a_broker,
    a_choice,
    a_question,
    a_request,
    an_account,
    an_identifier,
    asked,
    emptied,
    proved,
    registered,
)
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from invariants import assert_sound
from watched import WatchedDatabase

from broker.actions.broker import Broker
from broker.actions.expire_consents import expire_consents
from broker.actions.linking import Proved
from broker.actions.read_grant import withdrawal_uri
from broker.actions.record_consent import record_consent
from broker.actions.refuse_consent import refuse_consent
from broker.actions.sweep import sweep_up
from broker.actions.withdraw_consent import relinquish_grant, withdraw_by_link, withdraw_consent
from broker.core.client import Client
from broker.core.consent import ConsentRecord
from broker.store.flows import claim_choice
from broker.store.people import find_person
from broker.store.receipts import find_receipt

PURPOSES = ("customer-care", "newsletter")
ACCOUNTS = ("1000000001", "1000000002", "1000000003")
HANDLES = ("FirstCanary", "SecondCanary", "ThirdCanary", "FourthCanary")
CLIENTS = st.sampled_from((0, 1))
PEOPLE = st.sampled_from(ACCOUNTS)
RECORDS = st.sampled_from(("one.canary@mailbox.example", "two.canary@mailbox.example"))
TICKED = st.sampled_from((PURPOSES[:1], PURPOSES[1:], PURPOSES))


@dataclass
class Given:
    """What the model remembers of a consent."""

    record: ConsentRecord
    client: int
    account: str
    identifier: str
    purposes: tuple[str, ...]
    until: datetime
    ended: bool = False
    renewed: bool = False


class History(RuleBasedStateMachine):
    """Businesses, people and time, and a model of what may be matched."""

    consents: Bundle[Given] = Bundle("consents")

    def __init__(self, database: WatchedDatabase) -> None:
        super().__init__()
        self.clock = Clock()
        self.broker: Broker = a_broker(emptied(database), clock=self.clock)
        self.clients: list[Client] = [registered(self.broker, client_name=name) for name in ("Northwind", "Contoso")]
        self.given: list[Given] = []
        self.bears = dict(zip(ACCOUNTS, HANDLES, strict=False))
        self.shown: dict[str, str] = {}
        self.proved_by: defaultdict[str, set[str]] = defaultdict(set)

    def proves(self, account: str, client: int | None, **changes: Any) -> Proved:  # noqa: ANN401 - any of a request's
        """Walk a person through linking, and let the model see under which handle."""
        handle = self.bears[account]
        self.shown[account] = handle
        self.proved_by[handle].add(account)
        request = None if client is None else a_request(self.clients[client], **changes)
        return proved(self.broker, an_account(account, handle), request)

    @rule(target=consents, client=CLIENTS, account=PEOPLE, identifier=RECORDS, ticked=TICKED,
          days=st.sampled_from((1, 30)))  # fmt: skip
    def give(self, client: int, account: str, identifier: str, ticked: tuple[str, ...], days: int) -> Given:
        """A person says yes."""
        seen = self.proves(account, client, identifier=an_identifier(identifier), valid_for=f"P{days}D")
        with self.broker.database.transaction() as tx:
            assert claim_choice(tx, seen.link_id, browser=BROWSER, now=self.clock())
            record = record_consent(tx, self.broker, self.clients[client], a_choice(seen, *ticked))
        until = self.clock() + timedelta(days=days)
        for earlier in self.given:
            if (earlier.client, earlier.account, earlier.identifier) == (client, account, identifier):
                earlier.renewed |= not earlier.ended and self.clock() < earlier.until
                earlier.ended |= earlier.renewed
        self.given.append(Given(record, client, account, identifier, ticked, until))
        return self.given[-1]

    @rule(client=CLIENTS, account=PEOPLE, identifier=RECORDS)
    def refuse(self, client: int, account: str, identifier: str) -> None:
        """A person says no."""
        seen = self.proves(account, client, identifier=an_identifier(identifier))
        with self.broker.database.transaction() as tx:
            assert claim_choice(tx, seen.link_id, browser=BROWSER, now=self.clock())
            refuse_consent(tx, self.broker, self.clients[client], a_choice(seen))

    @rule(given=consents)
    def withdraw(self, given: Given) -> None:
        """A person takes a consent back on their own page."""
        with self.broker.database.transaction() as tx:
            ending = withdraw_consent(
                tx, self.broker, account=given.record.account, grant_id=given.record.grant_id
            )  # fmt: skip
        self.ends(self.meant(given), ending.receipt_id)

    def meant(self, given: Given) -> Given:
        """What a person means who takes back what was renewed: the one that stands in its place."""
        same = (given.client, given.account, given.identifier)
        standing = [it for it in self.given if not it.ended and self.clock() < it.until]
        return next((it for it in standing if given.renewed and (it.client, it.account, it.identifier) == same), given)

    @rule(given=consents)
    def withdraw_with_the_receipts_link(self, given: Given) -> None:
        """Whoever holds the receipt takes the consent back."""
        record, store = given.record, self.broker.sealer
        with self.broker.database.transaction() as tx:
            person = find_person(tx, store, record.account)
            assert person is not None
            receipt = find_receipt(tx, record.account, record.receipt_id, store=store, person=person.sealer)
            assert receipt is not None
            ending = withdraw_by_link(tx, self.broker, capability=withdrawal_uri(receipt).rpartition("/")[2])
        self.ends(given, ending.receipt_id)

    @rule(given=consents)
    def relinquish(self, given: Given) -> None:
        """The business gives up a grant."""
        with self.broker.database.transaction() as tx:
            ending = relinquish_grant(
                tx, self.broker, client_id=given.record.client_id, grant_id=given.record.grant_id
            )  # fmt: skip
        self.ends(given, ending.receipt_id)

    def ends(self, given: Given, receipt_id: str | None) -> None:
        """The end of a live consent has a receipt; what is over does not end again."""
        over = given.ended or self.clock() >= given.until
        assert over == (receipt_id is None)
        given.ended |= not over

    @rule(days=st.sampled_from((0.5, 1, 29)))
    def time_goes_by(self, days: float) -> None:
        """Let a consent of a day run out, or one of a month."""
        self.clock.passes(days=days)

    @rule(account=PEOPLE, handle=st.sampled_from(HANDLES))
    def rename(self, account: str, handle: str) -> None:
        """At the platform only: the broker learns of it with the next proof."""
        for other, borne in self.bears.items():
            if borne == handle:
                self.bears[other] = f"{handle[:4]}_{other[-4:]}"
        self.bears[account] = handle

    @rule(account=PEOPLE)
    def sign_in(self, account: str) -> None:
        """A person proves the account and asks for nothing."""
        self.proves(account, None)

    @rule()
    def see_to_what_is_due(self) -> None:
        """Let the companion tell ahead, and write down what is over."""
        expire_consents(self.broker)

    @rule()
    def sweep(self) -> None:
        """Drop what has expired."""
        sweep_up(self.broker)

    @rule(client=CLIENTS, account=PEOPLE, identifier=RECORDS, purpose=st.sampled_from((*PURPOSES, "contact")))
    def match_anything(self, client: int, account: str, identifier: str, purpose: str) -> None:
        """Ask about a pair that may have no history at all."""
        self.compare(client, account, identifier, purpose, account_id=account)

    @rule(given=consents, purpose=st.sampled_from(PURPOSES))
    def match_by_id(self, given: Given, purpose: str) -> None:
        """Ask about a pair that was consented to once, by the permanent id."""
        self.compare(given.client, given.account, given.identifier, purpose, account_id=given.account)

    @rule(given=consents, handle=st.sampled_from(HANDLES), purpose=st.sampled_from(PURPOSES))
    def match_by_handle(self, given: Given, handle: str, purpose: str) -> None:
        """Ask about a record that was consented to once, by a handle, whoever bears it now."""
        holders = [account for account in ACCOUNTS
                   if self.proved_by[handle] == {account} and self.shown[account] == handle]  # fmt: skip
        account = holders[0] if holders else None
        self.compare(given.client, account, given.identifier, purpose, account_id=None, handle=handle)

    def teardown(self) -> None:
        """At the end of a history, ask everything about every pair that has one."""
        for given, purpose in product(self.given, PURPOSES):
            self.match_by_id(given, purpose)
            for handle in HANDLES:
                self.match_by_handle(given, handle, purpose)

    def compare(self, client: int, account: str | None, identifier: str, purpose: str, **by: Any) -> None:  # noqa: ANN401
        """Ask the broker and the model."""
        question = a_question(identifier=an_identifier(identifier), purpose=purpose, **by)
        decision = asked(self.broker, self.clients[client], question).decision
        covering = {
            given.record.grant_id
            for given in self.given
            if (given.client, given.account, given.identifier) == (client, account, identifier)
            and purpose in given.purposes
            and not given.ended
            and self.clock() < given.until
        }
        assert bool(covering) == decision.permitted
        assert decision.consent is None or decision.consent.grant_id in covering

    @invariant()
    def rows_are_sound(self) -> None:
        """Whatever was done."""
        assert_sound(self.broker.database, self.broker)


def test_in_any_history_a_match_is_permitted_when_a_live_consent_covers_it(sqlite_database: WatchedDatabase) -> None:
    # Shrinking a long history takes minutes: a red run tells at once. Add Phase.shrink to look into one.
    bounds = settings(max_examples=20, stateful_step_count=25, deadline=None, phases=(Phase.reuse, Phase.generate))
    run_state_machine_as_test(lambda: History(sqlite_database), settings=bounds)
