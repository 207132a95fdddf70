"""The answers of a batch as JSON text: what many have in common is written once.

Each is the very object that ``POST /v1/match`` answers with (``wire.DecisionWire``); a test holds the two together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from broker.actions.decide_matches import Answers
from broker.core.match import Decision
from broker.proof.receipt import timestamp
from broker.store.pairs import end_of
from broker.web.wire import reason_told

_JSON = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
_EPOCH, _MICROSECONDS = datetime(1970, 1, 1, tzinfo=UTC), 10**6
#: The moments of an hour, as they end a timestamp.
_IN_AN_HOUR = [f":{minute:02}:{second:02}Z" for minute in range(60) for second in range(60)]


def answer_texts(answers: Answers) -> list[str]:
    """Each answer, on one line."""
    decided_at = timestamp(answers.decided_at)
    parts = [answer_parts(decision) for decision in answers.said]
    parts = [(before, f'{after}{decided_at}"') for before, after in parts]
    texts = []
    columns = zip(answers.decision_ids, answers.codes, answers.rests, answers.ends, strict=True)
    for decision_id, code, words, end in columns:
        before, after = parts[code]
        texts.append(f"{before}{decision_id}{after}{_ground(words, end) if words else ''}}}}}")
    return texts


def answer_text(parts: tuple[str, str], decision_id: str, decided_at: str, names: str) -> str:
    """One answer, likewise; *parts* are its decision's, and *decided_at* is as on the wire."""
    before, after = parts
    ground = _ground(names.split(" "), end_of(names)) if names else ""
    return f'{before}{decision_id}{after}{decided_at}"{ground}}}}}'


def answer_parts(decision: Decision) -> tuple[str, str]:
    """What stands before the id of an answer, and between it and the moment."""
    context: dict[str, Any] = {
        "basis": decision.basis,
        "reason": reason_told(decision),
        "clauses": list(decision.clauses),
        "policy": vars(decision.policy),
        "decided_at": "",
    }
    said = _JSON.encode({name: value for name, value in context.items() if value is not None})
    return f'{{"decision":{_JSON.encode(decision.permitted)},"context":{{"id":"', f'",{said[1:-2]}'


def _ground(words: Sequence[str], end: int) -> str:
    if not end:
        return f',"association_id":"{words[1]}"'
    return f',"grant_id":"{words[1]}","receipt_id":"{words[2]}","valid_until":"{end_text(end)}"'


def end_text(end: int) -> str:
    """A moment in microseconds since 1970, as a timestamp."""
    hour, second = divmod(end // _MICROSECONDS, len(_IN_AN_HOUR))
    return f"{_hour(hour)}{_IN_AN_HOUR[second]}"


@lru_cache(maxsize=20_000)
def _hour(number: int) -> str:
    """An hour since 1970 began, as it begins a timestamp: written once for all that end within it."""
    return timestamp(_EPOCH + timedelta(hours=number))[: -len(_IN_AN_HOUR[0])]


def error_text(problem: Mapping[str, object]) -> str:
    """What is wrong with one item, on one line."""
    return _JSON.encode({"error": problem})
