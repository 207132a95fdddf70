"""What every test of evidence may rely on."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def fast_disk() -> Iterator[None]:
    """Wait for no disk: what a flush makes sure of is reckoned where it matters, see `powercut`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield
