"""The installed `broker` command, imported once and forked for each call: a call costs what it does, not its imports.

Run as a program it reads one call a line, a JSON list of arguments, and answers with status, output and errors.
`broker serve`, and the tests of the command itself, start the installed script.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import IO, NoReturn

PATIENCE_S = 120


class Clerk:
    """One process that takes calls, one after another; it ends with its pipe."""

    def __init__(self, *, home: Path, env: Mapping[str, str]) -> None:
        self._turn = Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__], cwd=home, env=dict(env), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def call(self, arguments: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
        """Run one command and return what it said."""
        with self._turn:
            asked, answers = self._process.stdin, self._process.stdout
            if asked is None or answers is None:
                raise AssertionError("the clerk has no pipes")
            asked.write(json.dumps(arguments) + "\n")
            asked.flush()
            status, said, complained = json.loads(answers.readline())
        return subprocess.CompletedProcess(arguments, status, said, complained)

    def stop(self) -> None:
        """End it."""
        self._process.communicate()


def serve() -> None:
    """Answer calls until there are no more; a child leaves this loop with the command's own status."""
    # Whoever only holds a clerk need not import the broker.
    from broker.cli import main  # noqa: PLC0415
    from broker.policies import load_screen  # noqa: PLC0415

    load_screen()
    for line in sys.stdin:
        with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as complained:
            child = os.fork()
            if child == 0:
                os.dup2(said.fileno(), sys.stdout.fileno())
                os.dup2(complained.fileno(), sys.stderr.fileno())
                _run(main, json.loads(line))
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            sys.stdout.write(json.dumps([status, _all_of(said), _all_of(complained)]) + "\n")
            sys.stdout.flush()


def _run(main: Callable[[Sequence[str]], int], arguments: Sequence[str]) -> NoReturn:
    """End this process with the command's status. The interpreter is not taken down: that takes longer than a call."""
    signal.alarm(PATIENCE_S)
    status: object = 1
    try:
        status = main(arguments)
    except SystemExit as end:
        status = end.code
    except BaseException:  # noqa: BLE001 - said as the interpreter says it
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else 1)


def _all_of(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


if __name__ == "__main__":
    serve()
