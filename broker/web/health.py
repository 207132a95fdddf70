"""Whether the process is there, and whether it can do its work."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from broker.oauth.context import current_broker
from broker.store.migrating import pending

blueprint = Blueprint("health", __name__, url_prefix="/health")


@blueprint.get("/live")
def live() -> Response:
    """The process answers."""
    return jsonify({"status": "live"})


@blueprint.get("/ready")
def ready() -> Response:
    """The store answers and holds the schema of this release; 503 and what is wrong otherwise."""
    database = current_broker().database
    checks = {"store": database.answers()}
    checks["schema"] = checks["store"] and not pending(database)
    answer = jsonify({"status": "ready" if all(checks.values()) else "not ready", "checks": checks})
    answer.status_code = 200 if all(checks.values()) else 503
    return answer
