from __future__ import annotations

from collections.abc import Iterator

import pytest
from builders import (
    BROWSER,
    Clock,
    a_choice,
    a_question,
    a_request,
    an_account,
    an_identifier,
    asked,
    consented,
    proved,
    refused,
)
from raw_rows import Rows, all_rows, writings

from broker.actions.broker import Broker
from broker.actions.refuse_consent import refuse_consent
from broker.core.client import Client
from broker.errors import FlowBroken
from broker.proof.sdjwt import payload_of
from broker.proof.verify import Verdict, verify_receipt
from broker.store.flows import claim_choice
from broker.store.people import find_person
from broker.store.receipts import find_receipt
from broker.store.sealing import SealBroken


def rows_of(broker: Broker) -> Rows:
    """Read every row."""
    with broker.database.transaction() as tx:
        return all_rows(tx)


def receipt(broker: Broker, receipt_id: str) -> Verdict:
    """Verify one receipt of the person."""
    with broker.database.transaction() as tx:
        person = find_person(tx, broker.sealer, broker.blinder.account(an_account().account))
        assert person is not None
        stored = find_receipt(tx, person.key, receipt_id, store=broker.sealer, person=person.sealer)
    assert stored is not None
    return verify_receipt("~".join([stored.jwt, *stored.disclosures, ""]), jwks=broker.keys.jwks())


def test_a_no_has_a_receipt_for_the_person(broker: Broker, client: Client) -> None:
    verdict = receipt(broker, refused(broker, client))
    assert verdict.anchored
    said = verdict.payload["record"]
    assert isinstance(said, dict)
    assert ("dpv:ConsentRefused", "button:refuse", "https://consent.example/consents") == (
        said["event"]["state"], said["event"]["method"], said["withdrawal"]["uri"],
    )  # fmt: skip
    assert ["account"] == list(verdict.disclosed)


def test_a_no_leaves_no_consent_no_association_no_event_and_no_grant(broker: Broker, client: Client) -> None:
    refused(broker, client)
    rows = rows_of(broker)
    assert [] == [*rows["consents"], *rows["associations"], *rows["events"]]
    assert ["receipt"] == [row["kind"] for row in rows["routes"]]
    assert [1, 1, 1] == [len(rows[name]) for name in ("refusals", "receipts", "leaves")]


def test_a_no_permits_nothing_and_reads_like_no_answer_at_all(broker: Broker, client: Client) -> None:
    before = asked(broker, client).decision
    refused(broker, client)
    assert before == asked(broker, client).decision
    assert "no_basis" == before.reason


def test_a_no_takes_no_earlier_yes_back(broker: Broker, client: Client) -> None:
    consented(broker, client)
    refused(broker, client)
    assert asked(broker, client).decision.permitted


def test_a_pair_refused_again_is_one_row_and_two_receipts(broker: Broker, client: Client, clock: Clock) -> None:
    first = refused(broker, client)
    clock.passes(days=1)
    second = refused(broker, client)
    rows = rows_of(broker)
    assert {first, second} == {row["receipt_id"] for row in rows["receipts"]}
    assert [second] == [row["receipt_id"] for row in rows["refusals"]]


def test_what_two_businesses_were_refused_has_nothing_in_common(
    broker: Broker, client: Client, other_client: Client
) -> None:
    for business in (client, other_client):
        refused(broker, business)
    rows = rows_of(broker)
    assert 2 == len({row["pair"] for row in rows["refusals"]})
    assert 2 == len({payload_of_row(broker, row)["sub"] for row in rows["receipts"]})


def payload_of_row(broker: Broker, row: dict[str, object]) -> dict[str, object]:
    """Open the JWT of a receipt's row."""
    sealed, name = row["sealed_jwt"], row["receipt_id"]
    assert isinstance(sealed, bytes)
    return payload_of(broker.sealer.open(sealed, place=f"receipts.sealed_jwt:{name}").decode())


def test_a_sign_in_of_ones_own_refuses_nobody(broker: Broker, client: Client) -> None:
    seen = proved(broker, an_account(), None)
    with pytest.raises(FlowBroken), broker.database.transaction() as tx:
        refuse_consent(tx, broker, client, a_choice(seen))


def known_of(broker: Broker, row: dict[str, object]) -> Iterator[bytes]:
    """Everything that the broker itself can read in a row: its cells, and what opens of them."""
    with broker.database.transaction() as tx:
        person = find_person(tx, broker.sealer, broker.blinder.account(an_account().account))
    assert person is not None
    name = row.get("link_id") or row.get("receipt_id") or ""
    for column, cell in row.items():
        yield cell if isinstance(cell, bytes) else str(cell).encode()
        for table in ("links", "receipts", "pushed_requests"):
            for place in (f"{table}.{column}", f"{table}.{column.removeprefix('sealed_')}"):
                for sealer in (broker.sealer, person.sealer):
                    try:
                        yield sealer.open(cell if isinstance(cell, bytes) else b"", place=f"{place}:{name}")
                    except SealBroken:
                        continue


def test_no_row_holds_both_sides_of_a_refused_pair(broker: Broker, client: Client) -> None:
    seen = proved(broker, an_account(), a_request(client))
    with broker.database.transaction() as tx:
        assert claim_choice(tx, seen.link_id, browser=BROWSER, now=broker.now())
        refuse_consent(tx, broker, client, a_choice(seen))
    account = broker.blinder.account(an_account().account)
    identifier = broker.blinder.identifier(client.client_id, an_identifier())
    ours = [account, *writings("2244994945"), *writings("JaneCanary")]
    theirs = [identifier, identifier.hex().encode(), *writings(an_identifier().value)]
    together = []
    for table, content in rows_of(broker).items():
        for row in content:
            known = b"\0".join(known_of(broker, row))
            if any(needle in known for needle in ours) and any(needle in known for needle in theirs):
                together.append(table)
    assert [] == together


def test_the_refused_identifier_is_not_in_what_the_person_keeps(broker: Broker, client: Client) -> None:
    verdict = receipt(broker, refused(broker, client, identifier=an_identifier("secret.canary@mailbox.example")))
    assert "canary" not in str(verdict.payload)
    assert "identifier" not in verdict.disclosed


def test_after_a_no_a_yes_is_free(broker: Broker, client: Client) -> None:
    refused(broker, client)
    consented(broker, client)
    assert asked(broker, client, a_question()).decision.permitted
