from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import NOON, all_at_once, undone

from broker.store.database import Database
from broker.store.routes import CODE, find_route
from broker.store.tables import CodeRow
from broker.store.tokens import (
    Code,
    claim_code,
    revoke_token,
    save_code,
    token_revoked,
    use_assertion,
)

MINUTE = timedelta(minutes=1)
CONTENT = Code(
    account=b"a" * 16,
    client_id="northwind",
    grant_id="a grant",
    redirect_uri="https://northwind.example/linked",
    scope="consent",
    challenge="the challenge",
    expires_at=NOON + MINUTE,
)
RACERS = 8


@pytest.fixture
def code(database: Database) -> str:
    """Give a code that is kept and unused."""
    with database.transaction() as tx:
        save_code(tx, "the code", CONTENT)
    return "the code"


def claims(
    database: Database, code: str, token_id: str, *, client_id: str = "northwind", seconds: int = 0
) -> tuple[Code | None, str | None]:
    """Claim *code* in a transaction of its own, so many seconds after noon."""
    with database.transaction() as tx:
        now = NOON + timedelta(seconds=seconds)
        return claim_code(tx, code, client_id=client_id, token_id=token_id, now=now)


def test_a_code_is_claimed_with_all_it_stands_for(database: Database, code: str) -> None:
    assert (replace(CONTENT, token_id="token"), None) == claims(database, code, "token", seconds=59)


def test_a_code_used_twice_names_the_token_to_revoke(database: Database, code: str) -> None:
    claims(database, code, "first")
    assert (None, "first") == claims(database, code, "second")
    assert (None, "first") == claims(database, code, "third", seconds=3600)


@pytest.mark.parametrize("seconds", [60, 61, 86_400])
def test_a_code_past_its_end_is_good_for_nothing(database: Database, code: str, seconds: int) -> None:
    assert (None, None) == claims(database, code, "token", seconds=seconds)


def test_a_code_that_nobody_issued_is_good_for_nothing(database: Database) -> None:
    assert (None, None) == claims(database, "made up", "token")


def test_another_clients_try_neither_claims_a_code_nor_counts(database: Database, code: str) -> None:
    assert (None, None) == claims(database, code, "stolen", client_id="contoso")
    assert (replace(CONTENT, token_id="token"), None) == claims(database, code, "token")
    assert (None, None) == claims(database, code, "stolen", client_id="contoso")


def test_a_code_is_kept_by_its_hash(database: Database, code: str) -> None:
    with database.transaction() as tx:
        row = tx.execute(CodeRow.__table__.select()).one()  # type: ignore[attr-defined]
        assert find_route(tx, CODE, code) is not None
    assert code.encode() not in row.code


def test_of_many_claims_of_one_code_at_once_one_gets_it(database: Database, code: str) -> None:
    outcomes = all_at_once(RACERS, lambda number: claims(database, code, f"token {number}"))
    won = [content.token_id for content, _ in outcomes if content]
    assert 1 == len(won)
    assert [won[0]] * (RACERS - 1) == [earlier for content, earlier in outcomes if content is None]


def use(database: Database, *, client_id: str = "northwind", jti: str = "an assertion") -> bool:
    """Use an assertion in a transaction of its own."""
    with database.transaction() as tx:
        return use_assertion(tx, client_id=client_id, jti=jti, expires_at=NOON)


def test_an_assertion_is_used_once_by_each_client(database: Database) -> None:
    assert [True, False, True, True] == [
        use(database), use(database), use(database, jti="the next"), use(database, client_id="contoso"),
    ]  # fmt: skip


def test_of_many_uses_of_one_assertion_at_once_one_counts(database: Database) -> None:
    outcomes = all_at_once(RACERS, lambda _: use(database))
    assert [False] * (RACERS - 1) + [True] == sorted(outcomes)


def test_a_use_that_was_undone_may_come_again(database: Database) -> None:
    with undone(database) as tx:
        use_assertion(tx, client_id="northwind", jti="an assertion", expires_at=NOON)
    assert use(database)


def test_a_token_is_revoked_from_then_on_and_twice_is_no_error(database: Database) -> None:
    with database.transaction() as tx:
        assert not token_revoked(tx, "a token")
    for _ in range(2):
        with database.transaction() as tx:
            revoke_token(tx, "a token", expires_at=NOON)
    with database.transaction() as tx:
        assert [True, False] == [token_revoked(tx, "a token"), token_revoked(tx, "another")]
