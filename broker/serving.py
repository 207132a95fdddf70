"""The server: granian, whose workers each load the application for themselves."""

from __future__ import annotations

from typing import Any

from granian import Granian
from granian.constants import Interfaces

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
        log_access=False,
        log_dictconfig=log_config,
        workers_kill_timeout=15,
    ).serve()
