"""How long a consent is asked for: calendar lengths, from a day to ten years."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.core.duration import MAX_YEARS, Duration, read_duration
from broker.errors import MalformedRequest


def at(text: str) -> datetime:
    """Return noon of a day."""
    return datetime.fromisoformat(f"{text}T12:00:00+00:00")


LENGTHS = {
    "P1D": Duration(months=0, days=1),
    "P90D": Duration(months=0, days=90),
    "P2W": Duration(months=0, days=14),
    "P1M": Duration(months=1, days=0),
    "P1Y": Duration(months=12, days=0),
    "P10Y": Duration(months=120, days=0),
    "P1Y2M3W4D": Duration(months=14, days=25),
    "P0Y1D": Duration(months=0, days=1),
}


@pytest.mark.parametrize(("text", "expected"), LENGTHS.items(), ids=LENGTHS.keys())
def test_a_duration_is_years_months_weeks_and_days(text: str, expected: Duration) -> None:
    assert expected == read_duration(text)


ENDS = {
    "a year": ("2026-11-23", "P1Y", "2027-11-23"),
    "a month": ("2026-11-23", "P1M", "2026-12-23"),
    "over the end of the year": ("2026-11-30", "P3M", "2027-02-28"),
    "a month from the last of January": ("2027-01-31", "P1M", "2027-02-28"),
    "a month from the last of January in a leap year": ("2028-01-31", "P1M", "2028-02-29"),
    "a month from the last of May": ("2026-05-31", "P1M", "2026-06-30"),
    "a year from a leap day": ("2028-02-29", "P1Y", "2029-02-28"),
    "four years from a leap day": ("2028-02-29", "P4Y", "2032-02-29"),
    "a hundred years after 2000 are no leap year": ("2096-02-29", "P4Y", "2100-02-28"),
    "twelve months": ("2026-12-31", "P12M", "2027-12-31"),
    "December to December": ("2026-12-01", "P1M", "2027-01-01"),
    "days go on after months": ("2027-01-31", "P1M1D", "2027-03-01"),
    "weeks": ("2026-12-28", "P1W", "2027-01-04"),
}


@pytest.mark.parametrize(("begin", "length", "end"), ENDS.values(), ids=ENDS.keys())
def test_a_consent_ends_on_the_calendar(begin: str, length: str, end: str) -> None:
    assert at(end) == read_duration(length).after(at(begin))


NO_DURATIONS = [
    "", "P", "P0D", "P0Y", "1Y", "p1y", "PY", "P1", "P1H", "PT1H", "P1DT1H", "P-1D", "+P1D", "P1.5Y", "P1,5Y", "P1Y ",
    " P1Y", "P1Y\n", "P1M1Y", "P1Y1Y", "P\u0661Y", "P1000Y", "P99999D", "forever", "2027-11-23",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_DURATIONS)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(MalformedRequest, match="valid_for"):
        read_duration(text)


@pytest.mark.parametrize("text", ["P11Y", "P999M", "P121M", "P130M", "P10Y300D", "P9Y24M", "P3661D", "P530W"])
def test_nobody_consents_for_longer_than_ten_years(text: str) -> None:
    with pytest.raises(MalformedRequest, match="10 years"):
        read_duration(text)


LENGTH = st.builds(
    "P{}Y{}M{}W{}D".format,
    st.integers(0, 12), st.integers(0, 150), st.integers(0, 600), st.integers(0, 4000),
)  # fmt: skip
MOMENT = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


@given(moment=MOMENT, text=LENGTH)
def test_every_end_lies_ahead_and_within_ten_years(moment: datetime, text: str) -> None:
    try:
        end = read_duration(text).after(moment)
    except MalformedRequest:
        return
    assert timedelta(days=1) <= end - moment <= timedelta(days=MAX_YEARS * 366)


@given(moment=MOMENT, months=st.integers(1, 120))
def test_months_keep_the_day_or_take_the_last_one(moment: datetime, months: int) -> None:
    end = Duration(months=months, days=0).after(moment)
    assert (moment.year * 12 + moment.month + months) == end.year * 12 + end.month
    assert end.day == moment.day or (end.day < moment.day and (end + timedelta(days=1)).day == 1)
