"""The peers of a single match, served as the broker is: the same server, the same workers, threads and logging.

A bare WSGI callable, Flask's hello-world, `select 1` by the driver alone, and a match as it is usually written: Flask,
pydantic for the body, SQLModel for the rows, and a row for each decision. That one looks at no token.
"""

import os
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4
from wsgiref.types import StartResponse, WSGIEnvironment

import psycopg
from flask import Flask, Response, jsonify, request
from pydantic import BaseModel
from sqlalchemy import event
from sqlmodel import Field, Session, SQLModel, create_engine, select

from benchmarks.stage import driver_url

Wsgi = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]
_HELLO = b"Hello, World!"
_HEADERS = [("Content-Type", "text/plain"), ("Content-Length", str(len(_HELLO)))]


def bare() -> Wsgi:
    """The least that the server can be asked to do."""

    def hello(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", _HEADERS)
        return [_HELLO]

    return hello


def flask() -> Flask:
    """Flask's hello-world."""
    app = Flask(__name__)
    app.add_url_rule("/", "hello", lambda: "Hello, World!")
    return app


def select_one() -> Wsgi:
    """One round trip to PostgreSQL, prepared, on a connection that is kept."""
    mine = threading.local()

    def one(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not hasattr(mine, "connection"):
            url = driver_url(os.environ["BENCH_PLAIN_URL"])
            mine.connection = psycopg.connect(url, autocommit=True, prepare_threshold=0)
        mine.connection.execute("SELECT 1").fetchone()
        start_response("200 OK", _HEADERS)
        return [_HELLO]

    return one


class Link(SQLModel, table=True):
    """A link in clear."""

    __tablename__ = "plain_links"
    platform: str = Field(primary_key=True)
    account_id: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    grant_id: str
    purposes: str
    status: str
    valid_until: str


class Told(SQLModel, table=True):
    """A decision that was told."""

    __tablename__ = "plain_decisions"
    id: str = Field(primary_key=True)
    platform: str
    account_id: str
    type: str
    value: str
    purpose: str
    permitted: bool
    decided_at: str


class Account(BaseModel):
    """An account."""

    platform: str
    id: str


class Identifier(BaseModel):
    """An identifier."""

    kind: str
    type: str
    value: str


class Question(BaseModel):
    """A match."""

    account: Account
    identifier: Identifier
    purpose: str


def sqlmodel() -> Flask:
    """A match as it is usually written."""
    app, engine = Flask(__name__), create_engine(os.environ["BENCH_PLAIN_URL"], pool_size=8, max_overflow=24)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _as_safe_as_the_broker)
    app.add_url_rule("/", "hello", lambda: "Hello, World!")

    @app.post("/v1/match")
    def match() -> Response:
        asked, now = Question.model_validate_json(request.get_data()), datetime.now(UTC).isoformat()
        with Session(engine) as session:
            account, identifier = asked.account, asked.identifier
            link = session.exec(
                select(Link).where(
                    Link.platform == account.platform, Link.account_id == account.id,
                    Link.kind == identifier.kind, Link.type == identifier.type, Link.value == identifier.value,
                )
            ).one_or_none()  # fmt: skip
            granted = link is not None and link.status == "given" and link.valid_until > now
            permitted = granted and asked.purpose in link.purposes.split(" ")
            told = Told(
                id=uuid4().hex, platform=account.platform, account_id=account.id, type=identifier.type,
                value=identifier.value, purpose=asked.purpose, permitted=permitted, decided_at=now,
            )  # fmt: skip
            answer = {"decision": permitted, "context": {"id": told.id, "decided_at": now}}
            session.add(told)
            session.commit()
        return jsonify(answer)

    return app


def _as_safe_as_the_broker(connection: Any, _record: object) -> None:  # noqa: ANN401 - a driver's connection
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")
