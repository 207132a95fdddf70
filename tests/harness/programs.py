"""Programs that a test starts, waits for, and ends by the process it started."""

import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import requests

from harness import wire

# Below the range from which the kernel takes the near end of connections: a port found free stays free.
_PORTS = range(20000, 32000)


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    while True:
        port = _PORTS.start + secrets.randbelow(len(_PORTS))
        with socket.socket() as held, suppress(OSError):
            held.bind(("127.0.0.1", port))
            return port


class Program:
    """A running program with its output in a file."""

    def __init__(self, command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(env) if env is not None else None,
                start_new_session=True,  # so that its children can be ended with it, and nothing else
            )

    def until(self, ready: Callable[[], bool], *, seconds: float = 60) -> None:
        """Wait for `ready`; a program that ended, or took too long, is an error with its output."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"the program ended with {self.process.returncode}:\n{self.tail()}")
            if time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the program is not ready after {seconds} s:\n{self.tail()}")
            time.sleep(0.05)

    def answers(self, url: str) -> Callable[[], bool]:
        """Return a check that an address answers 200."""

        def ready() -> bool:
            with suppress(requests.RequestException):
                return wire.get(url, timeout=2).status_code == 200
            return False

        return ready

    def tail(self) -> str:
        """Return the end of the program's output."""
        return self.log.read_text(errors="replace")[-4000:]

    def stop(self) -> None:
        """End the program, politely first, and what it started with it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=20)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
