"""Keys are rotated while others sign and check, in processes of their own: nobody fails, whatever they keep."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
from builders import NOON, a_key_folder
from harness import signer
from joserfc import jws
from joserfc.jwk import KeySet

from broker.proof.keyfiles import KeyFolder, open_ring
from broker.proof.keymaking import create_keys
from broker.proof.keyring import LiveKeys
from broker.proof.keys import MAX_AGE
from broker.proof.manifest import AHEAD
from broker.proof.rotation import rotate
from broker.proof.sdjwt import header_of

pytestmark = pytest.mark.long

WORKERS, ROTATIONS = 2, int(os.environ.get("ROTATIONS", "100"))
MASTER = b"m" * 32


class Worker:
    """A process that signs, and what it signed."""

    def __init__(self, home: Path) -> None:
        command = [sys.executable, signer.__file__, str(home), MASTER.hex()]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.signed: list[dict[str, str]] = []
        self.unknown: int | None = None
        self.reader = Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said = json.loads(line)
            if "unknown" in said:
                self.unknown = said["unknown"]
            else:
                self.signed.append(said)

    def stop(self) -> None:
        """Let it end by itself; once is enough."""
        if self.process.poll() is None and self.process.stdin is not None:
            self.process.stdin.write("stop\n")
            self.process.stdin.close()
        self.reader.join(30)
        self.process.wait(30)
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    """Give a folder with its first keys."""
    folder = a_key_folder(tmp_path, MASTER, random=os.urandom)
    create_keys(folder, now=NOON)
    return folder


@pytest.fixture
def workers(folder: KeyFolder) -> Iterator[list[Worker]]:
    """Give workers that sign already."""
    started = [Worker(folder.path.parent) for _ in range(WORKERS)]
    yield started
    for worker in started:
        worker.stop()


def wait_for_all(workers: list[Worker], *, more: int) -> None:
    """Wait until every worker has signed so many more."""
    seen = [len(worker.signed) for worker in workers]
    while any(len(worker.signed) < before + more for worker, before in zip(workers, seen, strict=True)):
        assert all(worker.process.poll() is None for worker in workers)


def test_nobody_fails_while_keys_are_rotated(folder: KeyFolder, workers: list[Worker]) -> None:
    """A reader may keep a key set for its max-age, and a next key waits for longer than that before it signs.

    So the oldest key set that anybody checks a signature with is that of the rotation before: each is checked with it.
    """
    assert timedelta(seconds=MAX_AGE) < AHEAD
    live, clock = LiveKeys(folder.path, lambda: open_ring(folder)), NOON
    key_sets = [KeySet.import_key_set(live.current().jwks())]
    for _ in range(ROTATIONS):
        wait_for_all(workers, more=2)
        clock += AHEAD
        rotate(folder, ["receipts", "tokens"], now=clock)
        key_sets.append(KeySet.import_key_set(live.current().jwks()))
    wait_for_all(workers, more=2)
    for worker in workers:
        worker.stop()
    assert [0] * WORKERS == [worker.unknown for worker in workers]
    signed = [said for worker in workers for said in worker.signed]
    assert len(signed) > WORKERS * ROTATIONS * 2
    numbers = {entry.kid: entry.number for entry in folder.manifest().of("receipts")}
    used = set()
    for said in signed:
        number = numbers[str(header_of(said["evidence"])["kid"])]
        used.add(number)
        jws.deserialize_compact(said["evidence"], key_sets[max(number - 2, 0)], algorithms=["ES256"])
        assert signer.is_known(live, said["token"])
    assert set(range(1, ROTATIONS + 2)) == used
