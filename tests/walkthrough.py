"""A document that is run: files, commands, requests and what people do, each held to the answer that stands below it.

``…`` stands for whatever is there: within a line, for lines, for a value, or as a member for other members.
"""

import json
import os
import pty
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract import answered
from harness import wire
from harness.business import Business, new_key, person_email
from harness.person import Person
from harness.running import CHECKOUT, RunningBroker, console_script

ANY = "…"
_FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$|^> (.*?)$", re.MULTILINE | re.DOTALL)
_OBJECTS = re.compile(r"(\w+) opens `/consents`, proves \w+ account and presses \*(.+)\*\.")
_ALLOWS = re.compile(
    r"(\w+) follows the shop's link for `(\S+)`, proves \w+ account, ticks \*(.+)\* and presses \*(.+)\*\."
)
_SCOPES = {"contact": "contact", "re": "redistribute", "reports": "report"}


@dataclass(frozen=True)
class Step:
    """One thing that the document says: a file, a command with its output, a request with its answer, an act."""

    line: int
    kind: str
    name: str
    text: str


def steps(document: str, *, after: str = "") -> Iterator[Step]:
    """Yield the steps of a document, in order, from that heading on."""
    for found in _FENCE.finditer(document, document.index(after)):
        line = document.count("\n", 0, found.start()) + 1
        kind, name, text, act = found.groups()
        yield Step(line, "act", "", act) if act else Step(line, kind, name or "", text)


def mismatches(expected: object, found: object, where: str = "it") -> Iterator[str]:
    """Yield where a value is not what was expected of it."""
    if expected == ANY:
        return
    if isinstance(expected, dict) and isinstance(found, dict):
        named = expected.keys() - {ANY}
        if named - found.keys() or (ANY not in expected and found.keys() - named):
            yield f"{where} has {sorted(found)}"
        for name in named & found.keys():
            yield from mismatches(expected[name], found[name], f"{where}.{name}")
    elif isinstance(expected, str) and isinstance(found, str) and ANY in expected:
        yield from [] if re.fullmatch(_pattern(expected), found) else [f"{where} is {found!r}"]
    elif expected != found:
        yield f"{where} is {found!r}"


def reads_like(expected: str, found: str) -> bool:
    """Tell whether text is what was expected of it; a line of ``…`` alone stands for any lines."""
    lines = (r"(?:.*\n)*?" if line == ANY else rf"{_pattern(line)}\n" for line in expected.splitlines())
    return re.fullmatch("".join(lines), found) is not None


def _pattern(line: str) -> str:
    return ".*".join(map(re.escape, line.split(ANY)))


@dataclass
class Walk:
    """A walk through a document, at a broker of its own."""

    broker: RunningBroker
    meet: Callable[[], Person]
    api: Mapping[str, Any]
    key: Any = field(default_factory=new_key)
    people: dict[str, Person] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    files: dict[str, dict[str, object]] = field(default_factory=dict)

    def take(self, step: Step) -> list[str]:
        """Take one step, and return what did not turn out as it says."""
        run: Mapping[str, Callable[[Step], list[str]]] = {
            "json": self._file, "console": self._commands, "http": self._request, "act": self._act,
        }  # fmt: skip
        return [f"line {step.line}: {fault}" for fault in run[step.kind](step)] if step.kind in run else []

    def _file(self, step: Step) -> list[str]:
        """Keep a client file; its key is the test's own."""
        written = json.loads(step.text)
        base = self.files["shop.json"] if written.pop(ANY, None) else {}
        public = {"jwks": {"keys": [self.key.as_dict(private=False)]}}
        self.files[step.name] = {**base, **written, **public}
        (self.broker.home / step.name).write_text(json.dumps(self.files[step.name]))
        return []

    def _commands(self, step: Step) -> list[str]:
        """Run what stands after each ``$``, and hold its output to the lines that follow."""
        faults = []
        for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", step.text, re.MULTILINE):
            found = self._typed(self._named(command), self._answer_to(expected))
            self._remember(command, found)
            if not reads_like(expected, found):
                faults.append(f"$ {command}\n{found}")
        return faults

    def _answer_to(self, expected: str) -> str:
        """What is typed at the question, where the command asks one."""
        asked = re.search(r"again to count it: (.*)$", expected, re.MULTILINE)
        return f"{asked[1]}\n" if asked else ""

    def _typed(self, command: str, answer: str) -> str:
        """Run a command at a terminal, and return what stands there afterwards."""
        shipped = CHECKOUT / "broker" / "policies" / "x-developer-terms.toml"
        (self.broker.home / shipped.name).write_bytes(shipped.read_bytes())
        path = f"{Path(console_script()).parent}:{os.environ['PATH']}"
        keyboard, screen = pty.openpty()
        os.write(keyboard, answer.encode())
        with subprocess.Popen(
            ["bash", "-c", command], cwd=self.broker.home, env={**self.broker.env, "PATH": path},
            stdin=screen, stdout=screen, stderr=screen,
        ):  # fmt: skip
            os.close(screen)
            shown = b"".join(_read(keyboard)).decode().replace("\r\n", "\n")
        os.close(keyboard)
        return shown.removeprefix(answer).replace("count it: ", f"count it: {answer}")

    def _remember(self, command: str, found: str) -> None:
        """Give the client that was registered from ``shop.json`` the name ``SHOP_ID``."""
        file, printed = re.search(r"register (\w+)\.json", command), re.search(r'"client_id": "(\w+)"', found)
        if file and printed:
            self.names[f"{file[1].upper()}_ID"] = printed[1]

    def _named(self, text: str) -> str:
        """Put ids in for their names; a person is met when they are first named."""
        for name in re.findall(r"\b([A-Z]+)_ID\b", text):
            if f"{name}_ID" not in self.names:
                self.names[f"{name}_ID"] = self._person(name.title()).account.id
            text = text.replace(f"{name}_ID", self.names[f"{name}_ID"])
        return text

    def _person(self, name: str) -> Person:
        if name not in self.people:
            self.people[name] = self.meet()
        return self.people[name]

    @property
    def _business(self) -> Business:
        """The shop of the document."""
        (callback,) = self.files["shop.json"]["redirect_uris"]  # type: ignore[misc] # a list of one
        return Business(issuer=self.broker.issuer, client_id=self.names["SHOP_ID"], key=self.key, redirect_uri=callback)

    def _request(self, step: Step) -> list[str]:
        """Send a request, and hold its answer to the one below it and to the published description."""
        head, body, status, expected = _exchange(step.text)
        method, path = head[0].split()
        headers = dict(line.split(": ", 1) for line in head[1:])
        if path.startswith(("/v1/", "/access/")):
            word = path.split("/")[2]
            scope = next((scope for begin, scope in _SCOPES.items() if word.startswith(begin)), "match")
            scope = "report" if word == "reports" else scope
            headers |= wire.bearer(self._business.client_token(scope))
        sent = json.loads(self._named(body)) if body else None
        answer = wire.call(method, f"{self.broker.issuer}{path}", json=sent, headers=headers)
        found = answer.json()
        if path == "/v1/recipients" and answer.status_code == 201:
            self.names["RECIPIENT_ID"] = found["id"]
        wrong = [] if answer.status_code == status else [f"the status is {answer.status_code}: {found}"]
        return [*wrong, *mismatches(expected, found), *answered(self.api, method, _template(path), status, found)]

    def _act(self, step: Step) -> list[str]:
        """Let a person do something on the broker's pages."""
        if objecting := _OBJECTS.fullmatch(step.text):
            return self._presses(self._person(objecting[1]), objecting[2])
        if allowing := _ALLOWS.fullmatch(step.text):
            return self._allows(self._person(allowing[1]), *allowing.groups()[1:])
        return ["nobody here knows how to do that"]

    def _presses(self, person: Person, button: str) -> list[str]:
        page = person.signs_in()
        (form, *_) = [
            form
            for form in page.reading.forms
            if form.action.endswith("/consents/object") and not form.named("client_id")
        ]
        after = person.browser.submit(form, button=("choice", "object"))
        return [] if button in page.words and button not in after.words else [f"there is no {button}"]

    def _allows(self, person: Person, email: str, purpose: str, button: str) -> list[str]:
        details = self._business.details(identifier=person_email(email), purposes=["contact"])
        asked = self._business.par(details=details)
        notice = person.to_notice(self._business, asked)
        person.allow(notice, ["contact"])
        return [f"there is no {word}" for word in (purpose, button) if word not in notice.words]


def _read(terminal: int) -> Iterator[bytes]:
    """Yield what is shown until the program has ended; Linux says so with an error."""
    with suppress(OSError):
        while shown := os.read(terminal, 65536):
            yield shown


def _exchange(text: str) -> tuple[list[str], str, int, object]:
    """Return the lines of a request's head, its body, and the status and body of its answer."""
    asked, _, told = text.partition("\nHTTP/1.1 ")
    head, _, body = asked.partition("\n\n")
    status, _, answer = told.partition("\n")
    return head.strip().splitlines(), body.strip(), int(status.split()[0]), json.loads(answer)


def _template(path: str) -> str:
    """Return the path as the OpenAPI description writes it."""
    plain = path.partition("?")[0]
    plain = re.sub(r"^/v1/reports/\w+", "/v1/reports/{kind}", plain)
    return re.sub(r"^/policies/[\w-]+", "/policies/{policy_id}", plain)
