"""What may happen to a consent, and what never may."""

from datetime import timedelta

import pytest
from core.records import NOW, consent
from hypothesis import given
from hypothesis import strategies as st

from broker.core.consent import ConsentRecord, ConsentStatus, IllegalTransition

ENDS = (ConsentStatus.WITHDRAWN, ConsentStatus.REVOKED, ConsentStatus.EXPIRED)
LEGAL = {
    (ConsentStatus.REQUESTED, ConsentStatus.GIVEN),
    (ConsentStatus.REQUESTED, ConsentStatus.REFUSED),
    *((ConsentStatus.GIVEN, end) for end in ENDS),
}
MOVES = [(before, after) for before in ConsentStatus for after in ConsentStatus]


@pytest.mark.parametrize(("before", "after"), [move for move in MOVES if move not in LEGAL])
def test_what_cannot_happen_to_a_consent_does_not(before: ConsentStatus, after: ConsentStatus) -> None:
    with pytest.raises(IllegalTransition, match=f"is {before} cannot become {after}"):
        consent(status=before).ended(after, at=NOW, by="page:consents")


@pytest.mark.parametrize("end", ENDS)
def test_a_consent_that_ends_links_nothing_any_more(end: ConsentStatus) -> None:
    ended = consent().ended(end, at=NOW, by="page:consents")
    assert (end, NOW, "page:consents", False) == (ended.status, ended.ended_at, ended.ended_by, ended.associated)


@pytest.mark.parametrize("end", ENDS)
def test_an_end_changes_nothing_else(end: ConsentStatus) -> None:
    before = consent()
    changed = {
        name
        for name, value in vars(before.ended(end, at=NOW, by="page:consents")).items()
        if value != getattr(before, name)
    }
    assert {"status", "ended_at", "ended_by", "associated"} == changed


@given(moves=st.lists(st.sampled_from(list(ConsentStatus)), max_size=8))
def test_nothing_leaves_an_ended_state(moves: list[ConsentStatus]) -> None:
    record = consent(status=ConsentStatus.REQUESTED)
    walked = [record.status]
    for status in moves:
        record = moved(record, status)
        walked.append(record.status)
    ended = [status for status in walked if status in {*ENDS, ConsentStatus.REFUSED}]
    assert ended == [record.status] * len(ended)


def moved(record: ConsentRecord, status: ConsentStatus) -> ConsentRecord:
    """Return the record after the move, or as it was when the move is not allowed."""
    try:
        return record.ended(status, at=NOW, by="page:consents")
    except IllegalTransition:
        return record


LIVES = {
    "long before its end": (timedelta(days=300), ConsentStatus.GIVEN),
    "a moment before its end": (timedelta(microseconds=1), ConsentStatus.GIVEN),
    "at its end": (timedelta(0), ConsentStatus.EXPIRED),
    "after its end": (-timedelta(days=1), ConsentStatus.EXPIRED),
}


@pytest.mark.parametrize(("left", "expected"), LIVES.values(), ids=LIVES.keys())
def test_a_consent_ends_at_its_date_though_no_job_ever_ran(left: timedelta, expected: ConsentStatus) -> None:
    assert expected is consent(until=left).status_at(NOW)


@pytest.mark.parametrize("status", [status for status in ConsentStatus if status is not ConsentStatus.GIVEN])
def test_time_changes_no_other_status(status: ConsentStatus) -> None:
    assert [status, status] == [consent(status=status, until=left).status_at(NOW) for left in (LEFT, -LEFT)]


LEFT = timedelta(days=1)


def test_every_status_is_a_term_of_dpv() -> None:
    expected = {"Requested", "Given", "Refused", "Withdrawn", "Revoked", "Expired"}
    assert {f"dpv:Consent{name}" for name in expected} == {status.dpv for status in ConsentStatus}
