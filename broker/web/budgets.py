"""Each call under ``/v1`` and ``/access`` is counted against its client's budgets, and told what is left of them.

It is counted once it is known who calls and that they may: who is suspended, or brings no token, spends nothing.
"""

from __future__ import annotations

from flask import Flask, Response, g, request

from broker.errors import TooManyRequests
from broker.oauth.context import current_broker
from broker.web.ratelimit import left_text, policy_text

#: What a client needs in order to hear of a withdrawal, under /ssf, is no part of its budgets.
_COUNTED = ("/v1/", "/access/")


def tell_budgets(app: Flask) -> None:
    """Have every answer of a counted endpoint say what is left."""
    app.after_request(_told)


def admit(client_id: str, *, items: int) -> None:
    """Count a request, once however often its view begins something, and items; or raise :class:`TooManyRequests`."""
    g.pop("missed", None)
    if request.url_rule is None or not request.url_rule.rule.startswith(_COUNTED):
        return
    budgets, requests = current_broker().budgets, 0 if "budget" in g else 1
    if request.method == "DELETE":  # what ends something is turned away by nobody: it is counted, and may be owed
        g.budget = budgets.note(client_id, requests=requests)
    else:
        take(client_id, requests=requests, items=items)


def take(client_id: str, *, requests: int = 0, items: int = 0) -> None:
    """Count more of a request that was let in: its items, where it took some looking to know how many there are."""
    try:
        g.budget = current_broker().budgets.take(client_id, requests=requests, items=items)
    except TooManyRequests as error:
        g.budget = error
        raise


def missed(number: int) -> None:
    """Remember that so many of the request's items were about accounts that its client has nothing on."""
    g.missed = g.get("missed", 0) + number


def settle(client_id: str) -> None:
    """Count the misses of what has been committed, before it is answered."""
    number = g.pop("missed", 0)
    if number:
        g.budget = current_broker().budgets.note(client_id, misses=number)


def _told(answer: Response) -> Response:
    found = g.get("budget")
    if found is None:
        return answer
    limits = current_broker().budgets.limits
    policy = policy_text(limits)
    if policy:
        late = isinstance(found, TooManyRequests)
        spent, seconds = (found.spent, found.retry_after) if late else ((), 0)
        answer.headers["RateLimit-Policy"] = policy
        # A list without a member is no header (RFC 9651 section 3.1).
        if left := left_text(limits, found.left, spent=spent, seconds=seconds):
            answer.headers["RateLimit"] = left
    return answer
