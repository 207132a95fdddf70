"""Evidence can be checked by anybody: with cryptography and joserfc, and without the rest of the broker."""

import json
import os
import subprocess
import sys

from vectors.make import FOLDER, JWKS

CHECK = """
import json, sys
from pathlib import Path
from broker.proof import clientkeys, keyfiles, keys, receipt, sdjwt
from broker.proof.verify import verify_receipt
folder = Path(sys.argv[1])
jwks = json.loads((folder / sys.argv[2]).read_text())
verdict = verify_receipt((folder / "receipt-given.sd-jwt").read_text(), jwks=jwks)
json.dump([verdict.anchored, sorted({name.partition(".")[0] for name in sys.modules})], sys.stdout)
"""
SERVERS = {"flask", "flask_babel", "sqlalchemy", "sqlmodel", "alembic", "authlib", "pydantic", "requests", "granian"}


def test_a_receipt_is_checked_without_server_database_or_web() -> None:
    command = [sys.executable, "-c", CHECK, str(FOLDER), JWKS]
    # Measuring coverage would bring in what it measures.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=30, env=environment)
    anchored, loaded = json.loads(done.stdout)
    assert (True, set()) == (anchored, SERVERS & set(loaded))
    assert {"broker", "cryptography", "joserfc"} <= set(loaded)
