"""What the processes of a broker have counted, added up, in the shapes that Prometheus asks for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from math import inf
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from broker import watching

_DURATION = "broker_request_duration_seconds"
_Key = tuple[tuple[str, str], ...]


def counted(shared: Path | None) -> Iterator[Metric]:
    """Everything that was counted: by all processes that share that folder, or in this one."""
    families: Iterable[Metric] = _added_up(shared) if shared else watching.HERE.collect()
    found = {family.name: family for family in families}
    if answers := found.pop(watching.ANSWERS, None):
        yield from _decisions(answers)
    if (requests := found.pop(watching.REQUESTS, None)) and (seconds := found.pop(watching.SECONDS, None)):
        yield _requests(requests, seconds)
    yield from found.values()


def _added_up(shared: Path) -> Iterable[Metric]:
    # A process that has just begun makes a file before it writes what the reader looks for at its beginning.
    begun = [str(file) for file in shared.glob("*.db") if file.stat().st_size]
    merged: Iterable[Metric] = MultiProcessCollector.merge(begun)  # type: ignore[no-untyped-call] # the library's
    return merged


def _totals(family: Metric) -> Iterator[tuple[_Key, float]]:
    """The numbers of a counter, without when each began."""
    for sample in family.samples:
        if sample.name.endswith("_total"):
            yield tuple(sorted(sample.labels.items())), sample.value


def _requests(requests: Metric, seconds: Metric) -> Metric:
    """What was counted within each bound alone, as Prometheus has it: with all that was quicker."""
    family = Metric(_DURATION, "Requests, and how long each took, to the last byte of the answer.", "histogram")
    within: defaultdict[_Key, dict[float, float]] = defaultdict(dict)
    for labels, value in _totals(requests):
        within[tuple(it for it in labels if it[0] != "le")][float(dict(labels)["le"])] = value
    in_all = dict(_totals(seconds))
    for labels, each in within.items():
        so_far, own = 0.0, dict(labels)
        for most, value in sorted(each.items()):
            so_far += value
            family.add_sample(f"{_DURATION}_bucket", {**own, "le": _written(most)}, so_far)
        family.add_sample(f"{_DURATION}_count", own, so_far)
        family.add_sample(f"{_DURATION}_sum", own, in_all.get(labels, 0.0))
    return family


def _written(bound: float) -> str:
    return "+Inf" if bound == inf else str(bound)


def _decisions(answers: Metric) -> Iterator[Metric]:
    """Decisions by ground and reason; and by clause, where one that cites two counts under both."""
    decisions = Metric("broker_decisions", "Decisions, by what they rest on or why not.", "counter")
    clauses = Metric("broker_decision_clauses", "Decisions that cite a clause, by clause.", "counter")
    plain, by_clause = defaultdict[_Key, float](float), defaultdict[_Key, float](float)
    for key, value in _totals(answers):
        labels = dict(key)
        cited = labels.pop("clauses").split()
        plain[tuple(labels.items())] += value
        for clause in cited:
            by_clause[("act", labels["act"]), ("outcome", labels["outcome"]), ("clause", clause)] += value
    for family, summed in ((decisions, plain), (clauses, by_clause)):
        for key, value in summed.items():
            family.add_sample(f"{family.name}_total", dict(key), value)
        yield family
