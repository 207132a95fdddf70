"""A PostgreSQL of the benchmark's own, for machines where none runs: durable as it is shipped, on 127.0.0.1 alone."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks.matching.processes import parent_of
from benchmarks.stage import driver_url

_DEBIAN = Path("/usr/lib/postgresql")
#: Room as on a server of that size; all that has to do with safety stays as it is shipped.
_ROOM = {"shared_buffers": "1GB", "max_wal_size": "8GB", "max_connections": "200"}


@contextmanager
def a_cluster(folder: Path) -> Iterator[str]:
    """The address of a cluster in *folder*, made there when it is not yet; stopped at the end, and left lying."""
    data, port = folder / "data", _free_port()
    folder.parent.chmod(0o711)  # the server runs as somebody else
    folder.mkdir(exist_ok=True)
    if os.geteuid() == 0:
        shutil.chown(folder, user="postgres", group="postgres")
    if not data.exists():
        _run("initdb", "-D", str(data), "-U", "broker", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
    room = " ".join(f"-c {name}={value}" for name, value in _ROOM.items())
    options = f"-k {folder} -p {port} -c listen_addresses=127.0.0.1 {room}"
    _run("pg_ctl", "start", "-w", "-D", str(data), "-l", str(folder / "log"), "-o", options)
    try:
        yield f"postgresql+psycopg://broker@127.0.0.1:{port}/postgres"
    finally:
        _run("pg_ctl", "stop", "-w", "-D", str(data), "-m", "fast")


def make_database(server: str, name: str) -> None:
    """Make an empty one of that name, in place of any that is there."""
    drop_database(server, name)
    with psycopg.connect(driver_url(server), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def drop_database(server: str, name: str) -> None:
    """Take one away."""
    with psycopg.connect(driver_url(server), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def server_of(url: str) -> int | None:
    """The process of the server, where it runs on this machine: what it computes counts too."""
    with psycopg.connect(driver_url(url)) as connection:
        found = connection.execute("SELECT pg_backend_pid()").fetchone()
    pid = parent_of(found[0]) if found else None
    return pid if pid and Path(f"/proc/{pid}/comm").read_text().startswith("postgres") else None


def _run(program: str, *arguments: str) -> None:
    words = [str(_binaries() / program), *arguments]
    if os.geteuid() == 0:
        words = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "env", "HOME=/", *words]
    # To a file: the server that pg_ctl starts would keep a pipe open.
    with tempfile.TemporaryFile() as said:
        if subprocess.run(words, check=False, cwd="/", stdin=subprocess.DEVNULL, stdout=said, stderr=said).returncode:
            said.seek(0)
            raise RuntimeError(f"{program}: {said.read().decode(errors='replace')}")


def _binaries() -> Path:
    found = sorted(_DEBIAN.glob("*/bin"), key=lambda it: float(it.parts[-2]))
    on_path = shutil.which("initdb")
    if not on_path and not found:
        raise RuntimeError("no PostgreSQL here (scripts/setup --tests installs it); or name a server by --database")
    return Path(on_path).parent if on_path else found[-1]


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def version_of(url: str) -> str:
    """The server's release."""
    with psycopg.connect(driver_url(url)) as connection:
        found = connection.execute("SHOW server_version").fetchone()
    return str(found[0]).split(" ")[0] if found else ""
