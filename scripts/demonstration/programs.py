"""Programs that the demo starts, waits for and ends; it ends nothing that it did not start."""

import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import requests

PATIENCE = 60
GRACE = 10
EXCERPT_LINES = 12
BETWEEN_LOOKS = 0.1
HOST = "127.0.0.1"
# Below the range that the kernel hands to outgoing connections: a free port stays free until it is bound.
PORTS = range(20000, 32000)


class ProgramError(Exception):
    """A program that did not start, or ended too early."""


class Program:
    """One child with its output in a log file."""

    def __init__(self, name: str, command: Sequence[str], *, env: Mapping[str, str], logs: Path) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        with self.log.open("ab") as output:
            # A session of its own: Ctrl-C reaches the demo alone, which then ends its children in order.
            self.process = subprocess.Popen(
                command,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_for(self, address: str) -> None:
        """Return when the address answers 200."""
        deadline = time.monotonic() + PATIENCE
        while not answers(address):
            if not self.is_running():
                raise ProgramError(f"{self.name} ended before it was ready:\n{tail(self.log)}")
            if time.monotonic() > deadline:
                raise ProgramError(f"{self.name} was not ready within {PATIENCE} s:\n{tail(self.log)}")
            time.sleep(BETWEEN_LOOKS)

    def is_running(self) -> bool:
        """Tell whether the program still runs."""
        return self.process.poll() is None

    def stop(self) -> None:
        """End the program, by force where asking does not do."""
        self.process.terminate()
        try:
            self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def run(name: str, command: Sequence[str], *, env: Mapping[str, str], logs: Path) -> str:
    """Run a program to its end and return what it printed."""
    with (logs / f"{name}.log").open("a") as complaints:
        done = subprocess.run(
            command, env=dict(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints,
            text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        said = done.stdout.strip() or tail(logs / f"{name}.log")
        raise ProgramError(f"{name} ended with {done.returncode}:\n{said}")
    return done.stdout


def answers(address: str) -> bool:
    """Tell whether an address answers 200."""
    with requests.Session() as session, suppress(requests.RequestException):
        session.trust_env = False
        return session.get(address, timeout=2).ok
    return False


def tail(log: Path) -> str:
    """Return the last lines of a log."""
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-EXCERPT_LINES:])


def is_free(port: int) -> bool:
    """Tell whether nobody listens on a port."""
    with socket.socket() as held, suppress(OSError):
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((HOST, port))
        return True
    return False


def free_ports(count: int) -> list[int]:
    """Return ports on which nobody listens, a different stretch for each demo running at once."""
    start = PORTS.start + time.monotonic_ns() // 1000 % (len(PORTS) // 2)
    found = [port for port in range(start, start + 1000) if is_free(port)]
    if len(found) < count:
        raise ProgramError("no free ports on this machine")
    return found[:count]
