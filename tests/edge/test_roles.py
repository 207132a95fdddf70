"""PostgreSQL under roles: programs' transactions are bound to their client, people's are not, and nothing is missing.

Every test of this folder runs under these roles there; here is said what else must be so.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from harness import tags
from harness.business import Business, person_email
from harness.person import Linked, Person
from harness.postgres import PostgresCluster
from harness.running import RunningBroker

pytestmark = pytest.mark.parametrize("broker", ["postgres"], indirect=True, scope="session")


@pytest.fixture
def superuser(broker: RunningBroker) -> Iterator[psycopg.Connection]:
    """Give a superuser's connection to the broker's own database."""
    with psycopg.connect(PostgresCluster.plain(broker.database_url), autocommit=True) as connection:
        yield connection


@contextmanager
def noted(superuser: psycopg.Connection, table: str) -> Iterator[Callable[[], set[str]]]:
    """Let each new row of a table say whom its transaction was bound to, behind the broker's back."""
    said = "coalesce(current_setting('broker.client_id', true), '')"
    superuser.execute(f"ALTER TABLE {table} ADD COLUMN bound text")
    superuser.execute(f"ALTER TABLE {table} ALTER COLUMN bound SET DEFAULT {said}")

    def bound() -> set[str]:
        rows = superuser.execute(f"SELECT DISTINCT bound FROM {table} WHERE bound IS NOT NULL")  # noqa: S608 - a name
        return {row[0] for row in rows}

    try:
        yield bound
    finally:
        superuser.execute(f"ALTER TABLE {table} DROP COLUMN bound")


def matches(business: Business, linked: Linked) -> None:
    # With a tag it is written by the view; what is taped is nobody's transaction.
    business.match(linked.account.id, linked.email, tag=tags.on_platform())


def gives_up(business: Business, linked: Linked) -> None:
    assert 204 == business.grant(linked.grant_id, "DELETE").status_code


def associates(business: Business, linked: Linked) -> None:
    answer = business.associate(linked.account.id, person_email("another@mailbox.example"), tags.on_platform())
    assert answer.status_code in {201, 403}


@pytest.mark.parametrize("acts", [matches, gives_up, associates])
def test_what_a_program_writes_it_writes_bound_to_its_client(
    superuser: psycopg.Connection, business: Business, linked: Linked, acts: Callable[[Business, Linked], None]
) -> None:
    with noted(superuser, "trail") as bound:
        acts(business, linked)
        assert {business.client_id} == bound() - {""}
        assert "" not in bound()


def test_who_authenticates_with_an_assertion_is_bound_too(superuser: psycopg.Connection, business: Business) -> None:
    with noted(superuser, "pushed_requests") as bound:
        assert 201 == business.par().answer.status_code
        assert {business.client_id} == bound()


def test_what_a_person_does_is_bound_to_nobody(superuser: psycopg.Connection, person: Person, linked: Linked) -> None:
    with noted(superuser, "trail") as bound:
        person.withdraws(linked.grant_id)
        assert {""} == bound()


@pytest.mark.usefixtures("superuser", "linked")
def test_the_commands_of_an_operator_work_and_find_all_in_order(broker: RunningBroker) -> None:
    assert "ok    rights: " in broker.command("doctor")
    assert broker.command("audit")
