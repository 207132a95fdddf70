"""A broker with its links, for each database and each size: made in minutes, and kept where a folder is named."""

import argparse
import hashlib
import json
import secrets
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

from benchmarks import consenting
from benchmarks.matching.links import make_links
from benchmarks.matching.plain import make_plain
from benchmarks.matching.postgres import a_cluster, drop_database, make_database, server_of
from benchmarks.stage import SQLITE, a_broker, a_home
from broker.actions.broker import Broker
from broker.core.client import Client
from broker.store import every_table  # noqa: F401 - fills the metadata
from broker.store.clients import find_client
from broker.store.columns import metadata

POSTGRES = "postgresql"
_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_BUILT = "built.json"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One broker that knows so many links, and the same links in clear beside it."""

    kind: str
    links: int
    home: Path
    url: str
    plain_url: str
    broker: Broker
    client: Client
    key: ECKey
    #: The database's own process, where it has one on this machine.
    beside: tuple[int, ...]
    built: dict[str, float]

    @property
    def label(self) -> str:
        """As sides are named by."""
        return f"{self.kind} {self.links}"

    def token(self, port: int) -> str:
        """A token of 300 s as any client gets one: by its own signature, from the token endpoint."""
        now, client = int(time.time()), self.client.client_id
        claims = {"iss": client, "sub": client, "aud": self.broker.issuer, "iat": now, "exp": now + 60}
        claims["jti"] = secrets.token_urlsafe(16)
        assertion = jwt.encode({"alg": "ES256", "kid": self.key.thumbprint()}, claims, self.key, algorithms=["ES256"])
        asked = {"grant_type": "client_credentials", "scope": "match"}
        body = urlencode({**asked, "client_assertion_type": _TYPE, "client_assertion": assertion})
        http = HTTPConnection("127.0.0.1", port, timeout=30)
        http.request("POST", "/oauth/token", body, {"Content-Type": "application/x-www-form-urlencoded"})
        said = json.loads(http.getresponse().read())
        http.close()
        if "access_token" not in said:
            raise RuntimeError(f"no token was given: {said}")
        return str(said["access_token"])


@contextmanager
def stages(asked: argparse.Namespace) -> Iterator[Sequence[Stage]]:
    """A stage for each database and size that was asked for, all of them open at once."""
    with ExitStack() as held:
        folder = asked.folder or held.enter_context(a_home())
        folder.mkdir(parents=True, exist_ok=True)
        server = asked.database
        if asked.private_postgres:
            server = held.enter_context(a_cluster(folder.resolve() / "postgres"))
        kinds = [*([] if asked.no_sqlite else [SQLITE]), *([POSTGRES] if server else [])]
        places = [_Place(folder.resolve(), kind, links, server, asked) for kind in kinds for links in asked.links]
        yield [held.enter_context(place.opened()) for place in places]


@dataclass(frozen=True)
class _Place:
    """Where one stage lies."""

    folder: Path
    kind: str
    links: int
    server: str | None
    asked: argparse.Namespace

    @property
    def home(self) -> Path:
        return self.folder / f"{self.kind}-{self.links}"

    @property
    def wanted(self) -> dict[str, int | str]:
        """What must be there to be used again: also a database as this release makes it."""
        columns = [f"{table.name}.{it.name} {it.type}" for table in metadata.sorted_tables for it in table.columns]
        schema = hashlib.sha256("\n".join(sorted(columns)).encode()).hexdigest()
        return {"links": self.links, "whole": min(self.links, self.asked.whole), "schema": schema}

    @contextmanager
    def opened(self) -> Iterator[Stage]:
        kept = self._kept()
        if kept is None:
            kept = self._new()
        with a_broker(self.home, kept["url"]) as broker:
            built = kept.get("built") or self._build(broker, kept)
            with broker.database.reading() as tx:
                client = find_client(tx, built["client_id"])
            if client is None:
                raise LookupError("the client of these links is not there")
            if self.kind == SQLITE:
                _warm(self.home / "broker.db")
            pid = server_of(kept["url"]) if self.kind == POSTGRES else None
            yield Stage(
                kind=self.kind, links=self.links, home=self.home, url=kept["url"], plain_url=kept["plain"],
                broker=broker, client=client, key=ECKey.import_key(built["key"]), beside=(pid,) if pid else (),
                built=built["seconds"],
            )  # fmt: skip
        if not self.asked.folder and self.server and self.kind == POSTGRES:
            for url in (kept["url"], kept["plain"]):
                drop_database(self.server, urlsplit(url).path.strip("/"))

    def _kept(self) -> dict[str, object] | None:
        """What an earlier run left, if it is what is wanted; PostgreSQL's port may be another one now."""
        file = self.home / _BUILT
        found = json.loads(file.read_text()) if file.exists() else {}
        if found.get("wanted") != self.wanted:
            return None
        return {**found, **{name: self._moved(found[name]) for name in ("url", "plain")}}

    def _moved(self, url: str) -> str:
        if self.kind == SQLITE or not self.server:
            return url
        return urlsplit(self.server)._replace(path=urlsplit(url).path).geturl()

    def _new(self) -> dict[str, object]:
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(mode=0o700)
        if self.kind == SQLITE:
            return {name: f"sqlite:///{self.home / file}.db" for name, file in (("url", "broker"), ("plain", "plain"))}
        assert self.server  # noqa: S101 - there is no such kind without one
        name = f"broker_bench_{self.links}_{secrets.token_hex(3)}"
        for one in (name, f"{name}_plain"):
            make_database(self.server, one)
        where = urlsplit(self.server)
        return {
            "url": where._replace(path=f"/{name}").geturl(),
            "plain": where._replace(path=f"/{name}_plain").geturl(),
        }

    def _build(self, broker: Broker, kept: dict[str, object]) -> dict[str, object]:
        key = ECKey.generate_key("P-256", auto_kid=False)
        key = ECKey.import_key({**key.as_dict(private=True), "kid": key.thumbprint()})
        client = consenting.a_client(broker, keys=[{**key.as_dict(private=False), "use": "sig", "alg": "ES256"}])
        began = time.monotonic()
        make_links(broker, client, self.links, min(self.links, self.asked.whole))
        linked = time.monotonic()
        make_plain(str(kept["plain"]), self.links)
        seconds = {"links": linked - began, "plain": time.monotonic() - linked}
        built = {"client_id": client.client_id, "key": key.as_dict(private=True), "seconds": seconds}
        (self.home / _BUILT).write_text(json.dumps({**kept, "wanted": self.wanted, "built": built}))
        (self.home / _BUILT).chmod(0o600)
        return built


def _warm(file: Path) -> None:
    """Have a file read once: what is measured is a database that is in memory, as far as it fits.

    By another process: where this one closed the file, SQLite's own locks of this process would be gone.
    """
    subprocess.run(["cat", file], check=True, stdout=subprocess.DEVNULL)


def bare_sqlite(stage: Stage) -> sqlite3.Connection:
    """The driver alone on the broker's own file, with the page cache that the broker gives itself."""
    file = sqlite3.connect(f"file:{stage.home / 'broker.db'}?mode=ro", uri=True, isolation_level=None)
    with stage.broker.database.reading() as tx:
        for pragma in ("cache_size", "mmap_size"):
            file.execute(f"PRAGMA {pragma}={tx.exec_driver_sql(f'PRAGMA {pragma}').scalar_one()}")
    return file
