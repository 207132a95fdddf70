"""Epochs of the master key and of the storage key that goes with it: the next one begun, an old one destroyed."""

from __future__ import annotations

import argparse

from broker.actions.broker import Broker
from broker.actions.move_epoch import move_to_newest
from broker.actions.sign_in import LONGEST
from broker.app import now
from broker.commands.opening import FAILED, opened
from broker.custody import add_master, open_folder, own_master_file
from broker.errors import CommandRefused
from broker.proof.keyfiles import KeyFolder
from broker.proof.manifest import STORAGE, State
from broker.proof.masters import remove_master
from broker.proof.rotation import destroy_epoch, masters_needed, reseal, retired_epoch
from broker.settings import Settings
from broker.store.epochs import epochs_in_use
from broker.store.sweeping import sweep

_ADD_YOUR_OWN = (
    "the newest master key is in use already. Put another one behind it (32 random bytes as base64url; in"
    " BROKER_MASTER_KEY after a blank, the newest last; in an HSM or a KMS a new version), start the broker again with"
    " both, and give this command again"
)


def rotate_master(settings: Settings, broker: Broker) -> int:
    """Seal everything under a new master key: key files first, then rows. Given again, it goes on where it was."""
    folder, file = open_folder(settings), own_master_file(settings)
    if _is_finished(folder, broker):
        if file is None:
            raise CommandRefused(_ADD_YOUR_OWN)
        add_master(file)
        folder = open_folder(settings)
        print(f"made  master key {folder.custody.master.id} at the end of {file}")
    epoch = reseal(folder, now=now())
    if epoch is not None:
        print(f"made  storage epoch {epoch}; every key in use is sealed under master key {folder.custody.master.id}")
    outcome = move_to_newest(broker)
    print(f"moved {outcome.anew} rows to storage epoch {broker.sealer.epoch}")
    if outcome.broken:
        print(f"FAIL  {outcome.broken} rows do not open; `broker audit` names them")
        return FAILED
    print("Destroy the epoch before with `broker keys destroy` once no backup of its time is kept any more.")
    return 0


def _is_finished(folder: KeyFolder, broker: Broker) -> bool:
    """Whether the last rotation of the master key came to its end: then this is another one."""
    active = folder.manifest().one(STORAGE, State.ACTIVE)
    with broker.database.reading() as tx:
        return active.master == folder.custody.master.id and epochs_in_use(tx).keys() <= {active.number}


def destroy(asked: argparse.Namespace) -> int:
    """Destroy a storage key that seals nothing any more, and the master key of its time."""
    settings, broker = opened()
    folder = open_folder(settings)
    retired_epoch(folder.manifest(), asked.epoch)
    _refuse_rows(broker, asked.epoch)
    entry = destroy_epoch(folder, asked.epoch, now=now())
    print(f"storage epoch {entry.number} is destroyed: what it sealed, in any backup, opens for nobody")
    if entry.master in masters_needed(folder.manifest()):
        return 0
    file = own_master_file(settings)
    if file is not None and remove_master(file, entry.master):
        print(f"master key {entry.master} is taken out of {file}")
    print(f"Destroy every other copy of master key {entry.master}: who has one opens backups of the keys of its time.")
    return 0


def _refuse_rows(broker: Broker, epoch: int) -> None:
    """Refuse while anything needs the epoch; what lived for minutes, and is over, needs it no more."""
    with broker.database.transaction() as tx:
        sweep(tx, now=broker.now(), longest_session=LONGEST)
    with broker.database.reading() as tx:
        rows = epochs_in_use(tx).get(epoch)
    if rows:
        counted = ", ".join(f"{count} in {column}" for column, count in rows.items())
        raise CommandRefused(
            f"storage epoch {epoch} still seals rows ({counted}); `broker keys rotate master` moves them, what people"
            " have begun to link is over within the hour"
        )
