"""A command that changes keys may end at any step on disk: what is left opens, and the same command mends it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from builders import NOON, a_key_folder
from earlier_keys import make_earlier_keys
from powercut import ENDS, ending, steps_of

from broker.errors import BadConfiguration, CommandRefused
from broker.proof.keyfiles import KeyFolder, open_ring
from broker.proof.keymaking import create_keys
from broker.proof.manifest import AHEAD, KeyEntry, Revocation, State
from broker.proof.masters import LocalMaster, append_master, read_masters, remove_master
from broker.proof.rotation import compromise, destroy_epoch, masters_needed, reseal, rotate
from broker.proof.smiths import Custody, LocalSmith

pytestmark = pytest.mark.long

LATER = NOON + AHEAD + timedelta(minutes=1)
STOLEN = Revocation(at=NOON, log_size=7, why="a laptop was stolen", by="jane")
MASTERS = "masters"


def opened(home: Path) -> KeyFolder:
    """The folder under the master keys in their file, as a command opens it."""
    custody = Custody(LocalMaster(read_masters(home / MASTERS), os.urandom), LocalSmith(os.urandom))
    return KeyFolder(path=home / "keys", custody=custody, random=os.urandom)


def made(home: Path) -> None:
    """What `broker init` does."""
    create_keys(opened(home), now=NOON)


def rotated(home: Path) -> None:
    rotate(opened(home), ["receipts", "log_pq"], now=LATER)


def compromised(home: Path, state: State = State.ACTIVE) -> None:
    folder = opened(home)
    first = folder.manifest().of("receipts")[0 if state is State.ACTIVE else 1]
    compromise(folder, "receipts", first.kid, revocation=STOLEN, now=LATER)


def renewed(home: Path) -> None:
    """What `broker keys rotate master` does to files: it goes on with what was begun."""
    if len(read_masters(home / MASTERS)) == 1:
        append_master(home / MASTERS, random=os.urandom)
    reseal(opened(home), now=LATER)


def destroyed(home: Path) -> None:
    """What `broker keys destroy 1` does to files."""
    entry = destroy_epoch(opened(home), 1, now=LATER)
    assert entry.master not in masters_needed(opened(home).manifest())
    remove_master(home / MASTERS, entry.master)


@dataclass(frozen=True)
class Case:
    """A command, what there was before it, and whether there were keys to go on with at any time."""

    before: tuple[Callable[[Path], None], ...]
    command: Callable[[Path], None]
    had_keys: bool = True


CASES = {
    "init": Case((), made, had_keys=False),
    "init after an earlier release": Case((make_earlier_keys,), made, had_keys=False),
    "rotate": Case((made,), rotated),
    "compromised, the active one": Case((made,), compromised),
    "compromised, the next one": Case((made,), partial(compromised, state=State.NEXT)),
    "rotate master": Case((made,), renewed),
    "destroy": Case((made, renewed), destroyed),
}


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Case], Path]:
    """Give what there was before a command, made once."""
    homes: dict[str, Path] = {}

    def home(case: Case) -> Path:
        name = repr(case.before)
        if name not in homes:
            homes[name] = tmp_path_factory.mktemp("before")
            (homes[name] / MASTERS).touch(mode=0o600)
            (homes[name] / MASTERS).write_text("A" * 43 + "\n")
            for step in case.before:
                step(homes[name])
        return homes[name]

    return home


def copied(home: Path, to: Path) -> Path:
    """Copy a home, so that a command may spoil it."""
    shutil.rmtree(to, ignore_errors=True)
    return shutil.copytree(home, to)


def secrets_of(home: Path) -> dict[str, bytes]:
    """Open every key that has a file, whatever release wrote it."""
    folder = opened(home)
    try:
        return {entry.label: folder.open(entry) for entry in folder.manifest().entries if entry.has_file}
    except BadConfiguration:
        return {f"{path.stem}-1": folder.content(path.stem) for path in folder.path.glob("*.key")}


def assert_nothing_is_lost(home: Path, before: dict[str, bytes], known: tuple[KeyEntry, ...]) -> None:
    """Every key that was in use is in use, or was ended by the command: none is another than it was."""
    secrets, kept = secrets_of(home), {entry.label: entry for entry in opened(home).manifest().entries}
    for label, secret in before.items():
        assert not kept[label].has_file or secret == secrets[label]
    assert {(entry.label, entry.kid) for entry in known} <= {(label, entry.kid) for label, entry in kept.items()}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_command_may_end_at_any_step(case: Case, end: str, begun: Callable[[Case], Path], tmp_path: Path) -> None:
    home = begun(case)
    secrets = secrets_of(home)
    known = opened(home).manifest().entries if case.had_keys else ()
    whole = copied(home, tmp_path / "whole")
    steps = steps_of(partial(case.command, whole))
    assert steps > 5
    states = {entry.label: entry.state for entry in opened(whole).manifest().entries}
    for at in range(steps):
        broken = copied(home, tmp_path / "broken")
        with ending(end, at=at) as disk:
            case.command(broken)
        if not disk.worth_a_look:
            continue
        if case.had_keys:
            open_ring(opened(broken))
        repeat(case, broken)
        assert_nothing_is_lost(broken, secrets, known)
        manifest = opened(broken).manifest()
        assert states == {entry.label: entry.state for entry in manifest.entries}
        files = {f"{entry.label}.key" for entry in manifest.entries if entry.has_file}
        assert {"manifest.json", *files} == {path.name for path in (broken / "keys").iterdir()}
        assert len(read_masters(whole / MASTERS)) == len(read_masters(broken / MASTERS))


def repeat(case: Case, home: Path) -> None:
    """Give the command again; a rotation that had come to its end says so, in its own words."""
    try:
        case.command(home)
    except CommandRefused as refused:
        assert "the next key for receipts has been published since" in refused.detail  # noqa: PT017 - most do not refuse


def test_a_manifest_that_was_put_back_costs_no_key(tmp_path: Path, begun: Callable[[Case], Path]) -> None:
    """An older manifest beside newer files: the file that it does not name is taken up, and not made anew."""
    home = copied(begun(CASES["rotate"]), tmp_path / "home")
    old = (home / "keys" / "manifest.json").read_bytes()
    private = opened(home).content("receipts-1")
    rotated(home)
    third = opened(home).manifest().of("receipts")[2].kid
    (home / "keys" / "manifest.json").write_bytes(old)
    opened(home).store("receipts-1", private)  # as the backup had it
    opened(home).store("log_pq-1", b"q" * 32)
    rotate(opened(home), ["receipts"], now=LATER)
    assert third == opened(home).manifest().of("receipts")[2].kid
    assert a_key_folder(home).path == opened(home).path
