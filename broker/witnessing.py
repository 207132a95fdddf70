"""Witnesses: others who cosign each checkpoint once they have seen that it continues the one before.

None of them can hold the log up. All are asked at once and have little time; one that is down, slow or hostile is left
out of this checkpoint, and is asked again later and later. What one says is believed only under its own key.
"""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from threading import Thread
from time import monotonic

import requests

from broker import __version__
from broker.actions.publish_log import Prove
from broker.core.addresses import read_address
from broker.errors import BadConfiguration, MalformedRequest
from broker.proof.checkpoint import MlDsaVerifier, WitnessVerifier, parse_checkpoint, read_vkey
from broker.proof.note import Note, NoteFailed, SignatureLine, Verifier
from broker.proof.witness import origin_hash, read_cosignature, read_size, submission

#: Seconds that all of them have for a checkpoint. Two of these and two looks stay under the five a leaf may wait.
BUDGET = 1.5
#: Seconds without a byte, seconds in all, and bytes, after which an answer is none.
_TIMEOUT, _DEADLINE = 1.5, 5.0
_MAX_ANSWER = 64 * 1024
#: Seconds until one that failed is asked again: this, doubled each time it fails again, up to that.
_REST, _LONGEST_REST = 5.0, 300.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Witness:
    """One witness: how the operator calls it, where it listens and is watched, and the key that it cosigns with."""

    name: str
    url: str
    monitoring: str
    verifier: Verifier


class Failed(Exception):
    """A witness did not cosign; the text says why."""


def load_witnesses(file: Path | None, *, loopback: bool) -> list[Witness]:
    """Read the witnesses file, or raise :class:`BadConfiguration`; without one there are none."""
    if file is None:
        return []
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
        return [_witness(name, table, loopback=loopback) for name, table in tables.items()]
    except OSError as error:
        raise BadConfiguration(f"{file}: cannot be read ({error.strerror})") from error
    except (ValueError, MalformedRequest) as error:
        raise BadConfiguration(f"{file}: {error}") from error


def _witness(name: str, table: object, *, loopback: bool) -> Witness:
    if not isinstance(table, Mapping) or not {"url", "vkey"} <= table.keys() <= {"url", "vkey", "monitoring"}:
        raise ValueError(f"[{name}] must hold url and vkey, may hold monitoring, and nothing else")
    verifier = read_vkey(str(table["vkey"]))
    if not isinstance(verifier, WitnessVerifier | MlDsaVerifier):
        raise ValueError(f"[{name}] vkey must be a key for cosignatures, of type 0x04 or 0x06")  # noqa: TRY004 - of the file
    places = [str(table[member]) for member in ("url", "monitoring") if member in table]
    url, *monitoring = [read_address(it, what=f"[{name}]", loopback=loopback).text.rstrip("/") for it in places]
    return Witness(name=name, url=url, monitoring=monitoring[0] if monitoring else url, verifier=verifier)


class Witnesses:
    """Everybody who is asked to cosign."""

    def __init__(self, witnesses: list[Witness]) -> None:
        self._asked = [_Asked(witness) for witness in witnesses]

    def __call__(self, note: Note, prove: Prove) -> list[SignatureLine]:
        """The cosignatures that came in time, and hold."""
        ends = monotonic() + BUDGET
        calls = [asked.begin(note, prove) for asked in self._asked if asked.is_due()]
        for call in calls:
            call.thread.join(max(0.0, ends - monotonic()))
        return [line for call in calls if (line := call.end()) is not None]


@dataclass
class _Asked:
    """One witness, and how it has behaved."""

    witness: Witness
    size: int = 0
    _http: requests.Session = field(default_factory=lambda: _session())  # noqa: PLW0108 - it is further down
    _call: _Call | None = None
    _failures: int = 0
    _rests_until: float = 0.0
    _trouble: str | None = None

    def is_due(self) -> bool:
        """Whether it may be asked: it is not still busy with an earlier checkpoint, nor resting."""
        return monotonic() >= self._rests_until and not (self._call and self._call.thread.is_alive())

    def begin(self, note: Note, prove: Prove) -> _Call:
        """Ask, in a thread of its own: what a hostile answer takes, it takes from nobody."""
        self._call = _Call(self, note, prove)
        self._call.thread.start()
        return self._call

    def note_down(self, trouble: str | None) -> None:
        """Remember whether it cosigned; say so when that is news."""
        self._failures = self._failures + 1 if trouble else 0
        if trouble:
            self._rests_until = monotonic() + min(_REST * 2 ** (self._failures - 1), _LONGEST_REST)
        if trouble and trouble != self._trouble:
            log.error("witness %s did not cosign: %s", self.witness.name, trouble)
        elif self._trouble and not trouble:
            log.warning("witness %s cosigns again", self.witness.name)
        self._trouble = trouble

    def cosign(self, note: Note, prove: Prove) -> SignatureLine:
        """Ask once, or a second time from where the witness says that it stands."""
        size = parse_checkpoint(note.text).size
        for _ in range(2):
            body = submission(self.size, prove(self.size), note)
            status, answer = _call(self._http, "POST", f"{self.witness.url}/add-checkpoint", body)
            if status != requests.codes.conflict:
                break
            self.size = _stands(read_size(answer), self.size, size)
        if status != requests.codes.ok:
            raise Failed(_REFUSALS.get(status, f"it answered {status}"))
        line = read_cosignature(answer, note, self.witness.verifier)
        self.size = size
        return line


def _stands(says: int, asked: int, size: int) -> int:
    """Where a witness says that it stands, or :class:`Failed` where the log cannot lead on from there."""
    if says > size:
        raise Failed(f"it says that it cosigned {says} leaves of this log, which has {size}: see docs/log.md")
    if says == asked == size:  # the size is right, so it is the root that is not
        raise Failed(f"it says that it cosigned another tree of {size} leaves (409): see docs/log.md")
    return says


class _Call:
    """One checkpoint on its way to one witness."""

    def __init__(self, asked: _Asked, note: Note, prove: Prove) -> None:
        self._asked = asked
        self._line: SignatureLine | None = None
        self._trouble: str | None = "it does not answer in time"
        self.thread = Thread(target=self._run, args=(note, prove), daemon=True)

    def _run(self, note: Note, prove: Prove) -> None:
        try:
            self._line = self._asked.cosign(note, prove)
            self._trouble = None
        except (Failed, NoteFailed) as error:
            self._trouble = str(error)
        except Exception as error:  # noqa: BLE001 - whatever a hostile answer makes of a library, it is an answer less
            self._trouble = f"it cannot be reached, or not be read ({type(error).__name__})"

    def end(self) -> SignatureLine | None:
        """The cosignature, when it is there by now."""
        line = self._line
        self._asked.note_down(None if line is not None else self._trouble)
        return line


def latest_of(witness: Witness, origin: str) -> str | None:
    """The checkpoint that a witness cosigned last, as it serves it; None when it knows none, or cannot be asked."""
    try:
        with _session() as http:
            status, body = _call(http, "GET", f"{witness.monitoring}/{origin_hash(origin)}/checkpoint")
        return body.decode() if status == requests.codes.ok else None
    except Exception as error:  # noqa: BLE001 - as above
        log.error("witness %s cannot be asked (%s)", witness.name, type(error).__name__)  # noqa: TRY400 - no trace of a library
        return None


def _session() -> requests.Session:
    http = requests.Session()
    http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    http.headers.update({"User-Agent": f"consent-broker/{__version__}", "Accept-Encoding": "identity"})
    return http


def _call(http: requests.Session, method: str, url: str, body: bytes | None = None) -> tuple[int, bytes]:
    """One request within bounds; no redirect is followed."""
    ends, content = monotonic() + _DEADLINE, b""
    with http.request(method, url, data=body, timeout=_TIMEOUT, stream=True, allow_redirects=False) as answer:
        while chunk := answer.raw.read1(_MAX_ANSWER):
            content += chunk
            if len(content) > _MAX_ANSWER or monotonic() > ends:
                raise Failed("its answer is too long, or takes too long")
        return answer.status_code, content


_REFUSALS = {
    400: "it cannot read what this broker sends (400)",
    403: "it does not know the log's keys (403)",
    404: "it does not know this log (404)",
    409: "it knows another tree each time it is asked (409)",
    422: "it says that this tree does not continue the one it cosigned (422): see docs/log.md",
}
