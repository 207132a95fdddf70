"""Servers on ports of their own: the broker as `broker serve` runs it, and its peers on the same server."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

_SCRIPTS = Path(__file__).parents[2]
_DEADLINE, _LOOK = 60.0, 0.02
_OK = 200
#: Counted as ever, and never used up: 0 would be no limit, and nothing to count.
_BUDGETS = {f"BROKER_{name}_BUDGET": "900000000" for name in ("REQUEST", "ITEM", "MISS")}


@dataclass(frozen=True, kw_only=True)
class Served:
    """A server that answers: its port, what it computes in, and how long it took to be there."""

    port: int
    pid: int
    #: Itself, and what else works for it: a database's server.
    pids: tuple[int, ...]
    ready_after: float


def environment(home: Path, url: str, more: Mapping[str, str]) -> dict[str, str]:
    """What a broker in *home* is told."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("BROKER_")},
        "PYTHONPATH": str(_SCRIPTS),
        "BROKER_DATABASE_URL": url,
        **{f"BROKER_{name.upper()}_DIR": str(home / name) for name in ("keys", "marks")},
        "BROKER_PLATFORMS_FILE": str(home / "platforms.toml"),
        **_BUDGETS,
        **more,
    }


@contextmanager
def a_server(
    words: Sequence[str], env: Mapping[str, str], home: Path, *, ready: str, beside: Sequence[int] = ()
) -> Iterator[Served]:
    """Run ``python WORDS --port PORT`` until the block ends."""
    port, began = _free_port(), time.perf_counter()
    said_in = home / f"server-{port}.log"
    with said_in.open("wb") as said:
        program = subprocess.Popen(
            [sys.executable, *words, "--port", str(port)],
            env=env, cwd=home, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
        )  # fmt: skip
    try:
        _require(port, program, ready)
        took = time.perf_counter() - began
        yield Served(port=port, pid=program.pid, pids=(program.pid, *beside), ready_after=took)
    except Exception as error:
        error.add_note(f"the server said last: {said_in.read_text()[-1500:]}")
        raise
    finally:
        program.terminate()
        program.wait(_DEADLINE)
        said_in.unlink()


@contextmanager
def the_broker(
    home: Path, url: str, *, workers: int, more: Mapping[str, str], beside: Sequence[int] = ()
) -> Iterator[Served]:
    """`broker serve`, ready."""
    words = ["-m", "broker.cli", "serve", "--workers", str(workers)]
    with a_server(words, environment(home, url, more), home, ready="/health/ready", beside=beside) as served:
        yield served


@contextmanager
def a_peer(name: str, home: Path, url: str, *, workers: int, beside: Sequence[int] = ()) -> Iterator[Served]:
    """One of the peers in faces.py."""
    env = {**environment(home, url, {}), "BENCH_PLAIN_URL": url}
    words = ["-m", "benchmarks.matching.peering", name, "--workers", str(workers)]
    with a_server(words, env, home, ready="/", beside=beside) as served:
        yield served


def _require(port: int, program: subprocess.Popen[bytes], ready: str) -> None:
    if not _answers(port, program, ready):
        raise RuntimeError(f"it is not ready: {program.args}")


def _answers(port: int, program: subprocess.Popen[bytes], ready: str) -> bool:
    ends = time.monotonic() + _DEADLINE
    while program.poll() is None and time.monotonic() < ends:
        http = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            http.request("GET", ready)
            if http.getresponse().status == _OK:
                return True
        except (OSError, HTTPException):
            pass
        finally:
            http.close()
        time.sleep(_LOOK)
    return False


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])
