"""The server: granian, whose workers each load the application for themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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


def serve(*, target: str, host: str, port: int, workers: int, log_config: dict[str, Any]) -> None:
    """Answer requests until a signal ends it, with what the factory *target* makes."""
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
    ).serve()


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
