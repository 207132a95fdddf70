"""A client acts while it is active, and not while it is held or suspended."""

from datetime import UTC, datetime

import pytest

from broker.core.client import Client, Registration, Standing

REGISTERED = Registration(
    client_name="Northwind",
    client_uri="https://northwind.example/",
    redirect_uris=("https://northwind.example/linked",),
    jwks={"keys": []},
    contacts=("privacy@northwind.example",),
    policy_uri=None,
    tos_uri=None,
    scopes=("match",),
    owner="Northwind Ltd",
    environment="prod",
    use_case="Answer customers",
    purposes=("customer-care",),
    platforms=("x",),
    brands=(),
    agreements={},
)


@pytest.mark.parametrize("standing", list(Standing))
def test_only_an_active_client_acts(standing: Standing) -> None:
    client = Client(
        client_id="northwind",
        registration=REGISTERED,
        standing=standing,
        registered_at=datetime(2026, 11, 23, tzinfo=UTC),
    )
    assert (standing is Standing.ACTIVE) is client.active
