"""``broker match FILE``: a business's whole file, answered at the operator's machine."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from broker.app import open_to_serve
from broker.commands.opening import command
from broker.files.asking import FORMS
from broker.files.matching import LINES, Finished, Order, match_file
from broker.settings import read_settings

#: Some lines could not be read: each is answered by what is wrong with it, and the others as usual.
SOME_UNREAD = 4
_STOPPED = 130
_MOST_LINES, _MOST_WORKERS = 65_000, 32
_NOTES = """\
Each line is a question, answered and recorded as POST /v1/match would answer
it. Line for line, in order: line 7 of the answers answers line 7 of FILE.

CSV      the first line names the columns:
           platform  account_id or handle  kind  type  value
           purpose (or --purpose), name (for type `other` only)
         commas, UTF-8, no line breaks within a field; an empty cell is
         "not said"
         platform,account_id,kind,type,value,purpose
         x,2244994945,person,email,jane@example.com,customer-care
NDJSON   each line is an item of POST /v1/match/batch, with its purpose
Parquet  the same columns as CSV; needs pip install 'consent-broker[parquet]'

The answers lie beside FILE as NAME.answers.csv (.ndjson, .parquet); while it
works, as NAME.answers.csv.part and .resume. Nothing that is there is ever
written over.

It broke off, or you stopped it?  Run the same command again: it goes on
    behind the last whole chunk. A chunk whose record was made and whose
    answers were not written is asked again, and then on record twice.
Start over?  Delete the .part and the .resume file.
FILE is "-"?  Standard input to standard output (or --output), with --format.
    That cannot be resumed.

Status 0: every line was answered. 4: done, and some lines could not be read;
their answer is `error` and says why. 1: refused or failed; what is in the
.part file is answered, and the same command goes on. 130: stopped."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``broker match``."""
    match = command(commands, "match", _match, "answer a file of questions of one client", _NOTES)
    match.add_argument("file", type=Path, metavar="FILE", help="CSV, NDJSON or Parquet; - for standard input")
    match.add_argument(
        "--client", required=True, metavar="CLIENT_ID", help="who asks, as `broker clients list` prints it"
    )
    match.add_argument("--purpose", metavar="PURPOSE", help="what is asked for where a line does not say")
    match.add_argument("--output", type=Path, metavar="FILE", help="where the answers go (beside FILE)")
    match.add_argument("--format", choices=FORMS, help="what FILE is (its name says)")
    match.add_argument(
        "--workers", type=_number(_MOST_WORKERS), default=os.cpu_count() or 1, help="processes (one a core)"
    )
    match.add_argument(
        "--chunk",
        type=_number(_MOST_LINES),
        default=LINES,
        metavar="LINES",
        help="lines answered at one moment (%(default)s); fewer make people's pages slower",
    )
    match.add_argument("--quiet", action="store_true", help="say nothing of how far it is")


def _number(most: int) -> type[int]:
    class Number(int):
        def __new__(cls, text: str) -> int:  # type: ignore[misc] # argparse wants a callable with a name
            found = int(text)
            if not 1 <= found <= most:
                raise argparse.ArgumentTypeError(f"a number from 1 to {most}")
            return found

    return Number


def _match(asked: argparse.Namespace) -> int:
    order = Order(
        file=asked.file,
        client_id=asked.client,
        purpose=asked.purpose,
        output=asked.output,
        form=asked.format,
        workers=asked.workers,
        lines=asked.chunk,
    )
    # Under the role that serves: what a client asks is bound to its own rows here, too.
    ended = match_file(open_to_serve(read_settings()), order, show=None if asked.quiet else sys.stderr)
    if not asked.quiet or ended.reached.errors:
        _say(ended)
    if not ended.whole:
        return _STOPPED
    return SOME_UNREAD if ended.reached.errors else 0


def _say(ended: Finished) -> None:
    reached = ended.reached
    said = f"{reached.permits:,} permits, {reached.denials:,} denials, {reached.errors:,} errors"
    where = f": {ended.output}" if ended.output else ""
    print(f"broker: {said}{where}", file=sys.stderr)
    if not ended.whole:
        print("broker: stopped; run the same command again to go on", file=sys.stderr)
