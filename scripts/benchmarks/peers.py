"""Peers that run on this machine with nothing fetched."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Where Debian's golang-golang-x-mod-dev puts its sources; `scripts/setup --tests` installs it.
GO_SOURCES = Path("/usr/share/gocode")
_SOURCE = Path(__file__).with_name("tlog.go")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What Go's tlog took, in seconds, and what it found."""

    append: float
    prove: Sequence[float]
    root: str
    proofs: str


def go_is_here() -> bool:
    """Whether Go and its x/mod are on this machine."""
    return shutil.which("go") is not None and (GO_SOURCES / "src/golang.org/x/mod/sumdb/tlog").is_dir()


def ask_go(home: Path, leaves: Iterable[bytes], count: int, indices: Sequence[int]) -> Answer:
    """Let Go's tlog append *leaves* in memory and prove some; root and digest of the proofs are base64."""
    program = home / "tlog"
    # By its path alone, out of Debian's sources: nothing is fetched.
    place = {"GO111MODULE": "off", "GOPATH": str(GO_SOURCES), "GOFLAGS": ""}
    subprocess.run(["go", "build", "-o", program, _SOURCE], check=True, env={**os.environ, **place})
    data = home / "leaves"
    with data.open("wb") as file:
        file.write(json.dumps({"leaves": count, "indices": list(indices)}).encode() + b"\n")
        file.writelines(leaves)
    with data.open("rb") as file:
        done = subprocess.run([program], stdin=file, capture_output=True, check=True)
    return Answer(**json.loads(done.stdout))
