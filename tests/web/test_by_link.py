"""The page that a receipt's link opens says what is so, and nothing that a newer consent makes untrue."""

from __future__ import annotations

import pytest
from builders import Clock, consented, registered
from flask.testing import FlaskClient
from harness.forms import read
from raw_rows import all_rows

from broker.actions.broker import Broker
from broker.actions.withdraw_consent import relinquish_grant, withdraw_by_link, withdraw_consent
from broker.core.consent import ConsentRecord
from broker.proof.sdjwt import payload_of
from broker.store.people import find_person
from broker.store.receipts import find_receipt

MAY_NOT = "may not match this account"


def link_of(broker: Broker, record: ConsentRecord) -> str:
    """The link that the consent's receipt holds, under the issuer."""
    with broker.database.reading() as tx:
        person = find_person(tx, broker.sealer, record.account)
        assert person is not None
        found = find_receipt(tx, record.account, record.receipt_id, store=broker.sealer, person=person.sealer)
    assert found is not None
    payload: dict[str, dict[str, dict[str, str]]] = payload_of(found.jwt)  # type: ignore[assignment] # as signed
    return payload["record"]["withdrawal"]["uri"].removeprefix(broker.issuer)


def page_of(broker: Broker, http: FlaskClient, record: ConsentRecord) -> str:
    """Open the link that the consent's receipt holds."""
    answer = http.get(link_of(broker, record), base_url="https://localhost")
    assert 200 == answer.status_code
    return " ".join(read("https://localhost/", answer.text).words.split())


@pytest.mark.parametrize("ended", ["given up", "over by its date"])
def test_the_link_of_a_consent_that_ended_by_itself_objects_to_nothing(
    broker: Broker, clock: Clock, ended: str
) -> None:
    """Its token of the form may have been fetched while the consent stood, by the business as well."""
    client = registered(broker)
    record = consented(broker, client)
    link = link_of(broker, record).rpartition("/")[2]
    with broker.database.transaction() as tx:
        if ended == "given up":
            relinquish_grant(tx, broker, client_id=client.client_id, grant_id=record.grant_id)
        else:
            clock.now = record.valid_until
        withdraw_by_link(tx, broker, capability=link)
        assert [] == all_rows(tx)["objections"]
        withdraw_consent(tx, broker, account=record.account, grant_id=record.grant_id)
        assert 1 == len(all_rows(tx)["objections"])  # signed in, it is the person's own no


def test_the_link_of_a_consent_that_was_given_anew_does_not_say_that_nothing_may_be_matched(
    broker: Broker, http: FlaskClient
) -> None:
    client = registered(broker)
    first, second = consented(broker, client), consented(broker, client)
    assert MAY_NOT not in page_of(broker, http, first)
    assert "You gave this consent anew since" in page_of(broker, http, first)
    with broker.database.transaction() as tx:
        withdraw_consent(tx, broker, account=second.account, grant_id=second.grant_id)
    assert MAY_NOT in page_of(broker, http, second)
