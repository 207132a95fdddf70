"""``broker redistribute``: counted only for somebody at a terminal who says it twice."""

import os
import pty
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from desk import OPERATOR, refusal
from harness.running import console_script

from broker.actions.broker import Broker
from broker.actions.redistribute import add_recipient
from broker.cli import main
from broker.core.client import AGREEMENTS
from broker.core.names import fold_name
from broker.store.clients import find_client
from broker.store.recipients import Recipient, hold_recipient, read_ledger

DAY, CEILING = datetime(2020, 1, 1, tzinfo=UTC), 50_000


@contextmanager
def terminal(typed: str) -> Iterator[int]:
    """Give the terminal end of a pseudo-terminal at which somebody has typed."""
    keyboard, screen = pty.openpty()
    os.write(keyboard, typed.encode())
    yield screen
    os.close(keyboard)


@pytest.fixture
def recipient(broker: Broker, client_id: str) -> str:
    """Give a recipient that has agreed to everything."""
    return receives(broker, client_id)


def receives(broker: Broker, client_id: str, **changes: object) -> str:
    """Record a recipient of a client's owner, and return its id."""
    with broker.database.transaction() as tx:
        client = find_client(tx, client_id)
        assert client is not None
        papers = {"agreements": dict.fromkeys(AGREEMENTS, "2026-01-10"), "academic": None, "permission": None}
        named = Recipient(
            recipient_id=broker.new_id(), owner=fold_name(client.registration.owner), environment="prod",
            name="Institute of Tides", **{**papers, **changes},  # type: ignore[arg-type] # its papers
        )  # fmt: skip
        return add_recipient(tx, broker, client, named)


def counted(broker: Broker, recipient_id: str) -> int:
    """Return how many objects a recipient was handed, of any kind."""
    with broker.database.reading() as tx:
        return read_ledger(tx, recipient_id, ("posts", "users", "post_ids", "user_ids"), since=DAY).count


@pytest.fixture
def hand(client_id: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Hand something over at a terminal, and type an answer."""

    def run(recipient_id: str, count: int, *more: str, typed: str | None = None, kind: str = "posts") -> int:
        with terminal(f"{count}\n" if typed is None else typed) as screen, os.fdopen(screen) as keys:
            monkeypatch.setattr("sys.stdin", keys)
            return main(["redistribute", client_id, recipient_id, "--kind", kind, "--count", str(count), *more])

    return run


def test_the_question_names_who_hands_what_to_whom(
    hand: Callable[..., int], recipient: str, broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == hand(recipient, 1200)
    said = capsys.readouterr().out
    assert "Northwind Shop hands 1200 posts to Institute of Tides. Type the number again to count it: " in said
    assert "48800 left until" in said
    assert 1200 == counted(broker, recipient)


def test_who_handed_it_over_is_written_down(hand: Callable[..., int], recipient: str, broker: Broker) -> None:
    assert 0 == hand(recipient, 1)
    with broker.database.engine.begin() as tx:
        written = tx.exec_driver_sql('select "by" from redistributions order by handed_at desc limit 1').scalar_one()
    assert OPERATOR == written


@pytest.mark.parametrize("typed", ["12\n", "\n", "yes\n", "1200.\n", "\x04"], ids=ascii)
def test_another_answer_than_the_number_counts_nothing(
    hand: Callable[..., int], recipient: str, broker: Broker, typed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1 == hand(recipient, 1200, typed=typed)
    assert "broker: not confirmed; nothing was counted\n" == capsys.readouterr().err
    assert 0 == counted(broker, recipient)


def test_who_gives_up_at_the_question_has_counted_nothing(
    hand: Callable[..., int], recipient: str, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_question: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", interrupted)
    assert 130 == hand(recipient, 1)
    assert 0 == counted(broker, recipient)


def test_the_last_object_of_the_day_is_handed_over_and_the_next_is_not(
    hand: Callable[..., int], recipient: str, broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == hand(recipient, CEILING - 1)
    assert 0 == hand(recipient, 1, kind="users")
    assert "0 left until" in capsys.readouterr().out
    assert 1 == hand(recipient, 1)
    said = capsys.readouterr().err
    assert "50000 of 50000 were handed to this recipient in the window; 1 more would be too many" in said
    assert said.endswith("[REDISTRIBUTE-2]\n")
    assert CEILING == counted(broker, recipient)


def test_whole_objects_are_never_handed_to_the_public(
    hand: Callable[..., int], recipient: str, broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1 == hand(recipient, 10, "--public")
    said = capsys.readouterr()
    assert "hands 10 posts to Institute of Tides, in public. " in said.out
    assert said.err.endswith("[REDISTRIBUTE-2]\n")
    assert 0 == counted(broker, recipient)


def test_a_recipient_whose_papers_lapsed_receives_nothing(
    hand: Callable[..., int], recipient: str, broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    with broker.database.engine.begin() as tx:
        tx.exec_driver_sql("update recipients set agreements = '{}' where recipient_id = ?", (recipient,))
    assert 1 == hand(recipient, 1)
    assert "[REDISTRIBUTE-5]" in capsys.readouterr().err


def test_a_recipient_of_another_owner_is_none(
    hand: Callable[..., int], broker: Broker, registered: Callable[..., dict[str, str]],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    elsewhere = receives(broker, registered()["client_id"])
    assert 1 == hand(elsewhere, 1)
    assert f"the owner of this client has no recipient '{elsewhere}'" in refusal(capsys)


def test_a_suspended_client_hands_nothing_over(
    hand: Callable[..., int], client_id: str, recipient: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == main(["clients", "suspend", client_id, "--why", "it sold them on"])
    capsys.readouterr()
    assert 1 == hand(recipient, 1)
    assert "there is no active client" in refusal(capsys)


@pytest.mark.parametrize("count", ["0", "-1", "1.5", "x", "1" * 13, "1_000", "\N{ARABIC-INDIC DIGIT ONE}"])
def test_a_count_is_a_whole_number(count: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["redistribute", "a", "b", "--kind", "posts", f"--count={count}"])
    assert "give a whole number of at least 1" in capsys.readouterr().err


def test_a_pipe_hands_nothing_over(client_id: str, recipient: str, broker: Broker) -> None:
    command = [console_script(), "redistribute", client_id, recipient, "--kind", "posts", "--count", "5"]
    done = subprocess.run(command, input="5\n", capture_output=True, text=True, check=False, timeout=60)
    assert (1, "") == (done.returncode, done.stdout)
    assert "run this at a terminal, without a pipe" in done.stderr
    assert 0 == counted(broker, recipient)


def test_the_installed_command_counts_at_a_terminal(client_id: str, recipient: str, broker: Broker) -> None:
    command = [console_script(), "redistribute", client_id, recipient, "--kind", "posts", "--count", "5"]
    with terminal("5\n") as screen:
        done = subprocess.run(command, stdin=screen, capture_output=True, text=True, check=False, timeout=60)
        os.close(screen)
    assert (0, "") == (done.returncode, done.stderr)
    assert 5 == counted(broker, recipient)


def test_the_recipient_is_not_held_while_somebody_thinks(broker: Broker, client_id: str, recipient: str) -> None:
    """The question is asked between two transactions: other handovers go on."""
    command = [console_script(), "redistribute", client_id, recipient, "--kind", "posts", "--count", "5"]
    keyboard, screen = pty.openpty()
    with subprocess.Popen(command, stdin=screen, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as asking:
        assert asking.stdout
        while asking.stdout.read(1) != ":":
            assert asking.poll() is None
        with broker.database.transaction() as tx:
            client = find_client(tx, client_id)
            assert client is not None
            assert hold_recipient(tx, recipient, owner=fold_name(client.registration.owner))
        os.write(keyboard, b"5\n")
        assert 0 == asking.wait(timeout=30)
    os.close(keyboard)
    os.close(screen)
