"""X, asked by id how accounts stand: the users endpoint in hundreds, or one job of batch compliance for all.

Both are asked as the application (app-only bearer). An answer that holds what was not asked, or speaks of one account
in two ways, is refused whole: nobody can tell which part of it is true. Nothing of its text goes further than here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus

from requests import RequestException, Response

from broker.core.addresses import read_address
from broker.core.identifiers import Grammar, fold_handle
from broker.core.reading import read_json_object
from broker.errors import BrokerError, RecheckFailed
from broker.platforms import LookUp, Sighting
from broker.platforms.client import MAX_ANSWER, Guarded

#: The users endpoint takes a hundred ids; a job's results must fit into one bounded answer, if a tenth are gone.
AT_ONCE, MOST = 100, 10_000
#: What X says of who has left and of whom it suspended. Any other problem is no word on the account.
_GONE = re.compile(r"https://api\.(?:x|twitter)\.com/2/problems/resource-not-found")
#: The reasons in a job's results that mean the same.
_GONE_REASONS = frozenset({"deleted", "deactivated", "suspended"})
_WAITING, _COMPLETE = frozenset({"created", "in_progress"}), "complete"
_JOB = re.compile(r"[0-9]{1,19}")
#: The limits that X counts: by the quarter of an hour, and by the day for some applications.
_LIMITS = ("x-rate-limit", "x-app-limit-24hour")
_WINDOW, _LONGEST = timedelta(minutes=15), timedelta(hours=25)


@dataclass(frozen=True, kw_only=True)
class XRecheck:
    """X's own word on accounts; ``token`` is the application's. Each setting is one of the platforms file."""

    token: str = field(repr=False)
    users_url: str
    compliance_url: str
    storage_url: str
    label: str
    grammar: Grammar
    loopback: bool
    at_once: int = AT_ONCE
    most: int = MOST

    def look_up(self, ids: Sequence[str], *, now: datetime) -> LookUp:
        """Ask the users endpoint: handle and protection of who is there, and who is not."""
        with self._talking():
            answer = self._ask("GET", self.users_url, params={"ids": ",".join(ids), "user.fields": "protected"})
            if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                return LookUp(sightings={}, resume_at=_resume_at(answer, now) or now + _WINDOW)
            found = _looked_up(_json(answer), frozenset(ids), self.grammar)
        return LookUp(sightings=found, resume_at=_resume_at(answer, now))

    def comply(self, ids: Sequence[str], *, wait: Callable[[], bool]) -> Mapping[str, Sighting] | None:
        """Create a job, upload the ids, wait for it, read who is in its results; of all others it says nothing."""
        with self._talking():
            job = self._job(self._ask("POST", self.compliance_url, json={"type": "users", "name": "consent-broker"}))
            lines = "".join(f"{id_}\n" for id_ in ids).encode()
            to = self._address(job, "upload_url")
            _good(self._send("PUT", to, data=lines, headers={"Content-Type": "text/plain"}))
            own = f"{self.compliance_url}/{job['id']}"
            while (job := self._job(self._ask("GET", own)))["status"] in _WAITING:
                if not wait():
                    return None
            if job["status"] != _COMPLETE:
                raise ValueError("the job did not come to its end")
            return _complied(_good(self._send("GET", self._address(job, "download_url"))).content, frozenset(ids))

    def _job(self, answer: Response) -> Mapping[str, object]:
        """A job as X describes it."""
        job = _table(_json(answer)["data"])
        if not _JOB.fullmatch(_text(job["id"])) or not isinstance(job["status"], str):
            raise ValueError("the job has no id, or no status")
        return job

    def _address(self, job: Mapping[str, object], name: str) -> str:
        """One of a job's addresses: on a host of the platforms file, since the ids of all accounts go there."""
        address = read_address(_text(job[name]), what=name, loopback=self.loopback)
        known = (read_address(it, what=it, loopback=self.loopback) for it in (self.compliance_url, self.storage_url))
        if address.origin not in {it.origin for it in known}:
            raise ValueError("an address on a host that the platforms file does not name")
        return address.text

    def _ask(self, method: str, address: str, **options: object) -> Response:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        return self._send(method, address, headers=headers, **options)

    def _send(self, method: str, address: str, **options: object) -> Response:
        """Send a request; one to an address that carries its own leave must not be handed the token as well."""
        with Guarded() as client:
            return client.request(method, address, **options)  # type: ignore[arg-type] # requests' own options

    @contextmanager
    def _talking(self) -> Iterator[None]:
        """Turn whatever goes wrong into one failure, which says nothing of what stood in the answer."""
        try:
            yield
        except _Refused as error:
            raise RecheckFailed(f"{self.label} {error}") from None
        except (RequestException, BrokerError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise RecheckFailed(f"{self.label} did not answer as it should ({type(error).__name__})") from None


class _Refused(Exception):
    """The answer is of a status that says what is wrong."""


_REFUSALS: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "does not accept the bearer_token of the platforms file",
    HTTPStatus.FORBIDDEN: "does not let this application ask how accounts stand",
    HTTPStatus.TOO_MANY_REQUESTS: "takes no more questions for now: its limit is reached",
}


def _good(answer: Response) -> Response:
    if answer.status_code != HTTPStatus.OK:
        said = _REFUSALS.get(answer.status_code, "did not answer as it should")
        raise _Refused(f"{said} (status {answer.status_code})")
    return answer


def _json(answer: Response) -> Mapping[str, object]:
    return read_json_object(_good(answer).content, max_bytes=MAX_ANSWER)


def _resume_at(answer: Response, now: datetime) -> datetime | None:
    """When the limits that are used up begin anew; None while there is room. A moment out of reason is a quarter."""
    used_up = [name for name in _LIMITS if answer.headers.get(f"{name}-remaining", "").strip() == "0"]
    return max((_reset(answer.headers.get(f"{name}-reset", ""), now) for name in used_up), default=None)


def _reset(stated: str, now: datetime) -> datetime:
    """A moment in seconds of Unix, as its headers state it."""
    seconds = int(stated) - now.timestamp() if re.fullmatch(r"[0-9]{1,12}", stated) else 0
    return now + (timedelta(seconds=seconds) if 0 < seconds <= _LONGEST.total_seconds() else _WINDOW)


def _looked_up(body: Mapping[str, object], asked: frozenset[str], grammar: Grammar) -> dict[str, Sighting]:
    """Who is there, by ``data``, and who is gone, by ``errors``."""
    there = [_there(_table(entry), grammar) for entry in _list(body.get("data", []))]
    problems = [_table(entry) for entry in _list(body.get("errors", []))]
    gone = {_gone(it) for it in problems if _GONE.fullmatch(_text(it.get("type", "")))}
    return _once([*there, *(Sighting(id=id_, gone=True) for id_ in sorted(gone))], asked)


def _gone(problem: Mapping[str, object]) -> str:
    """Who is gone: the account that was asked about, and nothing of it, such as a post."""
    value = _text(problem["value"])
    if problem.get("resource_id", value) != value or problem.get("resource_type", "user") != "user":
        raise ValueError("a problem of something else than the account that was asked about")
    return value


def _there(entry: Mapping[str, object], grammar: Grammar) -> Sighting:
    handle, protected = _text(entry["username"]), entry.get("protected")
    if not grammar.handle.fullmatch(handle) or not isinstance(protected, bool | None):
        raise ValueError("an account out of its own grammar")
    return Sighting(id=_text(entry["id"]), handle=handle, protected=protected)


def _complied(results: bytes, asked: frozenset[str]) -> dict[str, Sighting]:
    """One object a line, of those alone whom something happened to; there may be several of one account.

    Whoever is missing may be well, or the list of ids was lost on its way: an account that is gone or protected is
    brought back by the users endpoint alone.
    """
    found = {id_: Sighting(id=id_, gone=None) for id_ in asked}
    for line in filter(None, results.splitlines()):
        entry = read_json_object(line)
        sighting, reason = found[_text(entry["id"])], _text(entry["reason"])
        if reason in _GONE_REASONS:
            found[sighting.id] = replace(sighting, gone=True, protected=None)
        elif reason == "protected" and not sighting.gone:  # it might be gone as well, in another line
            found[sighting.id] = replace(sighting, protected=True)
    return found


def _once(sightings: Sequence[Sighting], asked: frozenset[str]) -> dict[str, Sighting]:
    found = {sighting.id: sighting for sighting in sightings}
    if len(found) != len(sightings) or not found.keys() <= asked:
        raise ValueError("an account twice, or one that was not asked about")
    handles = [fold_handle(sighting.handle) for sighting in sightings if sighting.handle is not None]
    if len(set(handles)) != len(handles):
        raise ValueError("one handle of two accounts")
    return found


def _table(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError("no object")
    return value


def _list(value: object) -> Sequence[object]:
    if not isinstance(value, list):
        raise TypeError("no list")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value
