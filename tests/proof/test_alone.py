"""Evidence can be checked by anybody: with cryptography and joserfc, and without the rest of the broker."""

import importlib.util
import json
import os
import subprocess
import venv
from pathlib import Path

import pytest
from vectors.make import FOLDER, JWKS

from broker.proof.__main__ import main

#: What an auditor installs, and what that brings along.
NEEDED = ("cryptography", "cffi", "_cffi_backend", "joserfc")
IMPORTS = """
import importlib, pkgutil, sys, broker.proof
for module in pkgutil.iter_modules(broker.proof.__path__):
    importlib.import_module(f"broker.proof.{module.name}") if module.name != "__main__" else None
print(*sorted({name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names))
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a venv that holds what is needed, and the broker's code, and nothing else; not even pip."""
    home = tmp_path_factory.mktemp("bare") / "venv"
    venv.create(home, symlinks=True)
    (packages,) = (home / "lib").glob("python*/site-packages")
    for name in (*NEEDED, "broker"):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        place = Path(spec.origin).parent if spec.submodule_search_locations else Path(spec.origin)
        (packages / place.name).symlink_to(place)
    return home / "bin" / "python"


def run(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the bare Python, which sees none of this one's paths."""
    unseen = ("COVERAGE", "PYTHON")  # measuring would bring in what it measures
    environment = {name: value for name, value in os.environ.items() if not name.startswith(unseen)}
    return subprocess.run(
        [python, *arguments],
        capture_output=True,
        check=False,
        text=True,
        timeout=30,
        env=environment,
        cwd=python.parent,
    )


def checked(python: Path, name: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Check a vector with ``python -m broker.proof``."""
    return run(python, "-m", "broker.proof", str(FOLDER / name), *options)


ANCHOR = ("--jwks", str(FOLDER / JWKS), "--vkeys", str(FOLDER / "log.vkeys"))


def test_there_is_nothing_but_what_is_needed(bare: Path) -> None:
    done = run(bare, "-c", IMPORTS)
    assert ("", 0) == (done.stderr, done.returncode)
    loaded = set(done.stdout.split())
    assert {"broker", "cryptography", "joserfc"} <= loaded <= {"broker", "__main__", "_openssl", *NEEDED}
    missing = run(bare, "-c", "import flask")
    assert "No module named 'flask'" in missing.stderr


@pytest.mark.parametrize("name", ["bundle-given.bundle", "statement-given.sd-jwt"])
def test_evidence_is_checked_without_server_database_or_web(bare: Path, name: str) -> None:
    done = checked(bare, name, *ANCHOR)
    assert (0, "") == (done.returncode, done.stderr)
    logged = ", and in the log that your verifier keys sign for" if name.startswith("bundle") else ""
    assert f"valid: signed by a key you brought{logged}" == done.stdout.splitlines()[-1]


def test_a_lie_is_named_there_too(bare: Path) -> None:
    done = checked(bare, "bundle-tree-that-was-forked.bundle", *ANCHOR, "--json")
    told = json.loads(done.stdout)
    assert (1, "", False) == (done.returncode, done.stderr, told["valid"])
    assert ("checkpoint", False) == (told["steps"][-1]["name"], told["steps"][-1]["ok"])


def test_what_nothing_anchors_is_no_more_than_consistent(capsys: pytest.CaptureFixture[str]) -> None:
    assert 3 == main([str(FOLDER / "bundle-given.bundle")])
    assert "consistent, not anchored" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--jwks", "nowhere.json"), "broker.proof: nowhere.json: No such file"),
        (("--jwks", str(FOLDER / "log.vkeys")), "log.vkeys: not JSON"),
        (("--vkeys", str(FOLDER / "vkeys-of-small-order.vkeys")), "anything verifies"),
        (("--vkeys", str(FOLDER / JWKS)), "a verifier key is"),
    ],
)
def test_keys_that_cannot_be_read_are_one_line_and_no_verdict(
    options: tuple[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main([str(FOLDER / "bundle-given.bundle"), *options])
    told = capsys.readouterr()
    assert (1, "", 1) == (status, told.out, told.err.count("\n"))
    assert said in told.err
