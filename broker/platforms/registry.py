"""The platforms of this broker, as the operator's file names them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from broker.errors import BadConfiguration
from broker.platforms import Platform
from broker.platforms.client import read_platforms_file
from broker.platforms.oidc import OpenIdProvider
from broker.platforms.x import X

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")


def load_platforms(path: Path, *, loopback: bool) -> Mapping[str, Platform]:
    """Read the platforms file; ``kind`` says how a platform speaks, and is ``x`` for the table ``[x]``."""
    tables = read_platforms_file(path)
    if not tables:
        raise BadConfiguration(f"{path}: names no platform; without one nobody can prove an account")
    return {name: _platform(name, table, loopback=loopback) for name, table in tables.items()}


def _platform(name: str, table: Mapping[str, str], *, loopback: bool) -> Platform:
    if not _NAME.fullmatch(name):
        raise BadConfiguration(f"platforms file: [{name}] must be named in a-z, 0-9 and -")
    kind = table.get("kind", "x" if name == "x" else "oidc")
    if kind == "x":
        return X.from_table(name, table, loopback=loopback)
    if kind == "oidc":
        return OpenIdProvider.from_table(name, {"kind": "oidc", **table}, loopback=loopback)
    raise BadConfiguration(f"platforms file, [{name}]: kind must be x or oidc")
