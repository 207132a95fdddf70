"""What travels is described by schemas/, and schemas/ is exported from the code."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_schemas_are_those_of_the_code() -> None:
    """When this is red: run scripts/schemas, and look at what changed on the wire."""
    documents = runpy.run_path(str(ROOT / "scripts" / "schemas.py"))["documents"]()

    written = {path.name: path.read_text() for path in (ROOT / "schemas").glob("*.json")}

    assert documents == written
