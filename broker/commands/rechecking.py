"""``broker recheck``: ask the platforms how the accounts stand that something could still match."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from time import sleep

from broker.actions.broker import Broker
from broker.actions.recheck_accounts import Orders, Rechecked, recheck_accounts, recheck_compliance
from broker.commands.opening import command, opened
from broker.errors import CommandRefused
from broker.platforms import Platform
from broker.proof.receipt import timestamp

_LIMIT, _WAIT = 100_000, 900
#: Seconds between two looks at a job: each look counts against a limit of the platform's.
_FIRST_PAUSE, _LONGEST_PAUSE = 2, 30
_RECHECK = """\
Accounts with a live consent, or with an association without consent, are
asked about by their permanent ids: those never asked about first, then those
asked longest ago. Run it by a timer; a run that was stopped, by the platform's
limit too, is gone on with by the next one.

renamed    the handle leads to the account from now on; the old one to nobody
gone       deactivated, suspended or deleted: its consents sleep
back       they count again
protected  public data is no ground any more, until it is "unprotected"
overtaken  the person signed in meanwhile, which is newer
unanswered the platform did not say; nothing was changed

Businesses with a live consent get the event handle-changed where an account
was renamed, went or came back. Nothing here shows whose account it was.

A platform needs bearer_token in the platforms file. OpenID providers cannot be
asked at all."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``broker recheck``."""
    recheck = command(
        commands, "recheck", _recheck, "ask the platforms which accounts were renamed, are gone or protected", _RECHECK
    )
    recheck.add_argument("--platform", metavar="NAME", help="this one only (every one that can be asked)")
    recheck.add_argument("--limit", type=_number, default=_LIMIT, metavar="N", help="accounts at most (%(default)s)")
    recheck.add_argument("--dry-run", action="store_true", help="ask, say what would change, and change nothing")
    recheck.add_argument("--json", action="store_true", help="say it as JSON")
    recheck.add_argument(
        "--many",
        action="store_true",
        help="believe that more than a fifth of the accounts are gone by one answer, or a tenth by a run",
    )
    recheck.add_argument(
        "--compliance", action="store_true", help="by a job of batch compliance: who is gone or protected, no handles"
    )
    recheck.add_argument(
        "--wait", type=_number, default=_WAIT, metavar="SECONDS", help="for a job, at most (%(default)s)"
    )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) <= _LIMIT:
        raise argparse.ArgumentTypeError(f"give a whole number from 1 to {_LIMIT}")
    return int(text)


def _recheck(asked: argparse.Namespace) -> int:
    _settings, broker = opened()
    named = [broker.platform(asked.platform)] if asked.platform else list(broker.platforms.values())
    refused = _refusals(named)
    if len(refused) == len(named):
        raise CommandRefused("; ".join(refused.values()))
    orders = Orders(limit=asked.limit, dry_run=asked.dry_run, many=asked.many)
    said: dict[str, Rechecked] = {}
    try:
        for platform in named:
            if platform.name not in refused:
                done = said[platform.name] = Rechecked()
                _ask(broker, platform, orders, done, asked)
    finally:  # what was written down before a failure stands
        (_say_as_json if asked.json else _say)(said, refused, dry_run=asked.dry_run)
    return 0


def _refusals(platforms: Sequence[Platform]) -> Mapping[str, str]:
    """Why platforms cannot be asked, by name."""
    found = {}
    for platform in platforms:
        try:
            platform.recheck()
        except CommandRefused as refusal:
            found[platform.name] = refusal.detail
    return found


def _ask(broker: Broker, platform: Platform, orders: Orders, done: Rechecked, asked: argparse.Namespace) -> None:
    if asked.compliance:
        recheck_compliance(broker, platform, orders, done, wait=_Patience(asked.wait))
    else:
        recheck_accounts(broker, platform, orders, done)


class _Patience:
    """Wait a little longer each time, and no longer in all than *seconds*."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._pause: float = _FIRST_PAUSE

    def __call__(self) -> bool:
        """Wait once; False when there is no patience left."""
        pause = min(self._pause, self._left)
        sleep(pause)
        self._left, self._pause = self._left - pause, min(2 * self._pause, _LONGEST_PAUSE)
        return pause > 0


def _say(said: Mapping[str, Rechecked], refused: Mapping[str, str], *, dry_run: bool) -> None:
    for name, reason in refused.items():
        print(f"{name}: not asked: {reason}")
    for name, done in said.items():
        seen = ", ".join(f"{count} {word}" for word, count in sorted(done.counts.items()))
        print(f"{name}: {done.asked} asked about{': ' if seen else ''}{seen}")
        if done.resume_at is not None:
            resume = timestamp(done.resume_at)
            print(f"{name}: the platform's limit is reached with {done.left} left; go on after {resume}")
        if done.unready:
            print(f"{name}: the job was not ready in time with {done.left} left; run it again")
    if dry_run:
        print("this was a dry run: nothing was changed")


def _say_as_json(said: Mapping[str, Rechecked], refused: Mapping[str, str], *, dry_run: bool) -> None:
    asked = {
        name: {
            "asked": done.asked,
            "left": done.left,
            "counts": dict(sorted(done.counts.items())),
            "resume_at": timestamp(done.resume_at) if done.resume_at else None,
            "ready": not done.unready,
        }
        for name, done in said.items()
    }
    print(json.dumps({"dry_run": dry_run, "platforms": asked, "refused": refused}, indent=2))
