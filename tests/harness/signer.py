"""A worker of its own: it signs and checks with the keys of a folder, whoever changes them, until told to stop.

Each line it writes holds evidence and a token as it signed them; the last says how many tokens it did not know.
"""

from __future__ import annotations

import json
import os
import select
import sys
from collections import deque
from pathlib import Path

from joserfc import jws
from joserfc.errors import JoseError

from broker.proof.keyfiles import KeyFolder, open_ring
from broker.proof.keyring import LiveKeys
from broker.proof.masters import LocalMaster
from broker.proof.sdjwt import header_of
from broker.proof.smiths import Custody, LocalSmith


def is_known(live: LiveKeys, token: str) -> bool:
    """Whether a token is one of the broker's."""
    key = live.current().token_key(str(header_of(token)["kid"]))
    try:
        return key is not None and bool(jws.deserialize_compact(token, key, algorithms=["ES256"]))
    except JoseError:
        return False


def say(**words: object) -> None:
    """Write a line."""
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def work(home: Path, master: bytes) -> None:
    """Sign and check until a line comes."""
    custody = Custody(LocalMaster((master,), os.urandom), LocalSmith(os.urandom))
    folder = KeyFolder(path=home / "keys", custody=custody, random=os.urandom)
    live, issued, unknown = LiveKeys(folder.path, lambda: open_ring(folder)), deque[str](maxlen=10), 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        evidence = live.current().receipts.sign(b"{}", typ="evidence")
        issued.append(live.current().tokens.sign(b"{}", typ="token"))
        unknown += sum(not is_known(live, token) for token in (issued[0], issued[-1]))
        say(evidence=evidence, token=issued[-1])
    say(unknown=unknown)


if __name__ == "__main__":
    work(Path(sys.argv[1]), bytes.fromhex(sys.argv[2]))
