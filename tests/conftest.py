"""What every test may ask for. Programs start once a session; people and identifiers are fresh."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from harness.business import Business
from harness.person import Person
from harness.postgres import PostgresCluster
from harness.programs import free_port
from harness.running import RunningBroker, RunningSandbox
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

DATABASES = ("sqlite", "postgres")
MARK_OF_FOLDER = {
    "edge": "edge",
    "strangers": "journey",
    "journeys": "journey",
    "mutants": "journey",
    "kills": "edge",
    **dict.fromkeys(
        ("actions", "audit", "certification", "commands", "files", "kills", "machines", "readme", "store", "web"),
        "long",
    ),
}


def pytest_configure() -> None:
    """Let SIGTERM end a run as Ctrl-C does: with the finalizers that end what the tests have started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # An example that had to wait for a core is no fault: Hypothesis fails what takes 200 ms, unless told.
    settings.register_profile("busy", deadline=None)
    settings.load_profile("busy")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by where they stand and by what they start."""
    for item in items:
        for folder in item.path.parts:
            if folder in MARK_OF_FOLDER:
                item.add_marker(MARK_OF_FOLDER[folder])
        if uses_postgres(item):
            item.add_marker("postgres")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a long parameter by its beginning and its length."""
    if isinstance(val, str) and len(val) > 60:
        return f"{ascii(val[:12])[1:-1]} and {len(val) - 12} more"
    return None


def uses_postgres(item: pytest.Item) -> bool:
    """Tell whether a test needs PostgreSQL, by fixture or by parameter."""
    chosen = item.callspec.params.values() if isinstance(item, pytest.Function) and hasattr(item, "callspec") else ()
    parametrised = {"broker", "database_url"} & set(getattr(item, "fixturenames", ()))
    return bool(parametrised and "postgres" in chosen) or (
        "cluster" in getattr(item, "fixturenames", ()) and not parametrised
    )


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[], PostgresCluster]]:
    """Give the session's PostgreSQL, started when it is first asked for."""
    started: list[PostgresCluster] = []

    def cluster() -> PostgresCluster:
        if not started:
            started.append(PostgresCluster())
        return started[0]

    yield cluster
    for running in started:
        running.stop()


@pytest.fixture(scope="session")
def cluster(postgres: Callable[[], PostgresCluster]) -> PostgresCluster:
    """Give the session's PostgreSQL cluster."""
    return postgres()


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path, postgres: Callable[[], PostgresCluster]) -> str:
    """Give an empty database of each kind."""
    return postgres().fresh_database() if request.param == "postgres" else f"sqlite:///{tmp_path / 'broker.db'}"


@pytest.fixture(scope="session")
def chromium() -> Iterator["Browser"]:
    """Run the session's Chromium: a process can drive it from one place only."""
    from harness.chromium import running_chromium  # noqa: PLC0415 - what drives it is slow to load, and few need it

    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def ports() -> dict[str, int]:
    """Give each broker its port; the platform must know their callbacks before they start."""
    return {name: free_port() for name in (*DATABASES, "first", "second", "third")}


@pytest.fixture(scope="session")
def platform_of_all(tmp_path_factory: pytest.TempPathFactory, ports: dict[str, int]) -> Iterator[RunningSandbox]:
    """Run the sandbox platform."""
    callbacks = [f"http://127.0.0.1:{port}/link/x/callback" for port in ports.values()]
    sandbox = RunningSandbox(tmp_path_factory.mktemp("sandbox"), callbacks)
    yield sandbox
    sandbox.stop()


@pytest.fixture
def platform(platform_of_all: RunningSandbox) -> Iterator[RunningSandbox]:
    """Give the sandbox platform in good health, and leave it so."""
    yield platform_of_all
    platform_of_all.rehearse()


@pytest.fixture(scope="session", params=DATABASES)
def broker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, ports: dict[str, int],
    platform_of_all: RunningSandbox, postgres: Callable[[], PostgresCluster],
) -> Iterator[RunningBroker]:  # fmt: skip
    """Run the broker once on each database; on PostgreSQL under roles with few rights, bound by row-level security."""
    home = tmp_path_factory.mktemp(f"broker-{request.param}")
    platforms, port = platform_of_all.section(), ports[request.param]
    if request.param == "postgres":
        roles = postgres().under_roles()
        running = RunningBroker(home, port=port, database_url=roles.superuser, platforms=platforms,
                                settings=roles.settings(), owner_url=roles.owner)  # fmt: skip
    else:
        running = RunningBroker(home, port=port, database_url=f"sqlite:///{home / 'broker.db'}", platforms=platforms)
    yield running
    running.stop()
    if request.param == "postgres" and "InsufficientPrivilege" in running.said():
        raise AssertionError(f"something was refused to a role of the broker's own: {running.program.tail()}")


@pytest.fixture(scope="session")
def shared_business(broker: RunningBroker) -> Business:
    """Register the business that tests share where they change nothing about it."""
    return broker.business()


@pytest.fixture(scope="session")
def other_business(broker: RunningBroker) -> Business:
    """Register a second business, of another owner."""
    return broker.business(client_name="Contoso Market")


@pytest.fixture
def business(shared_business: Business) -> Business:
    """Give a business; people and identifiers are what a test has of its own."""
    return shared_business


@pytest.fixture
def new_person(broker: RunningBroker, platform: RunningSandbox) -> Iterator[Callable[..., Person]]:
    """Give people whom no other test has met."""
    met: list[Person] = []

    def meet(**options: str) -> Person:
        met.append(Person(broker, platform, **options))
        return met[-1]

    yield meet
    for person in met:
        person.close()


@pytest.fixture
def person(new_person: Callable[..., Person]) -> Person:
    """Give one person whom no other test has met."""
    return new_person()
