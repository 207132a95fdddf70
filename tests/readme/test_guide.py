"""What docs/guide.md tells a shop's developer: typed into one terminal, written to files, and done in a browser."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path

import pytest
from harness.chromium import PATIENCE_MS
from harness.programs import free_port
from harness.running import surroundings
from playwright.sync_api import Browser, Page, expect
from walkthrough import Step, reads_like, steps

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "guide.md").read_text()
HOME = "var/guide"
PORTS = ("8000", "8200", "5000")
PATIENCE = 60
_TYPED = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
_DONE = "that was typed"


class Terminal:
    """One shell from beginning to end; a command that fails ends it."""

    def __init__(self) -> None:
        # A proxy is for other machines; what the guide starts is on this one.
        alone = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        self._shell = subprocess.Popen(
            ["bash", "-e"], cwd=ROOT, env={**surroundings(), **alone},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def type(self, text: str) -> str:
        """Type lines, and return what is shown until they are done."""
        if self._shell.stdin is None or self._shell.stdout is None:
            raise AssertionError("the terminal has no pipes")
        self._shell.stdin.write(f"{text.rstrip()}\necho '{_DONE}'\n".encode())
        self._shell.stdin.flush()
        shown, deadline = b"", time.monotonic() + PATIENCE
        while not shown.endswith(f"{_DONE}\n".encode()):
            ready, _, _ = select.select([self._shell.stdout], [], [], max(0.0, deadline - time.monotonic()))
            more = os.read(self._shell.stdout.fileno(), 65536) if ready else b""
            if not more:
                raise AssertionError(f"typed:\n{text}\nshown:\n{shown.decode(errors='replace')}")
            shown += more
        return shown.decode().removesuffix(f"{_DONE}\n")

    def close(self) -> None:
        """End the shell and what it has started, which is in its group, and wait for all of it."""
        with suppress(ProcessLookupError):
            os.killpg(self._shell.pid, signal.SIGTERM)
        with self._shell:
            if self._shell.stdout is not None:
                self._shell.stdout.read()


class Reader:
    """Somebody who does what the guide says."""

    def __init__(self, terminal: Terminal, page: Page, home: Path) -> None:
        self._terminal, self._page, self._home = terminal, page, home
        self._hands: Mapping[str, Callable[[str], object]] = {
            "open": page.goto,
            "press": lambda name: page.get_by_role("button", name=name).first.click(),
            "choose": lambda name: page.get_by_role("radio", name=re.compile(rf"{name}\b")).check(),
            "tick": lambda name: page.get_by_role("checkbox", name=name).check(),
            "read": lambda text: expect(page.get_by_text(text).first).to_be_visible(),
        }

    def take(self, step: Step) -> None:
        """Take one step."""
        if step.kind == "act":
            self._act(step.text)
        elif step.name:
            (self._home / step.name).write_text(step.text)
        elif step.kind == "sh":
            self._terminal.type(step.text)
        elif step.kind == "console":
            self._compare(step.text)
        else:
            assert "html" == step.kind, f"line {step.line}: nobody here knows how to do that"

    def _compare(self, text: str) -> None:
        for command, expected in _TYPED.findall(text):
            found = self._terminal.type(command)
            assert reads_like(expected, found), f"$ {command}\n{found}"

    def _act(self, sentence: str) -> None:
        said = re.findall(r"([Oo]pen|[Pp]ress|[Cc]hoose|[Tt]ick|[Rr]ead) (?:\*(.+?)\*|(http\S+))", sentence)
        assert said, sentence
        for verb, name, address in said:
            self._hands[verb.lower()](name or address)


@pytest.fixture
def guide(tmp_path: Path) -> str:
    """Give the guide, with a folder and ports that nobody else has."""
    text = GUIDE.replace(HOME, str(tmp_path))
    for port in PORTS:
        text = re.sub(rf"\b{port}\b", str(free_port()), text)
    return text


@pytest.fixture
def reader(tmp_path: Path, chromium: Browser) -> Iterator[Reader]:
    """Give somebody with a terminal and a browser."""
    with closing(Terminal()) as terminal, chromium.new_context(locale="en-GB") as context:
        context.set_default_timeout(PATIENCE_MS)
        yield Reader(terminal, context.new_page(), tmp_path)


def test_ten_minutes_lead_from_nothing_to_a_linked_handle_and_an_event(guide: str, reader: Reader) -> None:
    for step in steps(guide):
        reader.take(step)
