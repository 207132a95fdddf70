"""What gets installed: pinned, hashed, from nowhere in particular, and with no hole that is already known."""

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import broker

ROOT = Path(__file__).parents[1]
LOCKS = ("run.txt", "telemetry.txt", "build.txt", "parquet.txt", "dev.txt")
STRANGERS = ROOT / "tests" / "strangers"

# The oldest release without a known hole. A scanner alone is no gate: against a mirror it may find nothing
# and say so in green.
FLOORS = {
    "authlib": "1.9.9",  # CVE-2026-27962 key out of the token, CVE-2026-28802 alg none; redirects
    "babel": "2.9.1",  # CVE-2021-42771 locale files from outside
    "certifi": "2024.7.4",  # CVE-2024-39689 a root that is trusted no more
    "cryptography": "50.0.0",  # CVE-2026-69247 padding oracle; CVE-2026-26007 points outside the group
    "flask": "3.1.3",  # CVE-2026-27205 no Vary: Cookie
    "idna": "3.7",  # CVE-2024-3651 quadratic time
    "jinja2": "3.1.6",  # CVE-2025-27516 out of the sandbox
    "joserfc": "1.6.8",  # CVE-2026-49852; CVE-2026-27932 unbounded p2c
    "jwcrypto": "1.5.9",  # CVE-2026-80179
    "mako": "1.3.12",  # CVE-2026-41205, CVE-2026-44307 paths out of the template folder
    "oauthlib": "3.2.2",  # CVE-2022-36087 redirect URI that hangs the parser
    "pytest": "9.0.3",  # CVE-2025-71176 temporary folder that another user can own
    "requests": "2.33.0",  # CVE-2026-25645, CVE-2024-47081 credentials of .netrc to another host
    "urllib3": "2.7.0",  # CVE-2026-44432, CVE-2026-21441 decompression bombs
    "werkzeug": "3.1.6",  # CVE-2026-27199, CVE-2025-66221 device names in safe_join
}


@dataclass(frozen=True)
class Pin:
    """One locked package."""

    name: str
    version: str
    hashes: tuple[str, ...]


def read_pins(lock: str) -> list[Pin]:
    """Read a lock; anything in it that is no pin (an option, an address, a range) is a ValueError."""
    without_comments = re.sub(r"^\s*#.*\n", "", lock, flags=re.MULTILINE)
    lines = without_comments.replace("\\\n", " ").splitlines()
    return [read_pin(line) for line in lines if line.strip()]


def read_pin(line: str) -> Pin:
    """Read `name==version ; marker --hash=sha256:... --hash=sha256:...`."""
    pinned = re.fullmatch(
        r"([a-z0-9-]+)==([0-9][\w.!+]*)(?: ; [^@:/]+?)?((?:\s+--hash=sha256:[0-9a-f]{64})+)", line.strip()
    )
    if pinned is None:
        raise ValueError(f"no hashed pin: {line[:80]}")
    return Pin(pinned[1], pinned[2], tuple(pinned[3].split()))


def locked(lock: str) -> list[Pin]:
    """Read one of the project's locks."""
    return read_pins((ROOT / "requirements" / lock).read_text())


def versions(lock: str) -> dict[str, str]:
    """Map each name in one of the project's locks to its version."""
    return {pin.name: pin.version for pin in locked(lock)}


def below_floor(pins: Iterable[Pin]) -> list[str]:
    """Name the pins that are older than their floor."""
    return [
        f"{pin.name} {pin.version} < {FLOORS[pin.name]}"
        for pin in pins
        if pin.name in FLOORS and Version(pin.version) < Version(FLOORS[pin.name])
    ]


def loose_packages(lock: dict[str, dict[str, dict[str, object]]]) -> list[str]:
    """Name the npm packages that are not held by a digest, or are tied to an address."""
    installed = {path: package for path, package in lock["packages"].items() if path}
    return [
        path
        for path, package in installed.items()
        if "resolved" in package or not str(package.get("integrity", "")).startswith("sha512-")
    ]


def runtime_requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [Requirement(line) for line in project["dependencies"]]


def extra_requirements() -> list[Requirement]:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    return [Requirement(line) for lines in extras.values() for line in lines]


def test_what_the_broker_imports_is_named_as_a_requirement() -> None:
    """Else a release of what happens to bring it along could leave it out."""
    of = packages_distributions()
    imported = {
        name.partition(".")[0]
        for path in (ROOT / "broker").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
    }
    strangers = {name for name in imported if name and name not in sys.stdlib_module_names} - {"broker", "__future__"}
    named = {canonicalize_name(requirement.name) for requirement in (*runtime_requirements(), *extra_requirements())}
    assert [] == sorted(
        name for name in strangers if not {canonicalize_name(it) for it in of.get(name, [name])} & named
    )


A_HASH = "--hash=sha256:" + 64 * "0"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_hashed_pins_and_nothing_else(lock: str) -> None:
    assert locked(lock)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address_and_no_folder(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    assert not re.findall(r"\w+://\S*|file:\S*|(?<=\s)[/~]\S*", text)


@pytest.mark.parametrize(
    "line",
    [
        "flask==3.1.3",
        f"flask>=3.1.3 {A_HASH}",
        f"flask @ file:flask.whl {A_HASH}",
        f"--index-url=mirror.example {A_HASH}",
        "--find-links wheels",
        "flask==3.1.3 --hash=md5:" + 32 * "0",
    ],
)
def test_a_line_that_is_no_hashed_pin_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="no hashed pin"):
        read_pins(line)


@pytest.mark.parametrize("requirement", runtime_requirements(), ids=str)
def test_the_run_lock_has_what_the_project_asks_for(requirement: Requirement) -> None:
    assert versions("run.txt")[canonicalize_name(requirement.name)] in requirement.specifier


def test_the_tests_run_on_the_same_releases_as_the_broker() -> None:
    run, telemetry, build, parquet, dev = (versions(lock).items() for lock in LOCKS)
    assert run <= telemetry
    assert telemetry | build | parquet <= dev


@pytest.mark.parametrize("lock", LOCKS)
def test_no_pin_has_a_known_hole(lock: str) -> None:
    assert below_floor(locked(lock)) == []


def test_every_floor_is_of_a_package_in_use() -> None:
    assert FLOORS.keys() <= versions("dev.txt").keys()


def test_a_pin_with_a_known_hole_turns_the_check_red() -> None:
    assert below_floor(read_pins(f"authlib==1.6.5 {A_HASH}")) == ["authlib 1.6.5 < 1.9.9"]


def test_every_npm_package_is_held_by_its_digest_and_tied_to_no_address() -> None:
    assert loose_packages(json.loads((STRANGERS / "package-lock.json").read_text())) == []


@pytest.mark.parametrize(
    "package",
    [
        {"version": "6.2.17"},
        {"integrity": "sha1-AAAA"},
        {"integrity": "sha512-AAAA", "resolved": "mirror.example/jose.tgz"},
    ],
)
def test_a_loose_npm_package_turns_the_check_red(package: dict[str, object]) -> None:
    assert loose_packages({"packages": {"": {}, "node_modules/jose": package}}) == ["node_modules/jose"]


def test_the_npm_programs_are_asked_for_by_exact_version() -> None:
    wanted = json.loads((STRANGERS / "package.json").read_text())["dependencies"]
    assert [name for name, version in wanted.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []


def test_what_is_tested_is_the_installed_wheel_and_not_the_checkout() -> None:
    home = Path(broker.__file__)
    assert home.is_relative_to(sys.prefix)
    assert home.parent.parent.name == "site-packages"
