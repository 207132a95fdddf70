"""Several questions, one transaction: answered in their order, each as if it had been asked alone."""

from __future__ import annotations

from collections.abc import Sequence

from broker.actions.broker import Broker
from broker.actions.decide_match import Answer, decide_match
from broker.actions.gather_facts import Question
from broker.core.client import Client
from broker.store.transaction import Transaction


def decide_in_order(
    tx: Transaction, broker: Broker, client: Client, questions: Sequence[Question], *, stop_at: bool | None = None
) -> list[Answer]:
    """Answer *questions* for *client*, and record every answer.

    The first answer that is *stop_at* is the last: what stands behind it is not asked, and nothing is recorded of it.
    """
    answers: list[Answer] = []
    for question in questions:
        answers.append(decide_match(tx, broker, client, question))
        if answers[-1].decision.permitted is stop_at:
            break
    return answers
