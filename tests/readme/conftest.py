"""A broker for the documents alone: what it has counted is what they did."""

import json
from collections.abc import Iterator

import pytest
from harness.person import Person
from harness.running import CHECKOUT, RunningBroker, RunningSandbox
from walkthrough import Walk


@pytest.fixture(scope="session")
def documented(
    tmp_path_factory: pytest.TempPathFactory, ports: dict[str, int], platform_of_all: RunningSandbox
) -> Iterator[RunningBroker]:
    """Run a broker that no other test asks anything."""
    home = tmp_path_factory.mktemp("documented")
    running = RunningBroker(
        home, port=ports["third"], database_url=f"sqlite:///{home / 'broker.db'}", workers=1,
        platforms=platform_of_all.section(),
    )  # fmt: skip
    yield running
    running.stop()


@pytest.fixture
def walk(documented: RunningBroker, platform: RunningSandbox) -> Iterator[Walk]:
    """Give a walk that has not begun."""
    described = json.loads((CHECKOUT / "schemas" / "openapi.json").read_text())
    begun = Walk(documented, lambda: Person(documented, platform), described)
    yield begun
    for person in begun.people.values():
        person.close()
