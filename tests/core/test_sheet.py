"""How sheets are packed: sorted into groups, each entry in the one that its account leads to."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from builders import NOON
from hypothesis import given
from hypothesis import strategies as st
from sheets import DENIED, ON_CONSENT, ON_STATEMENT, OUTCOMES, digest, entries, names

from broker.core.sheet import GROUP, Entries, Entry, beginning, counted, decision_row, digest_of, group_of, pack, unpack

PEOPLE = [digest(name) for name in names(1000)]
MIXED = Entries(
    accounts=PEOPLE,
    identifiers=[digest(f"record of {name}") for name in names(1000)],
    outcomes=[place % 3 for place in range(1000)],
    grounds=["grant" * 4, None, "association"] * 333 + ["grant" * 4],
    led_to=((1, digest("bearer")), (4, PEOPLE[0])),
)
digests = st.binary(min_size=16, max_size=16)


def unpacked(of: Entries) -> list[list[Entry]]:
    """Return what a sheet's groups hold."""
    packed = pack(of)
    return [list(unpack(group, packed.width)) for group in packed.groups]


def test_what_is_packed_is_what_is_unpacked() -> None:
    told = [entry for group in unpacked(MIXED) for entry in group]
    answers = sorted((entry for entry in told if not entry.led), key=lambda entry: entry.place)
    asked = zip(
        MIXED.accounts, MIXED.identifiers, range(1000), MIXED.outcomes, [False] * 1000, MIXED.grounds, strict=True
    )
    assert [Entry(*one) for one in asked] == answers


def test_whom_a_handle_led_to_has_the_answer_under_their_own_name() -> None:
    led = [entry for group in unpacked(MIXED) for entry in group if entry.led]
    assert {(digest("bearer"), 1, DENIED, None), (PEOPLE[0], 4, DENIED, None)} == {
        (entry.account, entry.place, entry.outcome, entry.ground) for entry in led
    }
    assert {MIXED.identifiers[1], MIXED.identifiers[4]} == {entry.identifier for entry in led}


@given(st.lists(st.sampled_from([b"\0" * 16, b"\xff" * 16, *PEOPLE]) | digests, min_size=1, max_size=300))
def test_everything_about_an_account_lies_in_the_group_that_it_leads_to(accounts: list[bytes]) -> None:
    groups = unpacked(entries(accounts))
    assert -(-len(accounts) // GROUP) == len(groups)
    for number, group in enumerate(groups):
        assert {number} >= {group_of(entry.account, len(groups)) for entry in group}
    assert sorted(accounts) == [entry.account for group in groups for entry in group]


@pytest.mark.parametrize("groups", [2, 3, 5, 7, 11])
def test_at_the_edges_of_groups_there_is_none_between_two(groups: int) -> None:
    edges = [(number << 32) // groups + step for number in range(1, groups) for step in (-1, 0, 1)]
    accounts = [edge.to_bytes(4) + bytes(12) for edge in edges] * 20
    found = unpacked(entries(accounts[: GROUP * groups - 1] + [b"\0" * 16] * (GROUP * groups - len(accounts))))
    assert groups == len(found)
    for number, group in enumerate(found):
        assert {number} >= {group_of(entry.account, groups) for entry in group}


@given(digests, st.integers(1, 200))
def test_an_account_leads_to_a_group_that_there_is(account: bytes, groups: int) -> None:
    assert 0 <= group_of(account, groups) < groups
    assert beginning(account) == int.from_bytes(account[:4])


@pytest.mark.parametrize(
    "spoilt",
    [
        Entries(accounts=(), identifiers=(), outcomes=()),
        entries(PEOPLE[:1] * 65_537),
        entries([b"short"]),
        Entries(accounts=PEOPLE[:2], identifiers=PEOPLE[:1], outcomes=[0, 0]),
        Entries(accounts=PEOPLE[:1], identifiers=[b"short"], outcomes=[0]),
        Entries(accounts=PEOPLE[:1], identifiers=PEOPLE[:1], outcomes=[-1]),
        Entries(accounts=PEOPLE[:1], identifiers=PEOPLE[:1], outcomes=[0], grounds=["grünt"]),
        entries(PEOPLE[:1], led_to=[(0, b"short")]),
    ],
    ids=["none", "too many", "no account", "a record short", "no identifier", "no outcome", "no ground", "led to none"],
)
def test_what_is_no_sheet_is_refused(spoilt: Entries) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its text is for whoever wrote the caller
        pack(spoilt)


@pytest.mark.parametrize(("group", "width"), [(b"x" * 37, 0), (b"x" * 36, 1), (b"", -1)])
def test_what_is_no_group_is_refused(group: bytes, width: int) -> None:
    with pytest.raises(ValueError, match="whole entries"):
        list(unpack(group, width))


def test_a_group_is_digested_with_its_salt() -> None:
    assert hashlib.sha256(b"salt" + b"group").digest() == digest_of(b"salt", b"group")


def test_outcomes_are_counted() -> None:
    assert [334, 333, 333] == [told["answers"] for told in counted(OUTCOMES, MIXED)]


def test_an_entry_reads_as_a_decision_of_its_own() -> None:
    second = (1_000_000).to_bytes(4)
    sheet = {"sheet_id": "s2222", "client_id": "shop", "decided_at": NOON, "moments": bytes(7 * 4) + second,
             "outcomes": counted(OUTCOMES, MIXED)}  # fmt: skip
    rows = [
        decision_row(sheet, Entry(PEOPLE[0], PEOPLE[1], 7, outcome, led=False, ground="it"))
        for outcome in (ON_CONSENT, ON_STATEMENT)
    ]
    assert [("it", None), (None, "it")] == [(row["grant_id"], row["association_id"]) for row in rows]
    assert {("s222b", "match", "shop", NOON + timedelta(seconds=1), PEOPLE[0], PEOPLE[1])} == {
        tuple(row[name] for name in ("decision_id", "act", "client_id", "decided_at", "account", "identifier"))
        for row in rows
    }
    assert "answers" not in rows[0]
