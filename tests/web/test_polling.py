"""The waiting room of polls: so many places, one of each client, and every place given back."""

from __future__ import annotations

import pytest

from broker.serving import THREADS
from broker.web.polling import PATIENCE, PLACES, WaitingRoom


def test_those_who_wait_leave_most_threads_to_others_and_no_worker_waits_for_them_at_its_end() -> None:
    assert PLACES <= THREADS // 4
    assert PATIENCE < 15  # seconds after which a worker that ends is killed


def test_a_room_has_so_many_places_and_they_are_given_back() -> None:
    room = WaitingRoom(2)
    with room.place("one") as first, room.place("two") as second, room.place("three") as third:
        assert (True, True, False) == (first, second, third)
    with room.place("three") as third:
        assert third


def test_a_client_waits_once_at_a_time() -> None:
    room = WaitingRoom(2)
    with room.place("one") as first:
        with room.place("one") as again:
            assert (True, False) == (first, again)
        with room.place("one") as again:
            assert not again  # the place that was refused was not given back
    with room.place("one") as again:
        assert again


def test_a_place_is_given_back_whatever_happens() -> None:
    room = WaitingRoom(1)
    with pytest.raises(ZeroDivisionError), room.place("one"):
        raise ZeroDivisionError
    with room.place("two") as got:
        assert got
