"""Processes by what the kernel says of them: whose children they are, what they are, and whether they have ended."""

from contextlib import suppress
from pathlib import Path


def children_of(parent: int) -> list[int]:
    """The processes whose parent this is."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found


def sequencers_of(parent: int) -> list[int]:
    """Those of them that are sequencers."""
    return [child for child in children_of(parent) if b"tend" in _command(child).split(b"\0")]


def workers_of(parent: int) -> list[int]:
    """Those of them that answer requests, the one that was begun first at the head."""
    return sorted((child for child in children_of(parent) if b"serve" in _command(child).split(b"\0")), key=_began)


def is_gone(process: int) -> bool:
    """Whether it has ended, be it that nobody asked how."""
    try:
        return _stat(process)[0] == "Z"
    except OSError:
        return True


def _command(process: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def _began(process: int) -> int:
    with suppress(OSError):
        return int(_stat(process)[19])  # starttime, proc(5)
    return 0


def _stat(process: int) -> list[str]:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
