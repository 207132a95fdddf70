"""The rules as documents: one TOML file per platform's terms, in our own words, with a pointer to the source."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from broker.core.policy import Policy, parse_policy
from broker.errors import PolicyDefect

SHIPPED = Path(__file__).parent
#: The terms that hold for a platform which has no document of its own.
FALLBACK = "x"


@dataclass(frozen=True)
class Policies:
    """The documents in force, by platform."""

    by_platform: Mapping[str, Policy]

    def governing(self, platform: str) -> Policy:
        """The document for *platform*; the strictest we know where it has none of its own."""
        return self.by_platform.get(platform) or self.by_platform[FALLBACK]


def load_policy(path: Path) -> Policy:
    """Read one document strictly; its digest is that of the bytes on disk."""
    raw = path.read_bytes()
    try:
        document = tomllib.loads(raw.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PolicyDefect(f"{path.name} is not TOML: {error}") from error
    try:
        return parse_policy(document, digest="sha256:" + hashlib.sha256(raw).hexdigest())
    except PolicyDefect as error:
        raise PolicyDefect(f"{path.name}: {error.detail}") from error


def load_policies(folder: Path = SHIPPED) -> Policies:
    """Read every document of *folder*; two for one platform, or none for the fallback, are refused."""
    loaded = [load_policy(path) for path in sorted(folder.glob("*.toml"))]
    by_platform = {policy.platform: policy for policy in loaded}
    if len(by_platform) != len(loaded):
        raise PolicyDefect(f"{folder} holds two documents for one platform")
    if FALLBACK not in by_platform:
        raise PolicyDefect(f"{folder} holds no document for {FALLBACK!r}")
    return Policies(by_platform)
