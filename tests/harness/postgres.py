"""A PostgreSQL cluster of the tests' own, in a directory that goes away with it."""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from harness.programs import free_port

_DEBIAN = Path("/usr/lib/postgresql")


def binaries() -> Path:
    """Return the directory of initdb; a machine without PostgreSQL fails the tests, it does not skip them."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    versions = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda found: int(found.parts[-3]))
    if not versions:
        raise RuntimeError("PostgreSQL is missing: install the package postgresql (15 or later)")
    return versions[-1].parent


def as_server() -> list[str]:
    """Return the words before a command: servers of databases refuse to run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "env", "HOME=/"]


@dataclass(frozen=True)
class Roles:
    """The addresses of one database: as its superuser, its owner, whoever serves and whoever keeps."""

    superuser: str
    owner: str
    serving: str
    keeping: str

    def settings(self) -> dict[str, str]:
        """Return what a broker is told that serves with few rights."""
        return {"BROKER_DATABASE_URL": self.serving, "BROKER_KEEPING_DATABASE_URL": self.keeping}


class PostgresCluster:
    """A private cluster: a unix socket and a loopback port, durable as shipped (fsync on)."""

    def __init__(self) -> None:
        self.bin = binaries()
        self.home = Path(tempfile.mkdtemp(prefix="consent-broker-postgres-"))
        self.port = free_port()
        self._databases = 0
        if os.geteuid() == 0:
            shutil.chown(self.home, user="postgres", group="postgres")
        self._init()
        self._control("start", "-w", "-l", str(self.home / "log"), "-o", self._options())

    def _init(self) -> None:
        self._run("initdb", "-D", str(self.data), "-U", "broker", "-A", "trust", "-E", "UTF8",
                  "--locale=C.UTF-8", "--no-sync")  # fmt: skip

    def _options(self) -> str:
        return f"-k {self.home} -p {self.port} -c listen_addresses=127.0.0.1 -c max_connections=300"

    def _run(self, program: str, *arguments: str) -> None:
        # Output goes to a file: pg_ctl's server would keep a pipe open for as long as it lives.
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(
                [*as_server(), str(self.bin / program), *arguments],
                check=False, cwd="/", stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            )  # fmt: skip
            if done.returncode:
                said.seek(0)
                raise RuntimeError(f"{program} failed:\n{said.read().decode(errors='replace')}")

    def _control(self, action: str, *arguments: str) -> None:
        self._run("pg_ctl", action, "-D", str(self.data), *arguments)

    @property
    def data(self) -> Path:
        """The cluster's data directory."""
        return self.home / "data"

    def fresh_database(self) -> str:
        """Create an empty database and return its SQLAlchemy address."""
        self._databases += 1
        name = f"broker{self._databases}"
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user="broker", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return f"postgresql+psycopg://broker@127.0.0.1:{self.port}/{name}"

    def under_roles(self) -> "Roles":
        """Create an empty database with roles as `broker database roles` prints them; return its addresses."""
        address = self.fresh_database()
        name = address.rsplit("/", 1)[1]
        prefix = f"{name}_for_tests"
        printed = subprocess.run(
            [Path(sys.executable).with_name("broker"), "database", "roles", name, "--prefix", prefix],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        with psycopg.connect(self.plain(address), autocommit=True) as connection:
            connection.execute(printed)
        owner, serving, keeping = (
            address.replace("broker@", f"{prefix}_{role}@") for role in ("owner", "serving", "keeping")
        )
        return Roles(superuser=address, owner=owner, serving=serving, keeping=keeping)

    @staticmethod
    def plain(address: str) -> str:
        """Return an SQLAlchemy address as psycopg reads it."""
        return address.replace("+psycopg", "")

    def stop(self) -> None:
        """End the cluster and remove its directory."""
        self._control("stop", "-m", "immediate")
        shutil.rmtree(self.home, ignore_errors=True)
