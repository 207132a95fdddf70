"""Two servers of PostgreSQL, one to take the other's place; a commit is on both before it is acknowledged."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psycopg

from harness.postgres import as_server, binaries
from harness.programs import free_port

#: Of the primary alone: whoever takes its place has nobody behind it yet, and must not wait for anybody.
_SYNCHRONOUS = "-c synchronous_standby_names=*"


class Pair:
    """A primary with a synchronous standby, plain streaming replication; a script promotes the standby."""

    def __init__(self) -> None:
        self.bin = binaries()
        self.home = Path(tempfile.mkdtemp(prefix="consent-broker-pair-"))
        if os.geteuid() == 0:
            shutil.chown(self.home, user="postgres", group="postgres")
        self.ports = (free_port(), free_port())
        self._init()

    def _init(self) -> None:
        first, second = self._data(0), self._data(1)
        self._run(
            "initdb", "-D", str(first), "-U", "broker", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"
        )
        self._start(0, "-c synchronous_standby_names=")
        self._run("pg_basebackup", "-h", "127.0.0.1", "-p", str(self.ports[0]), "-U", "broker", "-D", str(second),
                  "--write-recovery-conf", "--checkpoint=fast", "--no-sync")  # fmt: skip
        self._start(1, "")
        self._run("pg_ctl", "stop", "-w", "-m", "fast", "-D", str(first))
        self._start(0, _SYNCHRONOUS)
        self._until_in_step()

    def _until_in_step(self) -> None:
        """Wait until the standby holds commits up, and the primary so waits for it."""
        for _ in range(200):
            with self.connect(0) as connection:
                found = connection.execute("SELECT sync_state FROM pg_stat_replication").fetchall()
            if found == [("sync",)]:
                return
            time.sleep(0.05)
        raise RuntimeError("the standby does not follow")

    def _data(self, number: int) -> Path:
        return self.home / f"data{number}"

    def _start(self, number: int, more: str) -> None:
        options = f"-k {self.home} -p {self.ports[number]} -c listen_addresses=127.0.0.1 -c max_connections=200 {more}"
        log = str(self.home / f"log{number}")
        self._run("pg_ctl", "start", "-w", "-D", str(self._data(number)), "-l", log, "-o", options)

    def _run(self, program: str, *arguments: str) -> None:
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(
                [*as_server(), str(self.bin / program), *arguments],
                check=False, cwd="/", stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            )  # fmt: skip
            if done.returncode:
                said.seek(0)
                raise RuntimeError(f"{program} failed:\n{said.read().decode(errors='replace')}")

    def connect(self, number: int, database: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
        """Connect to one of the servers."""
        port = self.ports[number]
        return psycopg.connect(host="127.0.0.1", port=port, user="broker", dbname=database, autocommit=True)

    def address(self) -> str:
        """Create a database and return its address: both servers, and whichever of them takes writes."""
        with self.connect(0) as connection:
            connection.execute("CREATE DATABASE broker")
        hosts = "&".join(f"host=127.0.0.1:{port}" for port in self.ports)
        return f"postgresql+psycopg://broker@/broker?{hosts}&target_session_attrs=read-write"

    def kill_primary(self) -> None:
        """End the primary as a power cut does: with SIGKILL, and every one of its processes."""
        postmaster = int((self._data(0) / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        for process in (postmaster, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def promote(self) -> None:
        """Let the standby take the primary's place."""
        self._run("pg_ctl", "promote", "-w", "-D", str(self._data(1)))

    def stop(self) -> None:
        """End both, and remove what they kept."""
        for number in (0, 1):
            with suppress(RuntimeError):
                self._run("pg_ctl", "stop", "-m", "immediate", "-D", str(self._data(number)))
        shutil.rmtree(self.home, ignore_errors=True)
