"""What a batch writes of a moment is what every other answer would."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from broker.proof.receipt import timestamp
from broker.store.pairs import in_microseconds
from broker.web.batch_text import _ground

moments = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds have none


@given(ends=moments)
def test_the_end_of_a_consent_is_written_as_a_timestamp_is(ends: datetime) -> None:
    written = _ground(["consent", "grant", "receipt", "", ""], in_microseconds(ends) or 1)
    told = json.loads(f"{{{written[1:]}}}")
    assert {"grant_id": "grant", "receipt_id": "receipt", "valid_until": timestamp(ends)} == told
