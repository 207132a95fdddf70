"""pg_auto_failover: a monitor and two servers, set up as docs/operations.md tells an operator to."""

import json
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
from harness.programs import Program, free_port

#: Sooner than an operator would have it: a test waits for it.
_HURRY = {
    "health_check_period": "1000", "health_check_timeout": "1000", "health_check_retry_delay": "500",
    "node_considered_unhealthy_timeout": "4000", "primary_demote_timeout": "4000",
}  # fmt: skip


class AutoFailover:
    """A monitor, and two servers of which it makes one the primary."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="consent-broker-autofailover-"))
        if os.geteuid() == 0:
            shutil.chown(self.home, user="postgres", group="postgres")
        self._monitor, *self.ports = free_port(), free_port(), free_port()
        self.programs: list[Program] = []
        try:
            self._begin()
        except BaseException:
            self.stop()
            raise

    def _begin(self) -> None:
        self.programs.append(self._create("monitor", self._monitor, "monitor"))
        self.programs[0].until(lambda: self._reached(self._monitor, "pg_auto_failover", "autoctl_node"))
        self._hurry()
        uri = f"postgres://autoctl_node@127.0.0.1:{self._monitor}/pg_auto_failover?sslmode=prefer"
        for number, port in enumerate(self.ports):
            more = ("--name", f"node{number}", "--monitor", uri, "--username", "broker", "--dbname", "broker")
            self.programs.append(self._create("postgres", port, f"node{number}", *more))
            wanted = {"primary", "secondary"} if number else {"single"}
            self.programs[-1].until(lambda wanted=wanted: self._settled(wanted))

    def _env(self) -> dict[str, str]:
        home = dict.fromkeys(("HOME", "XDG_RUNTIME_DIR"), str(self.home))
        return {**home, "PATH": f"{binaries()}:{os.environ['PATH']}"}

    def _words(self, *arguments: str) -> list[str]:
        """Run pg_autoctl as whoever runs servers, with a home of the test's own."""
        named = [f"{name}={value}" for name, value in self._env().items()]
        return [*as_server()[:4], "env", "-C", str(self.home), *named, "pg_autoctl", *arguments]

    def _create(self, kind: str, port: int, name: str, *more: str) -> Program:
        place = ("--pgdata", str(self.home / name), "--pgport", str(port), "--hostname", "127.0.0.1")
        how = ("--pgctl", str(binaries() / "pg_ctl"), "--auth", "trust", "--no-ssl", "--run")
        command = self._words("create", kind, *place, *how, *more)
        return Program(command, log=self.home / f"{name}.log")

    def _hurry(self) -> None:
        with self._connect(self._monitor, "postgres", "postgres") as connection:
            for name, value in _HURRY.items():
                connection.execute(f"ALTER SYSTEM SET pgautofailover.{name} = {value}")
            connection.execute("SELECT pg_reload_conf()")

    @staticmethod
    def _connect(port: int, database: str, user: str) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(host="127.0.0.1", port=port, user=user, dbname=database, autocommit=True)

    def _reached(self, port: int, database: str, user: str) -> bool:
        with suppress(psycopg.Error), self._connect(port, database, user):
            return True
        return False

    def states(self) -> dict[str, str]:
        """Return what the monitor holds each server to be."""
        words = self._words("show", "state", "--pgdata", str(self.home / "monitor"), "--json")
        done = subprocess.run(words, check=False, capture_output=True, text=True)
        with suppress(ValueError, TypeError):
            return {node["nodename"]: node["current_group_state"] for node in json.loads(done.stdout)}
        return {}

    def _settled(self, wanted: set[str]) -> bool:
        """Tell whether the servers are what they are to be. A standby is copied after a checkpoint: hurry it."""
        with suppress(psycopg.Error), self._connect(self.ports[0], "postgres", "postgres") as connection:
            connection.execute("CHECKPOINT")
        return wanted == set(self.states().values())

    def address(self) -> str:
        """Return the address of the database: both servers, and whichever of them takes writes."""
        hosts = "&".join(f"host=127.0.0.1:{port}" for port in self.ports)
        return f"postgresql+psycopg://broker@/broker?{hosts}&target_session_attrs=read-write"

    def kill_primary(self) -> None:
        """End the primary and its keeper as a power cut does: all of it, with SIGKILL."""
        (name,) = [name for name, state in self.states().items() if state == "primary"]
        number = int(name.removeprefix("node"))
        postmaster = int((self.home / name / "postmaster.pid").read_text().split()[0])
        with suppress(ProcessLookupError):
            os.killpg(self.programs[1 + number].process.pid, signal.SIGKILL)
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children")
        for process in (postmaster, *(map(int, children.read_text().split()) if children.exists() else ())):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def promote(self) -> None:
        """Nothing: the monitor does."""

    def stop(self) -> None:
        """End them all, and remove what they kept."""
        for program in reversed(self.programs):
            program.stop()
        time.sleep(0.2)
        shutil.rmtree(self.home, ignore_errors=True)
