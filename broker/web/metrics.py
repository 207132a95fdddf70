"""``/metrics`` for Prometheus: what every worker and the companion counted, and what the database says at this moment.

It tells of all businesses in sum, so it is for whoever bears the operator's token. Without one it answers on this
machine, and for a development issuer alone: behind a proxy on the same machine everybody comes from there.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from hmac import compare_digest
from pathlib import Path
from threading import Lock, Thread

from flask import Blueprint, Response, abort, current_app, g, request
from prometheus_client import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import mark_process_dead
from prometheus_client.registry import Collector

from broker import __version__
from broker.actions.broker import Broker
from broker.core.reach import is_loopback
from broker.errors import BrokerError
from broker.oauth.context import current_broker
from broker.store.measures import Figure, measure
from broker.store.taping import TAPE
from broker.web.counted import counted
from broker.web.measured_words import HELP

#: Seconds that a look at the database may take: Prometheus itself waits for ten.
PATIENCE = 3.0
_LIVE = re.compile(r"gauge_live[a-z]+_([0-9]+)\.db")
blueprint = Blueprint("metrics", __name__)


@dataclass
class Watch:
    """Who may look, where the processes of this broker count together, and the one look that is under way."""

    token: str | None = field(default=None, repr=False)
    shared: Path | None = None
    looking: Lock = field(default_factory=Lock, init=False, repr=False)


@blueprint.get("/metrics")
def metrics() -> Response:
    """All figures, in the text format of Prometheus or, asked for, in OpenMetrics."""
    g.for_programs = True
    watch: Watch = current_app.extensions["watch"]
    if not _may_look(watch):
        if watch.token is None:
            abort(404)
        return Response(status=401, headers={"WWW-Authenticate": 'Bearer realm="metrics"', "Cache-Control": "no-store"})
    if recorder := current_broker().recorder:
        recorder.each_tick()  # what this worker is about to hand on: who asks after an answer finds it counted
    encode, kind = choose_encoder(request.headers.get("Accept", ""))
    answer = Response(encode(_Scrape(watch, current_broker())), content_type=kind)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _may_look(watch: Watch) -> bool:
    if watch.token is None:
        return current_broker().loopback and is_loopback(request.remote_addr or "")
    given = request.headers.get("Authorization", "")
    return compare_digest(given.encode(), f"Bearer {watch.token}".encode())


class _Scrape(Collector):
    """What one answer holds."""

    def __init__(self, watch: Watch, broker: Broker) -> None:
        self._watch, self._broker = watch, broker

    def collect(self) -> Iterator[Metric]:
        """What was counted, and what is measured now."""
        if self._watch.shared:
            _forget_the_dead(self._watch.shared)
        yield from counted(self._watch.shared)
        families: dict[str, Metric] = {}
        for name, value, labels in self._figures():
            family = families.setdefault(name, Metric(f"broker_{name}", HELP[name], "gauge"))
            family.add_sample(family.name, labels, value)
        yield from families.values()

    def _figures(self) -> Iterator[Figure]:
        found = _look(self._watch.looking, self._broker)
        yield "database_up", float(found is not None), {}
        yield from found or ()
        yield from _of_files(self._broker)
        engine = self._broker.database.engine
        version = {"version": __version__, "python": platform.python_version(), "database": engine.dialect.name}
        yield "build_info", 1, version
        for policy in self._broker.policies.by_platform.values():
            yield "policy_info", 1, vars(policy.ref)


def _look(looking: Lock, broker: Broker) -> list[Figure] | None:
    """What the database says; None when it does not within :data:`PATIENCE`, or still owes an answer to another."""
    found: list[list[Figure]] = []

    def look() -> None:
        with looking, suppress(BrokerError), broker.database.reading() as tx:
            found.append(list(measure(tx, now=broker.now())))

    if looking.locked():
        return None
    thread = Thread(target=look, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return found[0] if found else None


def _of_files(broker: Broker) -> Iterator[Figure]:
    """Tapes; and how large SQLite's files are: a journal that only grows means that somebody never ends a look."""
    if broker.recorder:
        yield from _of_tapes(broker.recorder.folder, broker.now().timestamp())
    if broker.database.engine.dialect.name != "sqlite":
        return
    file = broker.database.engine.url.database or ""
    for name, of in (("database_bytes", file), ("database_journal_bytes", f"{file}-wal")):
        with suppress(OSError):
            yield name, Path(of).stat().st_size, {}


def _of_tapes(folder: Path, now: float) -> Iterator[Figure]:
    """What was answered and is not in the database yet; nobody writes to an old tape, so it waits to be filed."""
    written: list[float] = []
    for tape in folder.glob(f"*{TAPE}"):
        with suppress(FileNotFoundError):  # filed meanwhile
            written.append(tape.stat().st_mtime)
    yield "tapes_waiting", len(written), {}
    yield "tape_lag_seconds", max(0.0, now - min(written, default=now)), {}


def _forget_the_dead(shared: Path) -> None:
    """What a process had under way ended with it; what it had counted stays."""
    for found in filter(None, (_LIVE.fullmatch(path.name) for path in shared.glob("gauge_live*.db"))):
        try:
            os.kill(int(found[1]), 0)
        except ProcessLookupError:
            mark_process_dead(int(found[1]), str(shared))  # type: ignore[no-untyped-call] # the library's
        except PermissionError:
            continue  # it is there, as somebody else
