"""Clients, routes and decisions: the tables that others lean on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import NOON, a_registration, an_id

from broker.core.client import Client, Standing
from broker.core.consent import ConsentRecord, ConsentStatus
from broker.core.identifiers import Association, OffPlatformId
from broker.core.match import Decision, Ground, MatchRequest, PolicyRef
from broker.errors import Unavailable
from broker.store.clients import find_client, list_clients, save_client, set_standing
from broker.store.consents import find_consent
from broker.store.database import Database
from broker.store.decisions import save_decision
from broker.store.flows import claim_pushed, find_proved
from broker.store.receipts import find_receipt
from broker.store.routes import CAPABILITY, GRANT, RECEIPT, Route, add_route, drop_route, find_route
from broker.store.sealing import Sealer
from broker.store.tables import DecisionRow, RouteRow

NORTHWIND, CONTOSO = an_id("northwind"), an_id("contoso")
CLIENT = Client(
    client_id=NORTHWIND,
    registration=a_registration(
        brands=("Northwind Kids", "Großrad"),
        agreements={"terms_of_service": "2026-01-02"},
        policy_uri="https://n.example/p",
    ),
    standing=Standing.ACTIVE,
    registered_at=NOON,
)
REQUEST = MatchRequest(
    association=Association(client_id=NORTHWIND, account=b"a" * 16, identifier=b"i" * 16), purpose="customer-care"
)
POLICY = PolicyRef(id="terms", version="1", digest="sha256:00")


def test_a_client_is_found_as_it_was_registered(database: Database) -> None:
    with database.transaction() as tx:
        save_client(tx, CLIENT)
    with database.transaction() as tx:
        assert CLIENT == find_client(tx, NORTHWIND)
        assert find_client(tx, CONTOSO) is None


@pytest.mark.parametrize("name", ["", "a\0b", "\ud800", "A" * 26, "a" * 27, "a" * 25 + "\n"])
def test_a_name_that_is_no_id_of_ours_is_looked_up_nowhere(database: Database, store: Sealer, name: str) -> None:
    with database.transaction() as tx:
        assert find_client(tx, name) is None
        assert find_consent(tx, b"a" * 16, name) is None
        assert find_receipt(tx, b"a" * 16, name, store=store, person=store) is None
        assert claim_pushed(tx, "urn:one", client_id=name, now=NOON, store=store) is None
        assert find_proved(tx, name, browser="a browser", now=NOON, store=store) is None


def test_clients_are_listed_the_first_registered_first(database: Database) -> None:
    later = replace(CLIENT, client_id=CONTOSO, registered_at=NOON + timedelta(days=1))
    with database.transaction() as tx:
        for client in (later, CLIENT):
            save_client(tx, client)
        assert [CLIENT, later] == list_clients(tx)


def test_a_client_cannot_be_registered_over_another(database: Database) -> None:
    with database.transaction() as tx:
        save_client(tx, CLIENT)
    with pytest.raises(Unavailable), database.transaction() as tx:
        save_client(tx, replace(CLIENT, registration=a_registration(client_name="Contoso")))
    with database.transaction() as tx:
        assert [CLIENT] == list_clients(tx)


def test_a_standing_is_changed_for_the_client_that_is_meant(database: Database) -> None:
    with database.transaction() as tx:
        save_client(tx, CLIENT)
        save_client(tx, replace(CLIENT, client_id=CONTOSO))
        assert set_standing(tx, CONTOSO, Standing.SUSPENDED, who="Sam", why="sells what it learns", now=NOON)
        assert not set_standing(tx, an_id("nobody"), Standing.SUSPENDED, who="Sam", why="nobody", now=NOON)
    with database.transaction() as tx:
        standings = {client.client_id: (client.standing, client.standing_why) for client in list_clients(tx)}
    assert {NORTHWIND: (Standing.ACTIVE, None), CONTOSO: (Standing.SUSPENDED, "sells what it learns")} == standings


def test_a_name_leads_where_it_was_told_and_only_as_its_own_kind(database: Database) -> None:
    with database.transaction() as tx:
        add_route(tx, GRANT, "a name", account=b"a" * 16, target="a grant")
        add_route(tx, RECEIPT, "a name", account=b"b" * 16, target="another")
        found = [find_route(tx, kind, "a name") for kind in (GRANT, RECEIPT, CAPABILITY)]
    assert [Route(b"a" * 16, "a grant"), Route(b"b" * 16, "another"), None] == found


def test_a_name_cannot_be_led_elsewhere(database: Database) -> None:
    with database.transaction() as tx:
        add_route(tx, CAPABILITY, "a name", account=b"a" * 16, target="a grant")
    with pytest.raises(Unavailable), database.transaction() as tx:
        add_route(tx, CAPABILITY, "a name", account=b"b" * 16, target="another")
    with database.transaction() as tx:
        assert Route(b"a" * 16, "a grant") == find_route(tx, CAPABILITY, "a name")


def test_a_dropped_name_leads_nowhere_and_the_others_stay(database: Database) -> None:
    with database.transaction() as tx:
        for name in ("one", "two"):
            add_route(tx, GRANT, name, account=b"a" * 16, target=name)
        drop_route(tx, GRANT, "one")
        assert [None, Route(b"a" * 16, "two")] == [find_route(tx, GRANT, name) for name in ("one", "two")]


def test_a_name_is_kept_hashed(database: Database) -> None:
    with database.transaction() as tx:
        add_route(tx, CAPABILITY, "the capability", account=b"a" * 16, target="a grant")
        row = tx.execute(RouteRow.__table__.select()).one()  # type: ignore[attr-defined]
    assert 32 == len(row.name)
    assert "the capability" not in str(row)


def a_consent() -> ConsentRecord:
    return ConsentRecord(
        grant_id="a grant",
        client_id=NORTHWIND,
        account=b"a" * 16,
        identifier=OffPlatformId(kind="person", type="email", digest=b"i" * 16),
        purposes=("customer-care",),
        status=ConsentStatus.GIVEN,
        given_at=NOON,
        valid_until=NOON + timedelta(days=1),
        receipt_id="a receipt",
    )


PERMIT = Decision(permitted=True, clauses=("MATCH-2",), policy=POLICY, basis="consent", consent=a_consent())
GROUND = Ground(
    association_id="an association",
    basis="public",
    from_platform=False,
    expected_purposes=("customer-care",),
    statement_id="a statement",
)
ON_GROUND = Decision(permitted=True, clauses=("MATCH-4b1",), policy=POLICY, basis="public", ground=GROUND)
DENIAL = Decision(permitted=False, clauses=("MATCH-4", "SENSITIVE-1"), policy=POLICY, reason="no_basis")


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (PERMIT, (True, "consent", None, ["MATCH-2"], "a grant", None)),
        (ON_GROUND, (True, "public", None, ["MATCH-4b1"], None, "an association")),
        (DENIAL, (False, None, "no_basis", ["MATCH-4", "SENSITIVE-1"], None, None)),
    ],
    ids=["permit on consent", "permit on a ground", "denial"],
)
def test_an_answer_is_written_down_with_what_was_asked(
    database: Database, decision: Decision, expected: tuple[object, ...]
) -> None:
    with database.transaction() as tx:
        save_decision(tx, "a decision", REQUEST, decision, act="match", now=NOON)
    with database.transaction() as tx:
        row = tx.execute(DecisionRow.__table__.select()).one()  # type: ignore[attr-defined]
    assert expected == (row.permitted, row.basis, row.reason, row.clauses, row.grant_id, row.association_id)
    assert ("match", NORTHWIND, b"a" * 16, b"i" * 16, "customer-care", "sha256:00", NOON) == (
        row.act, row.client_id, row.account, row.identifier, row.purpose, row.policy_digest, row.decided_at,
    )  # fmt: skip
