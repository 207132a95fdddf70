"""The log as a static site."""

from __future__ import annotations

from pathlib import Path

from broker.actions.broker import Broker
from broker.actions.copy_log import copied_tree, copy_pieces, finish_copy
from broker.actions.publish_log import check_continues, read_signed
from broker.errors import CommandRefused
from broker.store.log import latest_checkpoint


def export_log(broker: Broker, folder: Path) -> tuple[int, int]:
    """Bring *folder* up to the latest checkpoint; return how many leaves were there, and how many are there now.

    The checkpoint is written last: at no moment does it speak of a tile that is not there. A folder that holds another
    log, or more of this one than the database, is left as it is.
    """
    with broker.database.reading() as tx:
        latest = latest_checkpoint(tx)
        if latest is None:
            raise CommandRefused("nothing was published yet")
        checkpoint, copied = read_signed(broker, latest.note), copied_tree(broker, folder)
        check_continues(tx, copied, checkpoint)
        copy_pieces(tx, folder, copied.size, checkpoint.size)
    finish_copy(broker, folder, copied.size, checkpoint.size, latest.note)
    return copied.size, checkpoint.size
