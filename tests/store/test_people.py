from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from builders import NOON, a_pen, all_at_once, an_account, seeded_random
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.store.database import Database
from broker.store.people import Bearer, bearer_of, find_person, hold_handle, own_sealer, pairwise_name, save_proof
from broker.store.sealing import Sealer
from broker.store.tables import PersonRow
from broker.store.trail import begin_trail
from broker.store.transaction import Transaction

KEY = b"account of jane!"
RACERS = 8
ACCOUNTS = (b"one", b"two", b"three")
HANDLES = (b"@a", b"@b", b"@c")
#: One proof after another: who, and the handle they bore at that moment.
HISTORIES = st.lists(st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(HANDLES)), max_size=12)


def test_an_account_that_was_never_proved_is_nobody(database: Database, store: Sealer) -> None:
    with database.transaction() as tx:
        assert find_person(tx, store, KEY) is None


def test_a_proof_is_found_again_with_its_own_key(database: Database, store: Sealer) -> None:
    with database.transaction() as tx:
        proved = save_proof(tx, store, KEY, an_account(), now=NOON)
    with database.transaction() as tx:
        found = find_person(tx, store, KEY)
    assert found is not None
    assert (KEY, an_account(), NOON) == (found.key, found.proven, found.proved_at)
    assert b"plain" == found.sealer.open(proved.sealer.seal(b"plain", place="here"), place="here")
    assert store.key != found.sealer.key


def test_a_later_proof_changes_handle_and_time_and_keeps_the_key(database: Database, store: Sealer) -> None:
    later = NOON + timedelta(days=1)
    with database.transaction() as tx:
        first = save_proof(tx, store, KEY, an_account(), now=NOON)
        save_proof(tx, store, KEY, an_account(handle="renamed"), now=later)
        found = find_person(tx, store, KEY)
    assert found is not None
    assert (an_account(handle="renamed"), later, first.sealer.key) == (found.proven, found.proved_at, found.sealer.key)


def test_first_proofs_at_once_agree_on_one_key(database: Database, store: Sealer) -> None:
    def prove(_: int) -> bytes:
        with database.transaction() as tx:
            return save_proof(tx, store, KEY, an_account(), now=NOON).sealer.key

    keys = all_at_once(RACERS, prove)
    with database.transaction() as tx:
        found = find_person(tx, store, KEY)
        assert 1 == len(tx.execute(PersonRow.__table__.select()).all())  # type: ignore[attr-defined]
    assert found is not None
    assert {found.sealer.key} == set(keys)


def holders(database: Database, *handles: bytes) -> list[bytes | None]:
    """Ask who holds each handle."""
    with database.transaction() as tx:
        return [holder_of(tx, handle) for handle in handles]


def holder_of(tx: Transaction, handle: bytes) -> bytes | None:
    """Whom a handle leads to: its bearer, while they hold it."""
    bearer = bearer_of(tx, handle)
    return bearer.account if bearer and bearer.held else None


def proves(database: Database, account: bytes, handle: bytes) -> None:
    """Record one proof's handle in a transaction of its own."""
    with database.transaction() as tx:
        hold_handle(tx, handle, account, now=NOON)


def test_a_handle_that_nobody_proved_leads_to_nobody(database: Database) -> None:
    assert [None] == holders(database, b"@a")


def test_two_accounts_that_prove_one_handle_at_once_leave_it_to_nobody(database: Database) -> None:
    all_at_once(2, lambda number: proves(database, ACCOUNTS[number], b"@a"))
    assert [None] == holders(database, b"@a")


def test_a_handle_left_behind_still_names_who_bore_it_last(database: Database) -> None:
    proves(database, b"one", b"@a")
    proves(database, b"one", b"@b")
    with database.transaction() as tx:
        assert [Bearer(b"one", held=False), Bearer(b"one", held=True), None] == [
            bearer_of(tx, handle) for handle in HANDLES
        ]


def test_an_account_that_is_only_spoken_of_has_a_key_and_is_nobody_yet(database: Database, store: Sealer) -> None:
    with database.transaction() as tx:
        spoken_of = own_sealer(tx, store, KEY, platform="x", now=NOON)
        assert find_person(tx, store, KEY) is None
        proved = save_proof(tx, store, KEY, an_account(), now=NOON + timedelta(days=1))
    assert (spoken_of.key, an_account(), NOON + timedelta(days=1)) == (
        proved.sealer.key, proved.proven, proved.proved_at,
    )  # fmt: skip


def test_accounts_that_swap_handles_at_once_are_found_under_neither(database: Database) -> None:
    proves(database, b"one", b"@a")
    proves(database, b"two", b"@b")
    for account, handle in ((b"one", b"@b"), (b"two", b"@a")):
        proves(database, account, handle)
    assert [None, None] == holders(database, b"@a", b"@b")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=HISTORIES)
def test_a_handle_leads_to_an_account_that_alone_ever_proved_it_and_bears_it_still(
    database: Database, history: list[tuple[bytes, bytes]]
) -> None:
    proved_by: defaultdict[bytes, set[bytes]] = defaultdict(set)
    borne: dict[bytes, bytes] = {}
    with database.engine.connect() as tx:
        begin_trail(tx, a_pen())
        for account, handle in history:
            hold_handle(tx, handle, account, now=NOON)
            proved_by[handle].add(account)
            borne[account] = handle
            expected = {
                name: account
                for name in HANDLES
                for account in ACCOUNTS
                if proved_by[name] == {account} and borne[account] == name
            }
            assert expected == {name: holder for name in HANDLES if (holder := holder_of(tx, name)) is not None}
        tx.rollback()


def test_a_pairwise_name_is_one_word_of_ones_own_key_and_another_for_each_client() -> None:
    jane, joe = (Sealer(key * 32, seeded_random()) for key in (b"a", b"b"))
    name = pairwise_name(jane, "northwind")
    assert ("ppid_", 22, True) == (name[:5], len(name[5:]), name.replace("-", "").replace("_", "").isalnum())
    assert name == pairwise_name(jane, "northwind")
    assert name not in {pairwise_name(jane, "contoso"), pairwise_name(joe, "northwind")}
