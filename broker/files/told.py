"""Answers as lines of CSV, and what is wrong with a line as its answer in either form."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from broker.actions.broker import Broker
from broker.actions.decide_matches import Answers
from broker.core.match import Decision
from broker.errors import BrokerError
from broker.proof.receipt import timestamp
from broker.web.batch_text import end_text, error_text
from broker.web.wire import reason_told

#: What a line of CSV says; ``decision`` is permit, deny or error.
ANSWERED = ("decision", "basis", "reason", "clauses", "policy", "decided_at", "id", "grant_id", "receipt_id",
            "association_id", "valid_until", "error")  # fmt: skip


def answer_rows(answers: Answers) -> list[str]:
    """Each answer, on one line of CSV."""
    decided_at = timestamp(answers.decided_at)
    begun = [_begun(decision, decided_at) for decision in answers.said]
    columns = (map(begun.__getitem__, answers.codes), answers.decision_ids, answers.rests, answers.ends)
    return [
        f"{before}{decision_id}{_ground(words, end)}" if words else f"{before}{decision_id},,,,,"
        for before, decision_id, words, end in zip(*columns, strict=True)
    ]


def _begun(decision: Decision, decided_at: str) -> str:
    policy = f"{decision.policy.id} {decision.policy.version}"
    said = ("permit" if decision.permitted else "deny", decision.basis, reason_told(decision))
    return _row((*said, " ".join(decision.clauses), policy, decided_at, ""))


def _ground(words: Sequence[str], end: int) -> str:
    return f",{words[1]},{words[2]},,{end_text(end)}," if end else f",,,{words[1]},,"


def error_row(error: BrokerError) -> str:
    """What is wrong with a line, on one line of CSV."""
    return _row(("error", "", "", " ".join(error.clauses), *[""] * (len(ANSWERED) - 5), error.detail))


def _row(cells: Sequence[str | None]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def error_object(broker: Broker, error: BrokerError, *, line: int) -> str:
    """The same as NDJSON: a problem (RFC 9457), as a batch has it, whose instance is the line of that number."""
    problem: dict[str, object] = {
        "type": broker.url(f"/problems/{error.type}"),
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": f"urn:line:{line}",
    }
    return error_text({**problem, "clauses": list(error.clauses)} if error.clauses else problem)
