"""``broker erase``: a person who writes a letter is erased by the same verb as one who signs in."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from broker.actions.broker import Broker
from broker.actions.erase_person import Order, erase_person
from broker.actions.file_tapes import file_tapes
from broker.actions.find_traces import Traces, traces_of_account, traces_of_handle
from broker.commands.naming import add_account, read_account
from broker.commands.opening import command, opened, operator, reason
from broker.core.identifiers import PlatformAccount
from broker.errors import CommandRefused
from broker.proof.erasure import OPERATOR
from broker.store.transaction import Transaction

_ERASE = """\
Make sure that the letter is from whoever has the account: nobody can undo it.
What stands is withdrawn, businesses are told, and everything that is known of
the account is destroyed, in every environment. The certificate is printed: it
names the account, is kept nowhere, and is the answer to the letter. The reason
stays here and must name neither account nor handle; a file number is best.
A handle stands for the account that was proved under it last and bears it
still; the permanent id is surer.

  broker erase --account x:2244994945 --why "letter 2026-17" --out answer.sd-jwt"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``broker erase``."""
    erase = command(commands, "erase", _erase, "erase everything about a person, for good", _ERASE)
    add_account(erase)
    erase.add_argument("--why", required=True, type=reason, metavar="TEXT", help="on whose wish; it stays here")
    erase.add_argument("--object", action="store_true", help="they go on refusing all matching: digests stay for that")
    erase.add_argument("--out", type=Path, metavar="FILE", help="write the certificate there, a new file for you alone")


def _erase(asked: argparse.Namespace) -> int:
    _settings, broker = opened()
    file_tapes(broker, at_once=True)
    order = Order(erasure_id=broker.new_id(), by=OPERATOR, who=operator(), why=asked.why, objects=asked.object)
    # Opened first: there is no second copy to be had once the person is gone.
    with _opened(asked.out) as out:
        with broker.database.transaction() as tx:
            traces = _traces(tx, broker, asked.account)
            if traces.spoken_of(asked.why):
                raise CommandRefused("the reason stays here: it must name neither the account nor its handle")
            certificate = erase_person(tx, broker, traces, order)
        print(certificate, file=out, flush=True)
    broker.database.scrub()
    return 0


@contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
    """A new file that is taken away when nothing comes of it; the terminal where none is named."""
    if path is None:
        yield sys.stdout
        return
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        try:
            yield file
        except BaseException:
            if not file.tell():
                path.unlink()
            raise


def _traces(tx: Transaction, broker: Broker, named: str) -> Traces:
    account = read_account(broker, named)
    if account.handle is not None:
        return traces_of_handle(tx, broker, account.platform, account.handle)
    return traces_of_account(tx, broker, PlatformAccount(platform=account.platform, id=account.account_id or ""))
