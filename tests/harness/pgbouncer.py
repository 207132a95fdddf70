"""A PgBouncer of the tests' own, in transaction mode, in front of a cluster; few sessions, which all share."""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import psycopg

from harness.postgres import PostgresCluster, as_server
from harness.programs import Program, free_port

#: Where Debian puts it; whoever has none skips what needs it.
BINARY = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
#: Sessions of the server that all who come share.
SESSIONS = 2
_CONFIGURATION = """\
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 200
unix_socket_dir =
ignore_startup_parameters = extra_float_digits
"""


class PgBouncer:
    """One PgBouncer."""

    def __init__(self, cluster: PostgresCluster) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="consent-broker-pgbouncer-"))
        self.port, self._cluster = free_port(), cluster
        file = self.home / "pgbouncer.ini"
        (users := self.home / "users").write_text('"broker" ""\n')
        file.write_text(_CONFIGURATION.format(server=cluster.port, port=self.port, sessions=SESSIONS, users=users))
        if os.geteuid() == 0:
            self.home.chmod(0o755)
        self.program = Program([*as_server(), str(BINARY), str(file)], log=self.home / "log")
        self.program.until(self._answers)

    def _answers(self) -> bool:
        with (
            suppress(psycopg.Error),
            psycopg.connect(host="127.0.0.1", port=self.port, user="broker", dbname="postgres", connect_timeout=2),
        ):
            return True
        return False

    def address(self, direct: str) -> str:
        """Return the address of a database through this, given the one to the server itself."""
        return direct.replace(f":{self._cluster.port}/", f":{self.port}/")

    def stop(self) -> None:
        """End it."""
        self.program.stop()
        shutil.rmtree(self.home, ignore_errors=True)
