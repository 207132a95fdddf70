"""How a command names an account: by its permanent id, or by a handle."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from broker.actions.broker import Broker
from broker.core.identifiers import read_handle
from broker.errors import CommandRefused


@dataclass(frozen=True, kw_only=True)
class NamedAccount:
    """An account as it was typed: ``account_id`` or ``handle``, never both."""

    platform: str
    account_id: str | None = None
    handle: str | None = None


def add_account(parser: argparse.ArgumentParser) -> None:
    """Let a command ask for an account."""
    parser.add_argument(
        "--account", required=True, metavar="PLATFORM:ID|@HANDLE", help="whose, such as x:2244994945 or x:@handle"
    )


def read_account(broker: Broker, text: str) -> NamedAccount:
    """Read ``x:2244994945`` or ``x:@handle``, or raise a :class:`BrokerError` that says what would be right."""
    name, _, account = text.partition(":")
    grammar = broker.platform(name).grammar
    if account.startswith("@"):
        return NamedAccount(platform=name, handle=read_handle(account, grammar))
    if not grammar.id.fullmatch(account):
        raise CommandRefused(f"--account must be {name}:ID or {name}:@HANDLE, such as x:2244994945")
    return NamedAccount(platform=name, account_id=account)
