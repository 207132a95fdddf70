"""What the journeys start: one town, one Chromium, and a fresh browser context for everybody."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from harness.chromium import running_chromium
from journeys.stack import Town
from journeys.visitor import Visitor
from playwright.sync_api import Browser, expect

PATIENCE_MS = 10_000
Visit = Callable[..., Visitor]


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Run the broker, the platform and the shop."""
    running = Town(tmp_path_factory.mktemp("town"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Run the session's Chromium."""
    expect.set_options(timeout=PATIENCE_MS)
    with running_chromium() as browser:
        yield browser


@contextmanager
def arrival(chromium: Browser, town: Town, **options: object) -> Iterator[Visitor]:
    """Let somebody come with an empty browser; at the end no page of the broker's may have failed them."""
    context = chromium.new_context(**{"locale": "en-GB", **options})
    context.set_default_timeout(PATIENCE_MS)
    visitor = Visitor(context, town)
    yield visitor
    context.close()
    assert visitor.watch.faults() == []


@pytest.fixture
def visit(town: Town, chromium: Browser) -> Iterator[Visit]:
    """Let people come."""
    with ExitStack() as staying:
        yield lambda **options: staying.enter_context(arrival(chromium, town, **options))


@pytest.fixture
def visitor(visit: Visit) -> Visitor:
    """Give one visitor."""
    return visit()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder for screenshots: JOURNEY_PICTURES, or one that goes with the run."""
    chosen = os.environ.get("JOURNEY_PICTURES")
    folder = Path(chosen) if chosen else tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
