"""Witnesses: one that is well stands under every checkpoint, one that is not holds nothing up."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from time import monotonic

import pytest
from builders import a_pen, emptied
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from harness.strangers import ask_all
from harness.witness import NOTHING, Answer, Rude, WitnessOfOurOwn, dribbles, is_silent, says, serving
from logs import a_keeper, backup, kept, left, mark_of, published_size, restore_backup

from broker import witnessing
from broker.actions.broker import Broker
from broker.actions.keep_log import keep_log
from broker.errors import BadConfiguration
from broker.proof.checkpoint import read_vkey
from broker.proof.highwater import HighWater, write_high_water
from broker.proof.note import Ed25519Signer, check_note, parse_note
from broker.proof.witness import origin_hash
from broker.store.database import Database
from broker.store.log import latest_checkpoint
from broker.store.migrating import migrate
from broker.witnessing import BUDGET, Witnesses, latest_of, load_witnesses

#: What a test may take of real time beyond what it waits for.
_SLACK = 1.0


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Migrate one database for these tests."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('witnessed') / 'broker.db'}", pen=a_pen())
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def keeper(migrated: Database, tmp_path: Path) -> Broker:
    """Give a broker whose log this test keeps."""
    return a_keeper(emptied(migrated), tmp_path / "marks")


@pytest.fixture
def witness(keeper: Broker) -> Iterator[WitnessOfOurOwn]:
    """Give a witness that listens, and knows the log by its Ed25519 key alone."""
    with serving(WitnessOfOurOwn(knows=keeper.log.vkeys[:1])) as witness:
        yield witness


@pytest.fixture
def witnesses(witness: WitnessOfOurOwn, tmp_path: Path) -> Witnesses:
    """Give the broker's side of it."""
    return asking(tmp_path, witness)


@pytest.fixture(autouse=True)
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Give what the operator is told."""
    caplog.set_level(logging.WARNING, "broker.witnessing")
    return caplog


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let seconds pass, for the broker's side, when the test says so."""
    now = [1000.0]
    monkeypatch.setattr(witnessing, "monotonic", lambda: now[0])
    return lambda seconds: now.__setitem__(0, now[0] + seconds)


def asking(folder: Path, *witnesses: WitnessOfOurOwn) -> Witnesses:
    file = folder / "witnesses.toml"
    file.write_text("\n".join(witness.table for witness in witnesses))
    return Witnesses(load_witnesses(file, loopback=True))


def grown(broker: Broker, witnesses: Witnesses, count: int = 1) -> float:
    """Leave leaves and keep the log; all must be published then. Return how many seconds that took."""
    before = published_size(broker) or 0
    left(broker, count)
    began = monotonic()
    keep_log(broker, witnesses)
    assert before + count == published_size(broker) == mark_of(broker)
    return monotonic() - began


def note_of(broker: Broker) -> str:
    with broker.database.reading() as tx:
        latest = latest_checkpoint(tx)
    assert latest is not None
    return latest.note


def names_under(broker: Broker, *witnesses: WitnessOfOurOwn) -> list[str]:
    """Whose cosignatures stand under the latest checkpoint, each checked by ours."""
    note = parse_note(note_of(broker))
    found = [signed.name for signed in check_note(note, [read_vkey(it.vkey) for it in witnesses])]
    assert len(found) + 2 == len(note.lines), "the log's own two, and nothing beside"
    return found


# --- one that is well -----------------------------------------------------------------------------------------


def test_a_witness_stands_under_each_checkpoint_that_continues_the_one_before(
    keeper: Broker, witness: WitnessOfOurOwn, witnesses: Witnesses, told: pytest.LogCaptureFixture
) -> None:
    for count in (1, 6, 300):
        grown(keeper, witnesses, count)
        assert [witness.name] == names_under(keeper, witness)
    assert (307, [0, 1, 7], [200] * 3) == (witness.head.size, witness.asked, witness.statuses)
    assert [] == told.records


def test_a_witness_with_a_key_that_quantum_computers_do_not_break_stands_beside(keeper: Broker, tmp_path: Path) -> None:
    classical, pq = (
        WitnessOfOurOwn(name=f"{name}.example/w", key=key, knows=keeper.log.vkeys[:1])
        for name, key in (("classical", Ed25519PrivateKey.generate()), ("pq", MLDSA44PrivateKey.generate()))
    )
    with serving(classical), serving(pq):
        asked = asking(tmp_path, classical, pq)
        for _ in range(2):
            grown(keeper, asked, 3)
            assert {classical.name, pq.name} == set(names_under(keeper, classical, pq))


def test_go_accepts_each_step_that_was_proved_and_each_cosignature(
    keeper: Broker, witness: WitnessOfOurOwn, witnesses: Witnesses
) -> None:
    for count in (1, 2, 5, 255, 1):
        grown(keeper, witnesses, count)
    log, cosigned = keeper.log.vkeys[0], note_of(keeper)
    ours = {"origin": keeper.log.origin, "vkeys": [log]}
    steps = [
        {**ours, "ask": "consistency", "old": step.old, "new": step.new, "hashes": step.proof}
        for step in witness.taken[1:]  # Go speaks of no tree before the first leaf
    ]
    theirs = {"ask": "cosigned", "origin": keeper.log.origin, "vkeys": [witness.vkey]}
    wrong = [
        {**theirs, "new": cosigned.replace("\n264\n", "\n265\n", 1)},
        {**theirs, "new": cosigned, "vkeys": [WitnessOfOurOwn().vkey]},
        {**steps[-1], "hashes": steps[-2]["hashes"]},
    ]
    answers = ask_all("log.go", [*steps, {**theirs, "new": cosigned}, *wrong])
    assert [True] * 5 + [False] * 3 == [told["ok"] for told in answers], answers


def test_a_witness_that_knows_the_log_already_is_asked_from_where_it_stands(
    keeper: Broker, witness: WitnessOfOurOwn, witnesses: Witnesses, tmp_path: Path
) -> None:
    grown(keeper, witnesses, 5)
    grown(keeper, asking(tmp_path, witness), 5)  # the sequencer began anew
    assert ([0, 0, 5], [200, 409, 200]) == (witness.asked, witness.statuses)
    assert [witness.name] == names_under(keeper, witness)


def test_a_witness_that_lost_what_it_knew_is_caught_up_with(
    keeper: Broker, witness: WitnessOfOurOwn, witnesses: Witnesses
) -> None:
    grown(keeper, witnesses, 5)
    witness.head = NOTHING
    grown(keeper, witnesses, 5)
    assert ([0, 5, 0], [200, 409, 200]) == (witness.asked, witness.statuses)
    assert [witness.name] == names_under(keeper, witness)


def test_a_witness_signs_again_where_the_log_signs_again_with_another_key(
    keeper: Broker, witness: WitnessOfOurOwn, witnesses: Witnesses
) -> None:
    grown(keeper, witnesses, 5)
    (row,) = backup(keeper.database)["checkpoints"]
    with keeper.database.engine.begin() as tx:
        tx.exec_driver_sql("UPDATE checkpoints SET note = ?", (row["note"].split("\n\n")[0] + "\n\n",))
    keep_log(keeper, witnesses)
    assert [0, 5] == witness.asked
    assert [witness.name] == names_under(keeper, witness)


# --- one that is not ------------------------------------------------------------------------------------------


SICK: dict[str, tuple[Answer, str]] = {
    "an error": ((500, b""), "it answered 500"),
    "another way": ((307, b""), "it answered 307"),
    "nothing": ((200, b""), "a note is a text"),
    "no text": ((200, b"\xff\xfe"), "no text"),
    "too much": ((200, b"a" * (65 * 1024)), "too long"),
    "ten megabytes": ((200, b"a" * 10_000_000), "too long"),
    "no signature": ((200, b"cosigned\n"), "a signature line"),
    "a tree of nobody's": ((409, b"999\n"), "it says that it cosigned 999 leaves of this log, which has 1"),
    "no number": ((409, b"many\n"), "answers with its size"),
    "two numbers": ((409, b"1\n2\n"), "answers with its size"),
    "a number of a million digits": ((409, b"9" * 60_000 + b"\n"), "answers with its size"),
    "that it does not know the log": ((404, b""), "does not know this log"),
    "that it does not know the key": ((403, b""), "does not know the log's keys"),
    "that it cannot read": ((400, b""), "cannot read"),
    "that it is no continuation": ((422, b""), "does not continue"),
    "that it is elsewhere each time": ((409, b"0\n"), "another tree each time"),
}


@pytest.mark.parametrize(("answer", "says"), SICK.values(), ids=SICK.keys())
def test_whatever_a_witness_answers_the_log_goes_on_without_it(
    keeper: Broker, witness: WitnessOfOurOwn, witnesses: Witnesses, told: pytest.LogCaptureFixture,
    answer: Answer, says: str,
) -> None:  # fmt: skip
    witness.sick = answer
    for _ in range(2):
        assert grown(keeper, witnesses) < _SLACK
        assert [] == names_under(keeper, witness)
    assert ["ERROR"] == [record.levelname for record in told.records], "said once, and not asked again at once"
    assert says in told.text
    assert {"/add-checkpoint"} == set(witness.visits), "no redirect is followed"


HEAD = b"HTTP/1.1 200 OK\r\n"
RUDE: dict[str, Rude] = {
    "silent": is_silent,
    "dribbles-its-answer": dribbles(HEAD, b"\r\n"),
    "dribbles-its-header": dribbles(HEAD, b"X-Long: "),
    "never-ends-its-chunk": dribbles(HEAD, b"Transfer-Encoding: chunked\r\n\r\nffffff\r\n"),
    "hangs-up": says(),
    "hangs-up-in-the-middle": says(HEAD, b"Content-Length: 500\r\n\r\n", "— w".encode()),
    "speaks-something-else": says(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "sends-ten-thousand-headers": says(HEAD, b"X: y\r\n" * 10_000, b"\r\n"),
}


def test_all_who_do_not_answer_cost_one_budget_together_and_another_is_not_left_out(
    keeper: Broker, tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    with ExitStack() as stack:
        rude = [stack.enter_context(serving(WitnessOfOurOwn(name=name, rude=act))) for name, act in RUDE.items()]
        quick = stack.enter_context(serving(WitnessOfOurOwn(name="quick", knows=keeper.log.vkeys[:1])))
        asked = asking(tmp_path, *rude, quick)
        assert grown(keeper, asked) < BUDGET + _SLACK
        assert [quick.name] == names_under(keeper, quick)
        assert grown(keeper, asked) < _SLACK, "who is still busy, or rests, is not waited for"
        assert [quick.name] == names_under(keeper, quick)
        assert [[-1]] * len(rude) == [it.asked for it in rude]
    named = sorted(record.getMessage().split(" ")[1] for record in told.records)
    assert sorted(RUDE) == named


def test_one_that_is_down_costs_nothing(keeper: Broker, tmp_path: Path, told: pytest.LogCaptureFixture) -> None:
    down = WitnessOfOurOwn()
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))  # and nobody listens
        down.port = held.getsockname()[1]
        assert grown(keeper, asking(tmp_path, down)) < _SLACK
    assert "it cannot be reached" in told.text


def test_one_whose_answer_never_ends_is_not_asked_beside_however_long_that_is(
    keeper: Broker, tmp_path: Path, moves: Callable[[float], None]
) -> None:
    endless = WitnessOfOurOwn(rude=dribbles(HEAD, b"X-Long: "))
    with serving(endless):
        asked = asking(tmp_path, endless)
        grown(keeper, asked)
        moves(1000)  # it has rested
        endless.rude, endless.knows = None, keeper.log.vkeys[:1]
        grown(keeper, asked)
        assert [-1] == endless.asked


FALSE: dict[str, Callable[[WitnessOfOurOwn], None]] = {
    "by another hand": lambda it: setattr(it, "hand", Ed25519PrivateKey.generate()),
    "under another name": lambda it: setattr(it, "name", "karen.example/w"),
    "under another key": lambda it: setattr(it, "key", Ed25519PrivateKey.generate()),
    "as the log": lambda it: setattr(it, "name", it.knows[0].split("+")[0]),
    "of no time": lambda it: setattr(it, "moment", 0),
    "of another kind of key": lambda it: setattr(it, "key", MLDSA44PrivateKey.generate()),
}


@pytest.mark.parametrize("lies", FALSE.values(), ids=FALSE.keys())
def test_a_signature_that_is_not_the_witness_s_does_not_stand_for_it(
    keeper: Broker, witness: WitnessOfOurOwn, witnesses: Witnesses, told: pytest.LogCaptureFixture,
    lies: Callable[[WitnessOfOurOwn], None],
) -> None:  # fmt: skip
    lies(witness)
    grown(keeper, witnesses)
    assert [200] == witness.statuses
    assert [] == names_under(keeper)
    assert 1 == len(told.records)


def test_the_cosignature_of_an_earlier_checkpoint_does_not_stand_under_a_later_one(
    keeper: Broker, witness: WitnessOfOurOwn, witnesses: Witnesses
) -> None:
    grown(keeper, witnesses)
    witness.sick = (200, witness.cosign(witness.note))
    grown(keeper, witnesses)
    assert [] == names_under(keeper, witness)


def test_of_an_answer_only_the_witness_s_own_line_is_taken(
    keeper: Broker, witness: WitnessOfOurOwn, witnesses: Witnesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, honest = WitnessOfOurOwn(name="karen.example/w"), witness.cosign
    monkeypatch.setattr(witness, "cosign", lambda note: other.cosign(note) + honest(note))
    grown(keeper, witnesses)
    assert [witness.name] == names_under(keeper, witness, other)


def test_one_that_fails_is_asked_less_and_less_often_and_when_it_is_well_again_at_each_checkpoint(
    keeper: Broker, witness: WitnessOfOurOwn, witnesses: Witnesses, moves: Callable[[float], None],
    told: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    witness.sick = (500, b"")
    for rest in (5, 10, 20, 40, 80, 160, 300, 300):
        grown(keeper, witnesses)
        asked = len(witness.asked)
        moves(rest - 0.1)
        grown(keeper, witnesses)
        assert asked == len(witness.asked), f"it rests for {rest} seconds"
        moves(0.2)
    witness.sick = None
    for _ in range(2):
        grown(keeper, witnesses)
        assert [witness.name] == names_under(keeper, witness)
    assert ["ERROR", "WARNING"] == [record.levelname for record in told.records]
    assert "cosigns again" in told.text


# --- what only a witness can tell -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("others", "says"),
    [
        (0, "it says that it cosigned 12 leaves of this log, which has 8"),
        (4, "it says that it cosigned another tree of 12 leaves"),
        (9, "it says that this tree does not continue the one it cosigned"),
    ],
)
def test_where_an_old_backup_came_with_an_old_mark_the_witness_tells_and_does_not_sign(
    keeper: Broker, witness: WitnessOfOurOwn, witnesses: Witnesses, tmp_path: Path, told: pytest.LogCaptureFixture,
    others: int, says: str,
) -> None:  # fmt: skip
    grown(keeper, witnesses, 8)
    rows = backup(keeper.database)
    grown(keeper, witnesses, 4)
    restore_backup(keeper.database, rows)
    write_high_water(keeper.log.marks, HighWater())
    if others:
        left(keeper, others)
    else:
        with keeper.database.engine.begin() as tx:  # what is there is published anew
            tx.exec_driver_sql("DELETE FROM checkpoints")
    keep_log(keeper, asking(tmp_path, witness))
    assert [] == names_under(keeper, witness)
    assert says in told.text
    assert "docs/log.md" in told.text
    assert 12 == witness.head.size


def test_a_witness_that_is_told_of_keys_it_does_not_know_is_named(
    keeper: Broker, tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    other = Ed25519Signer(keeper.log.origin, Ed25519PrivateKey.generate())
    with serving(WitnessOfOurOwn(knows=[other.vkey])) as witness:
        grown(keeper, asking(tmp_path, witness))
    assert [403] == witness.statuses
    assert "it does not know the log's keys (403)" in told.text


def test_what_a_witness_serves_is_the_checkpoint_that_it_cosigned_last(
    keeper: Broker, witness: WitnessOfOurOwn, witnesses: Witnesses, tmp_path: Path
) -> None:
    (set_,) = load_witnesses(tmp_path / "witnesses.toml", loopback=True)
    assert latest_of(set_, keeper.log.origin) is None
    grown(keeper, witnesses, 3)
    assert witness.note == latest_of(set_, keeper.log.origin)
    assert parse_note(witness.note).text.splitlines()[:2] == [keeper.log.origin, "3"]
    assert f"/{origin_hash(keeper.log.origin)}/checkpoint" == witness.visits[-1]
    assert latest_of(set_, "other.example/log") is None


@pytest.mark.parametrize("answer", [(500, b""), (307, b""), (200, b"\xff"), (200, b"a" * 70_000)])
def test_of_a_witness_that_answers_anything_else_nothing_is_known(
    keeper: Broker, witness: WitnessOfOurOwn, witnesses: Witnesses, tmp_path: Path, answer: Answer
) -> None:
    grown(keeper, witnesses)
    (set_,) = load_witnesses(tmp_path / "witnesses.toml", loopback=True)
    witness.sick = answer
    assert latest_of(set_, keeper.log.origin) is None
    assert "/elsewhere" not in witness.visits


# --- the file -------------------------------------------------------------------------------------------------


WRONG = {
    "no address": "vkey = '{vkey}'",
    "no key": "url = 'https://witness.example'",
    "a member more": "url = 'https://witness.example'\nvkey = '{vkey}'\ntrusted = true",
    "an address without TLS": "url = 'http://witness.example'\nvkey = '{vkey}'",
    "an address with a name in it": "url = 'https://a:b@witness.example'\nvkey = '{vkey}'",
    "a log's key": "url = 'https://witness.example'\nvkey = '{log}'",
    "a key that is cut": "url = 'https://witness.example'\nvkey = '{cut}'",
    "no TOML": "url = ",
}


@pytest.mark.parametrize("table", WRONG.values(), ids=WRONG.keys())
def test_a_file_of_witnesses_that_is_wrong_is_refused_by_name(keeper: Broker, tmp_path: Path, table: str) -> None:
    vkey, file = WitnessOfOurOwn().vkey, tmp_path / "witnesses.toml"
    file.write_text("[karen]\n" + table.format(vkey=vkey, cut=vkey[:-8], log=keeper.log.vkeys[0]))
    with pytest.raises(BadConfiguration, match=r"witnesses\.toml: "):
        load_witnesses(file, loopback=False)
    with pytest.raises(BadConfiguration, match="cannot be read"):
        load_witnesses(tmp_path / "lost.toml", loopback=False)


def test_without_a_file_nobody_is_asked(keeper: Broker) -> None:
    assert [] == load_witnesses(None, loopback=False)
    kept(keeper)
