"""Whether the process is there, and whether it can do its work."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from broker.actions.broker import Broker
from broker.actions.replay_erasures import journal_agrees
from broker.actions.watch_log import trouble_with_log
from broker.oauth.context import current_broker
from broker.store.deliveries import any_dead
from broker.store.migrating import pending

blueprint = Blueprint("health", __name__, url_prefix="/health")


@blueprint.get("/live")
def live() -> Response:
    """The process answers."""
    return jsonify({"status": "live"})


@blueprint.get("/ready")
def ready() -> Response:
    """The store answers, holds the schema of this release and nobody who was erased; the log is kept; keys can be read.

    503 otherwise. Of a key file its name and what is wrong with it are told; why the log is not kept, the sequencer
    writes to its own log: a stranger may ask here. ``attention`` names what an operator should look at, and what keeps
    nobody from being served.
    """
    broker = current_broker()
    checks = {"store": broker.database.answers(), "keys": (trouble := broker.source.trouble()) is None}
    checks["schema"] = checks["store"] and not pending(broker.database)
    checks["erasures"] = checks["schema"] and journal_agrees(broker)
    checks["log"] = checks["schema"] and trouble_with_log(broker) is None
    reasons = {"reasons": {"keys": trouble}} if trouble else {}
    # An operator's matter, and no reason to take the broker out of service.
    attention = {"attention": ["deliveries"]} if checks["schema"] and _gave_up(broker) else {}
    told = {"checks": checks, **reasons, **attention}
    answer = jsonify({"status": "ready" if all(checks.values()) else "not ready", **told})
    answer.status_code = 200 if all(checks.values()) else 503
    return answer


def _gave_up(broker: Broker) -> bool:
    """Whether a business was not told of something for 72 hours."""
    with broker.database.reading() as tx:
        return any_dead(tx)
