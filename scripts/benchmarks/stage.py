"""A broker of the benchmark's own, with real keys and an empty database; nothing of it is left at the end."""

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from broker.actions.broker import Broker
from broker.app import now, open_broker
from broker.custody import first_master, open_folder
from broker.proof.highwater import first_high_water
from broker.proof.journal import create_journal
from broker.proof.keymaking import create_keys
from broker.settings import Settings
from broker.store.database import Database
from broker.store.migrating import migrate

SQLITE = "sqlite"
_PLATFORMS = '[x]\nclient_id = "broker"\nclient_secret = "made-up"\n'


@contextmanager
def a_broker(home: Path, url: str) -> Iterator[Broker]:
    """A broker in a folder, set up as `broker init` does it; what lies there already is used again."""
    (home / "platforms.toml").write_text(_PLATFORMS)
    settings = Settings(
        database_url=url,
        keys_dir=home / "keys",
        marks_dir=home / "marks",
        platforms_file=home / "platforms.toml",
    )
    if not settings.keys_dir.exists():
        first_master(settings)
        first_high_water(settings.marks_dir)
        create_journal(settings.marks_dir)
        create_keys(open_folder(settings), now=now())
    broker = open_broker(settings)
    try:
        migrate(broker.database)
        yield broker
    finally:
        broker.database.close()


@contextmanager
def a_home() -> Iterator[Path]:
    """A folder that goes away. It lies where TMPDIR says: on a disk, or its commits cost nothing."""
    with tempfile.TemporaryDirectory(prefix="consent-broker-bench-") as home:
        yield Path(home)


@contextmanager
def an_empty_database(where: str, home: Path) -> Iterator[str]:
    """The URL of an empty database: a SQLite file in *home*, or a new database on the server that *where* names."""
    if where == SQLITE:
        yield f"sqlite:///{home / 'broker.db'}"
        return
    # A new one beside the database that was named: what lies in that one is never touched.
    name = f"broker_bench_{secrets.token_hex(6)}"
    with _server(where) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlsplit(where)._replace(path=f"/{name}").geturl()
    finally:
        with _server(where) as server:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _server(url: str) -> psycopg.Connection:
    return psycopg.connect(driver_url(url), autocommit=True)


def driver_url(url: str) -> str:
    """The same address as PostgreSQL's own library reads it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def size_of(database: Database) -> int:
    """How many bytes a database takes on disk, SQLite's journal counted."""
    url = database.engine.url
    if url.get_backend_name() == SQLITE:
        file = Path(str(url.database))
        return sum(part.stat().st_size for part in file.parent.glob(f"{file.name}*"))
    with psycopg.connect(driver_url(url.render_as_string(hide_password=False))) as server:
        row = server.execute("SELECT pg_database_size(current_database())").fetchone()
    return int(row[0]) if row else 0
