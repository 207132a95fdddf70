"""Keys on disk: one file a key, sealed under the master key, readable by its owner alone.

Trusted: whoever reads this folder and the master key is the broker. A missing, short, swapped, empty or
world-readable file is refused by name; a key is made by ``broker init`` and never in silence.
"""

from __future__ import annotations

import json
import os
import stat
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from broker.errors import BadConfiguration
from broker.proof.keys import KeyRing, generate_signing_key, import_signing_key

SECRET_SIZE = 32
_NONCE_SIZE = 12
_SIGNING = ("receipts", "tokens")
_SECRETS = ("blinding", "storage")
MASTER = "master.key"


def create_keys(folder: Path, master: bytes, *, random: Callable[[int], bytes]) -> list[str]:
    """Make all keys, the first time; return the names of those made.

    A key that is missing beside others was lost: what it sealed or signed needs that very key, so none is made.
    """
    names = (*_SIGNING, *_SECRETS)
    missing = [name for name in names if not _path(folder, name).exists()]
    if missing and len(missing) < len(names):
        raise BadConfiguration(
            f"{_path(folder, missing[0])}: is missing beside the other keys; restore it from the backup of the keys"
        )
    for name in missing:
        if name in _SIGNING:
            secret = json.dumps(generate_signing_key().key.as_dict(private=True)).encode()
        else:
            secret = random(SECRET_SIZE)
        _write(_path(folder, name), _sealed(secret, name, master, random(_NONCE_SIZE)))
    return missing


def create_master(folder: Path, *, random: Callable[[int], bytes]) -> bool:
    """Make the master key beside the others, for development; False when it is there already."""
    path = folder / MASTER
    if path.exists():
        return False
    if any(_path(folder, name).exists() for name in (*_SIGNING, *_SECRETS)):
        raise BadConfiguration(f"{path}: is missing beside the keys it seals; restore it from the backup of the keys")
    _write(path, urlsafe_b64encode(random(SECRET_SIZE)) + b"\n")
    return True


def load_keys(folder: Path, master: bytes) -> KeyRing:
    """Open every key, or raise :class:`BadConfiguration` naming the file and what is wrong with it."""
    signing = {name: _signing_key(folder, name, master) for name in _SIGNING}
    secrets = {name: _secret(folder, name, master) for name in _SECRETS}
    return KeyRing(**signing, **secrets)  # type: ignore[arg-type] # the names are KeyRing's own fields


def read_master(path: Path) -> bytes:
    """Read a master key file: 32 bytes as base64url."""
    return parse_master(_read(path).strip().decode("ascii", errors="replace"), where=str(path))


def parse_master(text: str, *, where: str) -> bytes:
    """Return the 32 bytes of a master key written as base64url."""
    try:
        master = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        master = b""
    if len(master) != SECRET_SIZE:
        raise BadConfiguration(f"{where}: a master key is {SECRET_SIZE} bytes, written as base64url")
    return master


def _signing_key(folder: Path, name: str, master: bytes) -> object:
    return import_signing_key(json.loads(_opened(folder, name, master)))


def _secret(folder: Path, name: str, master: bytes) -> bytes:
    secret = _opened(folder, name, master)
    if len(secret) != SECRET_SIZE:
        raise BadConfiguration(f"{_path(folder, name)}: holds {len(secret)} bytes where {SECRET_SIZE} belong")
    return secret


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.key"


def _sealed(secret: bytes, name: str, master: bytes, nonce: bytes) -> bytes:
    # The name is authenticated: a file put in another's place does not open.
    return urlsafe_b64encode(nonce + AESGCMSIV(master).encrypt(nonce, secret, name.encode())) + b"\n"


def _opened(folder: Path, name: str, master: bytes) -> bytes:
    path = _path(folder, name)
    try:
        raw = urlsafe_b64decode(_read(path).strip())
        return AESGCMSIV(master).decrypt(raw[:_NONCE_SIZE], raw[_NONCE_SIZE:], name.encode())
    except (ValueError, InvalidTag) as error:
        raise BadConfiguration(
            f"{path}: does not open under this master key; it is damaged, another key's file, or the master key is"
            " another one. Restore it from the backup of the keys; the broker makes no new one"
        ) from error


def _read(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        raw = path.read_bytes()
    except OSError as error:
        raise BadConfiguration(f"{path}: cannot be read ({error.strerror}); `broker init` makes keys once") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BadConfiguration(f"{path}: others may read it; run chmod 600")
    if not raw.strip():
        raise BadConfiguration(f"{path}: is empty; restore it from the backup of the keys")
    return raw


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
