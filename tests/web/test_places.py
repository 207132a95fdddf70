"""A place in a long list: there and back, and nothing else is one."""

from datetime import timedelta

import pytest
from builders import NOON, an_id

from broker.errors import MalformedRequest
from broker.store.paging import Place
from broker.web.places import read_place, write_place


@pytest.mark.parametrize("micros", [0, 1, 999_999])
def test_a_place_comes_back_to_the_microsecond(micros: int) -> None:
    place = Place(NOON + timedelta(microseconds=micros), an_id("question"))
    assert place == read_place(write_place(place))


def test_no_place_is_the_beginning() -> None:
    assert read_place(None) is None


@pytest.mark.parametrize(
    "text", ["", "1", f".{an_id('q')}", f"1.{an_id('q')}\n", f"-1.{an_id('q')}", f"1e3.{an_id('q')}",
             f"{'9' * 17}.{an_id('q')}", f"\u0661.{an_id('q')}", "1.\x00", "1." + "A" * 26],
)  # fmt: skip
def test_what_no_page_led_to_is_no_place(text: str) -> None:
    with pytest.raises(MalformedRequest):
        read_place(text)


def test_the_last_place_that_can_be_written_is_within_the_calendar() -> None:
    assert read_place(f"{'9' * 16}.{an_id('q')}") is not None
