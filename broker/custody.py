"""Where keys come from: the folder of key files and its master key, or whoever keeps them in their place."""

from __future__ import annotations

import secrets
from importlib import import_module
from pathlib import Path

from broker.errors import BadConfiguration
from broker.proof.keyfiles import KeyFolder, open_ring
from broker.proof.keyring import KeyRing, LiveKeys
from broker.proof.masters import LocalMaster, append_master, create_master
from broker.proof.smiths import Custody, LocalSmith
from broker.settings import Settings


def open_custody(settings: Settings) -> Custody:
    """The master key and the smith of these settings."""
    if settings.custody is None:
        return Custody(LocalMaster(settings.masters(), secrets.token_bytes), LocalSmith(secrets.token_bytes))
    module, _, factory = settings.custody.partition(":")
    try:
        custody = getattr(import_module(module), factory)()
    except (ImportError, AttributeError, ValueError) as error:
        raise BadConfiguration(f"BROKER_CUSTODY: {settings.custody} cannot be called ({error})") from error
    if not isinstance(custody, Custody):
        raise BadConfiguration(f"BROKER_CUSTODY: {settings.custody} returns no Custody")
    return custody


def open_folder(settings: Settings) -> KeyFolder:
    """The folder of the keys."""
    return KeyFolder(path=settings.keys_dir, custody=open_custody(settings), random=secrets.token_bytes)


def read_keys(settings: Settings) -> KeyRing:
    """The keys as they are on disk, or :class:`BadConfiguration` naming what is wrong."""
    return open_ring(open_folder(settings))


def live_keys(settings: Settings) -> LiveKeys:
    """The keys as they are on disk, now and whenever they change."""
    file = own_master_file(settings)
    return LiveKeys(settings.keys_dir, lambda: read_keys(settings), beside=[file] if file else [])


def own_master_file(settings: Settings) -> Path | None:
    """The file that holds the master keys, where it is a file."""
    return None if settings.custody or settings.master_key else settings.master_file()


def add_master(file: Path) -> None:
    """Make a new master key at the end of the file."""
    append_master(file, random=secrets.token_bytes)


def first_master(settings: Settings) -> bool:
    """Make the master key of a development broker beside its keys; False when it is there already."""
    return create_master(settings.master_file(), random=secrets.token_bytes)
