"""Structured logs: one JSON object a line, no handle, identifier, token or code in any of them.

An access line holds method, route pattern, status and request id: never the path itself, whose last part may be a
capability, and never the query.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from datetime import UTC, datetime

from flask import Flask, Response, g, request

#: Libraries that write what they handle: tokens, verifiers, codes.
_TALKATIVE = ("authlib", "requests", "requests_oauthlib", "urllib3", "werkzeug", "sqlalchemy", "psycopg")
log = logging.getLogger("broker.access")


class JsonLines(logging.Formatter):
    """One record, one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Render time, level, name, message and the fields of an access line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "name": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        return json.dumps(line)


def start_logging(level: str) -> None:
    """Write to standard error, and keep talkative libraries to their warnings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)


def log_requests(app: Flask) -> None:
    """Write a line for each request."""
    app.before_request(_start)
    app.after_request(_write)


def _start() -> None:
    g.started = time.perf_counter()


def _write(answer: Response) -> Response:
    fields = {
        "method": request.method,
        "route": str(request.url_rule) if request.url_rule else "-",
        "status": answer.status_code,
        "milliseconds": round((time.perf_counter() - g.started) * 1000, 1),
        "request_id": g.request_id,
    }
    log.info("request", extra={"fields": fields})
    return answer
