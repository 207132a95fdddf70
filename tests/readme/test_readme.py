"""What README.md tells a newcomer to type, typed."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.person import Person
from harness.programs import Program, free_port
from harness.running import RunningBroker, console_script

pytestmark = pytest.mark.edge
ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
CALLBACK = "http://127.0.0.1:9/linked"
PLATFORMS = '[x]\nclient_id = "…"\nclient_secret = "…"\n'


def blocks(language: str) -> list[str]:
    """Every fenced block of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def shell_block(first: str) -> list[str]:
    """The lines of the shell block that begins with *first*."""
    (found,) = [block for block in blocks("sh") if block.startswith(first)]
    return found.splitlines()


def test_the_two_commands_are_there_and_explain_themselves() -> None:
    for command in shell_block("scripts/demo"):
        told = subprocess.run([ROOT / command, "--help"], capture_output=True, text=True, check=False, timeout=60)

        assert 0 == told.returncode, told.stderr
        assert command in told.stdout


def test_the_demo_walks_the_whole_path() -> None:
    walked = subprocess.run(
        [ROOT / "scripts" / "demo", "--check"], capture_output=True, text=True, check=False, timeout=240
    )

    assert 0 == walked.returncode, walked.stdout + walked.stderr


def test_five_steps_integrate_a_business(
    broker: RunningBroker,
    new_person: Callable[..., Person],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    person = new_person()
    steps = blocks("python")
    assert 6 == len(steps)
    shop: dict[str, object] = {"BROKER": broker.issuer, "CALLBACK": CALLBACK}

    def visit(prompt: str) -> str:
        address = prompt.removeprefix("Open ").split(" and paste")[0]
        notice = person.prove_account(person.browser.open(address))
        return person.allow(notice, ["customer-care"]).url

    monkeypatch.setattr("builtins.input", visit)
    exec(compile(steps[0], "README.md, step 1", "exec"), shop)  # noqa: S102 - the README's own words
    (register,) = shell_block("broker clients register")
    assert ["broker", "clients", "register", "client.json"] == register.split()
    shop["client_id"] = broker.register(shop["registration"])["client_id"]  # type: ignore[arg-type]
    for number, step in enumerate(steps[1:], 2):
        exec(compile(step, f"README.md, step {number}", "exec"), shop)  # noqa: S102 - the README's own words

    assert "True {" in capsys.readouterr().out
    (verify,) = shell_block("broker verify")
    verified = subprocess.run(
        [console_script(), *verify.split()[1:]], capture_output=True, text=True, check=False, timeout=60
    )
    assert 0 == verified.returncode, verified.stdout


def test_it_runs_for_real_as_told(tmp_path: Path) -> None:
    port = free_port()
    environment = {**os.environ, "PATH": f"{Path(console_script()).parent}:{os.environ['PATH']}"}
    told = "\n".join(shell_block("pip install .")[1:]).replace("--port 8000", f"--port {port}")
    for place in ("/var/lib", "/etc/consent-broker", "/run/secrets"):
        told = told.replace(place, str(tmp_path / place[1:]))
        (tmp_path / place[1:]).mkdir(parents=True, exist_ok=True)
    master = tmp_path / "run/secrets/consent-broker-master"
    master.write_bytes(urlsafe_b64encode(secrets.token_bytes(32)))
    master.chmod(0o600)
    platforms = tmp_path / "etc/consent-broker/platforms.toml"
    platforms.write_text(PLATFORMS)
    platforms.chmod(0o600)
    script = tmp_path / "as-told.sh"
    script.write_text(f"set -eu\n{told.replace('broker serve', 'exec broker serve')}\n")

    running = Program(["bash", str(script)], log=tmp_path / "log", env=environment)
    try:
        running.until(running.answers(f"http://127.0.0.1:{port}/health/ready"))
    finally:
        running.stop()

    assert "FAIL" not in (tmp_path / "log").read_text()


def test_the_platforms_file_of_the_readme_is_the_one_that_is_read() -> None:
    assert blocks("toml")[0].startswith(PLATFORMS)


def test_the_pictures_are_there() -> None:
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / picture).is_file(), picture


def test_every_document_it_names_is_there() -> None:
    for document in re.findall(r"\]\(([\w./-]+\.(?:md|example))\)", README):
        assert (ROOT / document).is_file(), document
