"""A tape says what was written to it, up to where it was cut off, and where it is damaged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.core.sheet import Outcome
from broker.core.tape import OnTape, answer_record, client_record, outcome_record, read_tape

OUTCOME = Outcome(purpose="customer-care", permitted=True, basis="consent", reason=None, clauses=("MATCH-2",),
                  policy_digest="sha256:a policy")  # fmt: skip
DENIAL = Outcome(purpose="newsletter", permitted=False, basis=None, reason="no_basis", clauses=("MATCH-4", "MATCH-1"),
                 policy_digest="sha256:a policy")  # fmt: skip
digests = st.binary(min_size=16, max_size=16)
answers = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 65_535), st.integers(0, 2**53), digests, digests,
              st.one_of(st.none(), st.text("abc234567", min_size=1, max_size=26))),
    max_size=8,
)  # fmt: skip
BEGINNING = client_record("shop", "s" * 26) + client_record("bank", "b" * 26)
BEGINNING += outcome_record(OUTCOME) + outcome_record(DENIAL)


@given(answers)
def test_what_is_read_is_what_was_written(told: list[tuple[int, int, int, int, bytes, bytes, str | None]]) -> None:
    raw, said = BEGINNING, []
    for client, outcome, place, at, account, identifier, ground in told:
        raw += answer_record(client, outcome, place, at=at, account=account, identifier=identifier, ground=ground)
        who, sheet = (("shop", "s" * 26), ("bank", "b" * 26))[client]
        said.append(OnTape(who, sheet, place, at, account, identifier, (OUTCOME, DENIAL)[outcome], ground))
    content = read_tape(raw)
    assert content.answers == said
    assert content.damaged is None


def a_tape(count: int = 3) -> bytes:
    """A tape of so many answers."""
    rows = [answer_record(0, 0, at, at=at, account=bytes(16), identifier=bytes(16), ground=None) for at in range(count)]
    return BEGINNING + b"".join(rows)


def test_wherever_it_was_cut_off_what_was_written_whole_is_there_and_nothing_is_damaged() -> None:
    whole, one = a_tape(), len(a_tape(1)) - len(BEGINNING)
    for cut in range(len(whole) - one, len(whole)):
        content = read_tape(whole[:cut])
        assert (2, None) == (len(content.answers), content.damaged)


def test_zeros_behind_the_last_record_are_what_a_power_cut_leaves() -> None:
    content = read_tape(a_tape() + bytes(100))
    assert (3, None) == (len(content.answers), content.damaged)


@pytest.mark.parametrize("at", [4, 9, 30])
def test_a_changed_byte_is_damage_and_what_is_before_it_is_read(at: int) -> None:
    raw, one = bytearray(a_tape()), len(a_tape(2)) - len(a_tape(1))
    begins = len(BEGINNING) + one
    raw[begins + at] ^= 1
    content = read_tape(bytes(raw))
    assert (1, begins) == (len(content.answers), content.damaged)


def test_an_empty_tape_says_nothing() -> None:
    assert ([], None) == (read_tape(b"").answers, read_tape(b"").damaged)
