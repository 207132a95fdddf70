"""A business's receiver of events: a process of its own, which a test starts, kills and starts again."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from harness.programs import Program, free_port

PROGRAM = Path(__file__).with_name("receiving.py")


class RunningReceiver:
    """The receiver of one client; ``got`` is what it has on disk, in the order in which it came."""

    def __init__(self, home: Path, *, issuer: str, audience: str, jwks: str | None = None, moody: bool = False) -> None:
        self._home, self._starts, self._moody = home, 0, moody
        self._file, self.port = home / "events.jsonl", free_port()
        self._file.touch()
        self.url = f"http://127.0.0.1:{self.port}/events"
        self._asked = ["--port", str(self.port), "--issuer", issuer, "--audience", audience, "--file", str(self._file),
                       "--jwks", jwks or f"{issuer}/.well-known/jwks.json"]  # fmt: skip
        self._program: Program | None = None
        self.start()

    def start(self) -> None:
        """Let it listen again."""
        self._starts += 1
        moods = ["--moody", "--seed", str(self._starts)] if self._moody else []
        command = [sys.executable, str(PROGRAM), *self._asked, *moods]
        self._program = Program(command, log=self._home / "receiver.log")
        self._program.until(self._program.answers(self.url))

    def kill(self) -> None:
        """End it without a word, whatever it is doing."""
        if self._program is not None:
            self._program.process.kill()
            self._program.process.wait()

    def behaves(self) -> None:
        """Let it be in a good mood from its next start on."""
        self._moody = False

    def got(self) -> list[dict[str, Any]]:
        """Every SET that it has, with the moment and what came with it. A line that a kill cut in two never counted."""
        whole = [line for line in self._file.read_text().split("\n")[:-1] if line.endswith("}")]
        return [json.loads(line) for line in whole]

    def events(self) -> list[str]:
        """The ids of what it has, once each, in the order in which they came first."""
        return list(dict.fromkeys(each["claims"]["jti"] for each in self.got()))

    def kinds(self) -> list[str]:
        """The last words of their types."""
        return [next(iter(each["claims"]["events"])).rpartition("/")[2] for each in self.got()]
