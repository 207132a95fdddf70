"""The server: granian, whose workers each load the application for themselves."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from granian import Granian
from granian.constants import Interfaces
from prometheus_client import values

from broker.settings import share_numbers

#: A body that arrives slowly holds a thread and nothing else; the proxy in front should not let it come to that.
#: Programs may hold some of them only (web/front).
THREADS = 160
#: By what a worker shows the other workers of its broker that it keeps to a core: a name that is free when it dies.
_CORE = "\0consent-broker {} core {}"
_kept: list[socket.socket] = []


def serve(
    *, target: str, host: str, port: int, workers: int, log_config: dict[str, Any], any_core: bool = False
) -> None:
    """Answer requests until a signal ends it, with what the factory *target* makes.

    Each worker keeps to a core of its own, while there is one, or runs on *any_core*.
    """
    Granian(
        target=target,
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=THREADS,
        # One that is killed is begun again, and the others answer meanwhile; who dies as soon as begun ends the broker.
        respawn_failed_workers=True,
        log_access=False,
        log_dictconfig=log_config,
        workers_kill_timeout=15,
    ).serve(target_loader=_load if any_core else _load_on_a_core)


def _load(target: str) -> Callable[..., Any]:
    module, _, name = target.partition(":")
    made: Callable[..., Any] = getattr(import_module(module), name)()
    return made


def _load_on_a_core(target: str) -> Callable[..., Any]:
    keep_to_a_core()
    return _load(target)


def keep_to_a_core() -> int | None:
    """Have this process computed on a core that no other child of its parent keeps to; None where there is none.

    Its threads take turns anyway (there is one interpreter lock). On two cores each turn would begin with waking the
    other one, which takes as long as a match.
    """
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    # Brokers that share a machine do not all begin with the same core.
    parent, first = os.getppid(), os.getppid() % max(1, len(usable))
    for core in usable[first:] + usable[:first] if len(usable) > 1 else ():
        mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            mark.bind(_CORE.format(parent, core))
        except OSError:
            mark.close()
        else:
            _kept.append(mark)
            os.sched_setaffinity(0, {core})
            return core
    return None


@contextmanager
def counting_together() -> Iterator[None]:
    """Let this process and all that it begins count in one folder, made for them and gone with them.

    A process that dies leaves its file there, and so what it had counted.
    """
    with TemporaryDirectory(prefix="broker-numbers-") as folder:
        share_numbers(Path(folder))
        alone = values.ValueClass
        values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call] # as the library says to choose it
        try:
            yield
        finally:
            # Whoever goes on counting in this process has no folder any more.
            share_numbers(None)
            values.ValueClass = alone
