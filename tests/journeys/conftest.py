"""What the journeys start: one town, one Chromium, and a fresh browser context for everybody."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from builders import a_broker, a_pen
from harness.chromium import PATIENCE_MS
from journeys.pressing import LISTENING, STRICT
from journeys.shopfront import Street, open_street
from journeys.stack import Town
from journeys.visitor import Visitor
from playwright.sync_api import Browser, BrowserContext, Page

from broker.app import create_app
from broker.store.database import Database

Visit = Callable[..., Visitor]


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Run the broker, the platform and the shop."""
    running = Town(tmp_path_factory.mktemp("town"))
    yield running
    running.stop()


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


# --- the button on a shop's own page


@pytest.fixture(scope="module")
def whole_street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """Open the street."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('street') / 'broker.db'}", pen=a_pen())
    with open_street(create_app(a_broker(database)).test_client()) as street:
        yield street


@pytest.fixture
def street(whole_street: Street) -> Street:
    """Give the street as nobody has used it."""
    whole_street.headers = {"Content-Security-Policy": STRICT.format(file=f"{whole_street.broker}/embed.js")}
    whole_street.pages, whole_street.started = {}, []
    return whole_street


@pytest.fixture
def shopper(chromium: Browser) -> Iterator[BrowserContext]:
    """Give a browser whose pages may not complain."""
    context = chromium.new_context(locale="en-GB")
    context.set_default_timeout(PATIENCE_MS)
    complaints: list[str] = []
    context.on("console", lambda message: complaints.append(message.text))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.add_init_script(LISTENING)
    yield context
    context.close()
    assert [] == complaints


@pytest.fixture
def shown(shopper: BrowserContext, street: Street) -> Callable[..., Page]:
    """Give a way to open a page of the shop."""

    def opened(markup: str) -> Page:
        street.pages["/"] = markup
        page = shopper.new_page()
        page.goto(street.shop)
        return page

    return opened
