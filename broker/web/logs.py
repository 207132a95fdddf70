"""Structured logs: one JSON object a line, no handle, identifier, token or code in any of them.

An access line holds method, route pattern, status and request id: never the path itself, whose last part may be a
capability, and never the query.
"""

from __future__ import annotations

import json
import logging
import time
from datetime import UTC, datetime
from logging.config import dictConfig
from typing import Any

from flask import Flask, Response, g, request

#: Libraries that write what they handle: tokens, verifiers, codes.
_TALKATIVE = (
    "alembic",
    "authlib",
    "requests",
    "requests_oauthlib",
    "urllib3",
    "werkzeug",
    "opentelemetry",
    "sqlalchemy",
    "psycopg",
)
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
    """Write to standard error, and keep talkative libraries to their failures."""
    dictConfig(log_config(level))


def log_config(level: str) -> dict[str, Any]:
    """The one configuration of every logger, the server's own included."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": "json"}},
        "root": {"level": level.upper(), "handlers": ["stderr"]},
        "loggers": {
            **{name: {"level": "ERROR"} for name in _TALKATIVE},
            **{name: {"level": level.upper(), "propagate": True, "handlers": []} for name in ("_granian", "granian")},
        },
    }


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
