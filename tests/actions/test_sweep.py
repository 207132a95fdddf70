from __future__ import annotations

import pytest
from acts_of_platforms import seen
from acts_of_terms import handed, objected, offered, received
from builders import Clock, a_request, a_tag, an_account, an_identifier, asked, consented, proved, refused
from raw_rows import all_rows
from sqlalchemy import text

from broker.actions.broker import Broker
from broker.actions.note_ruling import note_ruling
from broker.actions.sign_in import sign_in
from broker.actions.sweep import sweep_up
from broker.actions.withdraw_consent import withdraw_consent
from broker.core.client import Client
from broker.errors import Unavailable
from broker.expiring import Expirer
from broker.store.people import find_person

LASTING = (
    "clients", "notices", "people", "consents", "associations", "refusals", "receipts", "decisions", "events",
    "handles", "leaves", "status_entries", "grounds", "statements", "tainted_pairs", "objections", "standings",
    "use_cases", "recipients", "redistributions", "rulings", "presences", "rechecks",
)  # fmt: skip


@pytest.fixture
def history(broker: Broker, client: Client) -> None:
    """Let a person answer, visit, and leave one request unanswered."""
    ended = consented(broker, client)
    with broker.database.transaction() as tx:
        withdraw_consent(tx, broker, account=ended.account, grant_id=ended.grant_id)
        person = find_person(tx, broker.sealer, ended.account)
        assert person is not None
        sign_in(tx, broker, person)
    consented(broker, client)
    refused(broker, client)
    asked(broker, client)
    offered(broker, client)
    offered(broker, client, a_tag(origin="bought"), identifier=an_identifier("bought.canary@mailbox.example"))
    objected(broker)
    handed(broker, client, received(broker, client))
    note_ruling(broker, ("APPLICATION-1",))
    proved(broker, an_account(), a_request(client))
    seen(broker, handle="JaneMoved", protected=True)


@pytest.mark.usefixtures("history")
def test_nothing_about_a_consent_is_ever_swept_away(broker: Broker, clock: Clock) -> None:
    clock.passes(days=3650)
    with broker.database.transaction() as tx:
        before = all_rows(tx)
    sweep_up(broker)
    with broker.database.transaction() as tx:
        after = all_rows(tx)
    assert {name: before[name] for name in LASTING} == {name: after[name] for name in LASTING}
    assert [[], []] == [after["links"], after["person_sessions"]]
    assert {"grant", "receipt", "capability", "association"} == {row["kind"] for row in after["routes"]}


@pytest.mark.usefixtures("history")
def test_the_duty_of_ends_sweeps_at_its_first_turn_not_at_each(broker: Broker, client: Client, clock: Clock) -> None:
    clock.passes(days=1)
    duty = Expirer(broker)
    duty.turn()
    with broker.database.transaction() as tx:
        assert [] == all_rows(tx)["links"]
    proved(broker, an_account(), a_request(client))
    clock.passes(days=1)
    duty.turn()
    with broker.database.transaction() as tx:
        assert 1 == len(all_rows(tx)["links"])


def test_a_sweep_that_fails_is_said(own_broker: Broker) -> None:
    with own_broker.database.engine.begin() as tx:
        tx.execute(text("DROP TABLE links"))
    with pytest.raises(Unavailable):
        sweep_up(own_broker)
