"""The key files of releases that had no manifest: one file a key, named after its use alone."""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64encode
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from broker.proof.keys import generate_signing_key

SECRET = bytes(range(32))


def make_earlier_keys(home: Path, master: bytes = bytes(32), *, log: bool = False) -> dict[str, bytes]:
    """Write keys as the first releases did, sealed for the name of their use; return what each holds."""
    (home / "keys").mkdir(mode=0o700)
    kept = {
        use: json.dumps(generate_signing_key().key.as_dict(private=True)).encode() for use in ("receipts", "tokens")
    }
    kept.update({"blinding": SECRET, "storage": SECRET[::-1]})
    kept.update({use: os.urandom(32) for use in ("log", "log_pq") if log})
    for use, content in kept.items():
        path, nonce = home / "keys" / f"{use}.key", os.urandom(12)
        path.touch(mode=0o600)
        path.write_bytes(urlsafe_b64encode(nonce + AESGCMSIV(master).encrypt(nonce, content, use.encode())) + b"\n")
    return kept
