"""``broker keys``: list them, rotate them, say that one is in other hands, destroy an old storage key."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from broker.app import now
from broker.commands.epochs import destroy, rotate_master
from broker.commands.opening import command, group, looked_at, opened, operator, reason
from broker.custody import open_folder
from broker.errors import CommandRefused
from broker.proof.manifest import BLINDING, SIGNING_USES, STORAGE, KeyEntry, Manifest, Revocation, State
from broker.proof.rotation import compromise, rotate
from broker.settings import read_settings
from broker.store.log import size_published

_MASTER = "master"
_WHAT_THEY_ARE = """\
receipts   signs receipts, statements and all other evidence
tokens     signs access tokens
log        signs the log's checkpoints (Ed25519)
log_pq     cosigns them (ML-DSA-44)
storage    seals what is shown again; rotated with the master key
blinding   makes the digests by which people are found: never rotated,
           under another key nobody would be found again"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``broker keys ...``."""
    keys = group(commands, "keys", "list, rotate, revoke and destroy the broker's keys")
    command(keys, "list", _list, "print each key: use, number, state, since when, name", _WHAT_THEY_ARE)
    rotating = command(
        keys,
        "rotate",
        _rotate,
        "let the next keys sign, which are published already, and make further ones",
        _WHAT_THEY_ARE,
    )
    rotating.add_argument(
        "use", nargs="?", metavar="USE", help="receipts, tokens, log, log_pq or master (all that sign)"
    )
    rotating.add_argument("--now", action="store_true", help="do not wait until readers know the next key")
    marking = command(keys, "compromised", _compromised, "say that a signing key is in other hands")
    marking.add_argument("use", choices=SIGNING_USES, help="what it signs")
    marking.add_argument("key", metavar="KEY", help="its name or number, as `broker keys list` prints them")
    marking.add_argument("--at", type=_moment, metavar="TIME", help="since when, such as 2026-11-23T12:00:00Z (now)")
    marking.add_argument("--why", type=reason, required=True, metavar="TEXT", help="in one line; it is written down")
    destroying = command(
        keys, "destroy", destroy, "destroy a retired storage key, once no backup of its time is kept any more"
    )
    destroying.add_argument("epoch", type=int, metavar="EPOCH", help="its number, as `broker keys list` prints it")


def _list(_asked: argparse.Namespace) -> int:
    for entry in open_folder(read_settings()).manifest().entries:
        print(f"{entry.use:<9} {entry.number:>3}  {entry.state:<11}  {_since(entry)}  {entry.kid}{_remark(entry)}")
    return 0


def _since(entry: KeyEntry) -> str:
    return f"{entry.since[entry.state]:%Y-%m-%d %H:%M:%S}"


def _remark(entry: KeyEntry) -> str:
    if entry.revoked:
        since, size = f"{entry.revoked.at:%Y-%m-%d %H:%M:%S}", entry.revoked.log_size
        return f"\n    in other hands since {since}, when the log had {size} leaves: {entry.revoked.why}"
    if entry.use == BLINDING:
        return "  cannot be rotated"
    return f"  under master key {entry.master}" if entry.use == STORAGE and entry.has_file else ""


def _rotate(asked: argparse.Namespace) -> int:
    if asked.use == _MASTER:
        return rotate_master(*opened())
    uses = SIGNING_USES if asked.use is None else (asked.use,)
    manifest = rotate(open_folder(read_settings()), uses, now=now(), at_once=asked.now)
    _say_who_signs(manifest, uses)
    if asked.now:
        print("Until their copies of the key set end, within the hour, some readers know no key for what is signed.")
    return 0


def _say_who_signs(manifest: Manifest, uses: Sequence[str]) -> None:
    for use in uses:
        active, following = manifest.one(use, State.ACTIVE), manifest.one(use, State.NEXT)
        print(f"{use}: {active.kid} signs; {following.kid} is next, and published")


def _compromised(asked: argparse.Namespace) -> int:
    settings, broker = looked_at()
    moment = now()
    since: datetime = asked.at or moment
    if since > moment:
        raise CommandRefused("--at lies in the future; say since when the key is in other hands, or nothing for now")
    with broker.database.reading() as tx:
        size = size_published(tx, since, key=broker.database.row_key)
    revocation = Revocation(at=since, log_size=size, why=asked.why, by=operator())
    manifest = compromise(open_folder(settings), asked.use, asked.key, revocation=revocation, now=moment)
    print(f"{asked.use}: {asked.key} is marked as being in other hands since {since:%Y-%m-%d %H:%M:%S} UTC")
    print(_CONSEQUENCES[asked.use](revocation))
    _say_who_signs(manifest, [asked.use])
    return 0


_CONSEQUENCES: dict[str, Callable[[Revocation], str]] = {
    "receipts": lambda revocation: (
        f"What it signed holds only as a bundle whose leaf is one of the first {revocation.log_size} of the log."
    ),
    "tokens": lambda _revocation: "Every access token that it signed is refused from now on.",
    **dict.fromkeys(
        ("log", "log_pq"),
        lambda _revocation: (
            "It is left out of /log/vkeys: checkpoints that it signed hold by the other key's signature."
        ),
    ),
}


def _moment(text: str) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("a time is written like 2026-11-23T12:00:00Z") from error
    if read.tzinfo is None:
        raise argparse.ArgumentTypeError("say in which zone: Z for UTC, or an offset such as +01:00")
    return read.astimezone(UTC)
