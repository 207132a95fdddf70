"""A witness of our own, after C2SP tlog-witness and tlog-cosignature: it cosigns what continues what it cosigned last.

It knows nothing of the broker's code: it checks the log's signature and the consistency proof as a stranger's reader of
the log does, and signs by the words of the specification. It can be told to misbehave.
"""

from __future__ import annotations

import re
import time
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import BinaryIO, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from harness.tile_client import TileClient, TreeHead, is_consistent

COSIGNED_ED25519, ML_DSA_44 = 4, 6
NOTHING = TreeHead("", 0, sha256().digest())
#: An answer: its status and its body.
Answer = tuple[int, bytes]
#: What writes to the connection as it likes, until the witness closes.
Rude = Callable[[BinaryIO, Event], None]
_ASKED = re.compile(r"old (0|[1-9][0-9]*)\n((?:[A-Za-z0-9+/=]{44}\n){0,63})\n(.+)", re.DOTALL)


class Key(Protocol):
    """A private key."""

    def sign(self, data: bytes, /) -> bytes:
        """Sign."""

    def public_key(self) -> object:
        """The public half."""


@dataclass(frozen=True)
class Taken:
    """A step that it cosigned: from which signed checkpoint to which, and the proof, for others to check as well."""

    old: str
    new: str
    proof: Sequence[str]


@dataclass
class WitnessOfOurOwn:
    """What it cosigned last, and what was asked of it.

    ``knows`` are the Ed25519 verifier keys of logs; ``sick`` is what it answers in place of the truth, ``rude`` writes
    it; ``hand`` is whose key signs in its name, and ``moment`` when it says that was.
    """

    name: str = "witness.example/w"
    key: Key = field(default_factory=Ed25519PrivateKey.generate)
    knows: Sequence[str] = ()
    head: TreeHead = NOTHING
    note: str = ""
    asked: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    sick: Answer | None = None
    rude: Rude | None = None
    hand: Key | None = None
    moment: int | None = None
    visits: list[str] = field(default_factory=list)
    port: int = 0
    _lock: Lock = field(default_factory=Lock)

    @property
    def kind(self) -> int:
        """Which kind of key it has."""
        return ML_DSA_44 if isinstance(self.key, MLDSA44PrivateKey) else COSIGNED_ED25519

    @property
    def vkey(self) -> str:
        """Its verifier key."""
        return f"{self.name}+{self._hash.hex()}+{b64encode(self._public).decode()}"

    @property
    def table(self) -> str:
        """It, in a file of witnesses."""
        return f'["{self.name}"]\nurl = "http://127.0.0.1:{self.port}"\nvkey = "{self.vkey}"\n'

    @property
    def _public(self) -> bytes:
        raw: bytes = self.key.public_key().public_bytes_raw()  # type: ignore[attr-defined] # of either kind
        return bytes([self.kind]) + raw

    @property
    def _hash(self) -> bytes:
        return sha256(f"{self.name}\n".encode() + self._public).digest()[:4]

    def add_checkpoint(self, body: bytes) -> Answer:
        """Answer what is asked, and note down how; two who ask at once take turns."""
        with self._lock:
            status, said = self._added(body)
            self.statuses.append(status)
        return status, said

    def _added(self, body: bytes) -> Answer:
        found = _ASKED.fullmatch(body.decode())
        if found is None:
            return 400, b""
        self.asked.append(int(found[1]))
        if self.sick is not None:
            return self.sick
        return self._judged(int(found[1]), found[2].splitlines(), found[3])

    def _judged(self, old: int, proof: Sequence[str], note: str) -> Answer:
        """In the order of the specification."""
        origin = note.partition("\n")[0]
        logs = [TileClient(_reads_nothing, vkey) for vkey in self.knows if vkey.startswith(f"{origin}+")]
        if not logs:
            return 404, b""
        heads = [head for log in logs if (head := _opened(log, note))]
        if not heads:
            return 403, b""
        (new, *_others) = heads
        if old > new.size:
            return 400, b""
        if old != self.head.size or (old == new.size and self.head.root != new.root):
            return 409, f"{self.head.size}\n".encode()
        if not is_consistent(self.head, new, [b64decode(step) for step in proof]):
            return 422, b""
        self.taken.append(Taken(self.note, note, proof))
        self.head, self.note = new, note
        return 200, self.cosign(note)

    def cosign(self, note: str) -> bytes:
        """A line under a checkpoint."""
        text = note.rpartition("\n\n")[0] + "\n"
        now = int(time.time()) if self.moment is None else self.moment
        signature = now.to_bytes(8, "big") + (self.hand or self.key).sign(self._message(text, now))
        return f"— {self.name} {b64encode(self._hash + signature).decode()}\n".encode()

    def _message(self, text: str, now: int) -> bytes:
        if self.kind == COSIGNED_ED25519:
            return f"cosignature/v1\ntime {now}\n{text}".encode()
        origin, size, root, *_extensions = text.split("\n")
        names = [bytes([len(name.encode())]) + name.encode() for name in (self.name, origin)]
        tree = (0).to_bytes(8, "big") + int(size).to_bytes(8, "big") + b64decode(root)
        return b"subtree/v1\n\0" + names[0] + now.to_bytes(8, "big") + names[1] + tree


def _reads_nothing(path: str) -> bytes:
    raise AssertionError(path)


def _opened(log: TileClient, note: str) -> TreeHead | None:
    """The tree that a log signed; None when it did not sign it."""
    try:
        return log.opened(note.encode())
    except (InvalidSignature, ValueError, Error):
        return None


def dribbles(*before: bytes) -> Rude:
    """Say this, and then a letter now and then for as long as anybody listens."""

    def say(out: BinaryIO, closing: Event) -> None:
        out.writelines(before)
        while not closing.wait(0.2):
            out.write(b"a")
            out.flush()

    return say


def says(*parts: bytes) -> Rude:
    """Say this, and hang up."""
    return lambda out, _closing: out.writelines(parts)


def is_silent(_out: BinaryIO, closing: Event) -> None:
    """Say nothing."""
    closing.wait(60)


@contextmanager
def serving(witness: WitnessOfOurOwn) -> Iterator[WitnessOfOurOwn]:
    """Let it listen on this machine."""
    closing = Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            witness.visits.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if witness.rude is not None:
                witness.asked.append(-1)
                with suppress(OSError):
                    witness.rude(self.wfile, closing)  # type: ignore[arg-type] # it writes bytes
                self.close_connection = True
                return
            status, said = witness.add_checkpoint(body) if self.path == "/add-checkpoint" else (404, b"")
            self._answer(status, said, {409: "text/x.tlog.size"}.get(status, "text/plain; charset=utf-8"))

        def do_GET(self) -> None:
            witness.visits.append(self.path)
            origin = witness.note.partition("\n")[0]
            known = witness.note and self.path == f"/{sha256(origin.encode()).hexdigest()}/checkpoint"
            note = witness.note.encode()
            self._answer(*(witness.sick or ((200, note) if known else (404, b""))), "text/plain; charset=utf-8")

        def _answer(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"http://127.0.0.1:{witness.port}/elsewhere")
            self.send_header("Content-Type", content_type)
            self.send_header("Transfer-Encoding", "chunked")  # as many servers answer
            self.end_headers()
            with suppress(OSError):
                for part in (*filter(None, (body[:9], body[9:])), b""):
                    self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")

        def log_message(self, *_said: object) -> None:
            """Nothing is said on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    witness.port = server.server_port
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield witness
    finally:
        closing.set()
        server.shutdown()
        server.server_close()
