"""The programs under test, running: the sandbox platform, and the broker as it is installed."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from harness import wire
from harness.business import Business, new_key, registration
from harness.clerk import Clerk
from harness.programs import Program, free_port

CHECKOUT = Path(__file__).parents[2]
CLIENT_ID = "broker-at-the-sandbox"
CLIENT_SECRET = "sandbox-secret-of-the-tests"
BEARER_TOKEN = "sandbox-token-of-the-application"
#: Enough for every test to meet somebody whom no other test has met; too many for the platform to list.
POPULATION = 1500


@dataclass(frozen=True)
class Account:
    """An account at the sandbox; `handle` is the one it began with."""

    id: str
    handle: str


def _population() -> list[Account]:
    return [Account(id=str(7_100_000_000 + number), handle=f"tester_{number}") for number in range(POPULATION)]


class RunningSandbox:
    """The sandbox platform with a crowd of people, each handed to one test."""

    def __init__(self, home: Path, redirect_uris: list[str]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._strangers = iter(_population())
        state = home / "people.json"
        state.write_text(json.dumps({"people": [_entry(account) for account in _population()], "released": []}))
        command = [
            sys.executable, str(CHECKOUT / "scripts/sandbox/serve.py"), "--port", str(self.port),
            "--state", str(state), "--client-id", CLIENT_ID, "--client-secret", CLIENT_SECRET,
            "--bearer-token", BEARER_TOKEN,
        ]  # fmt: skip
        for uri in redirect_uris:
            command += ["--redirect-uri", uri]
        self.program = Program(command, log=home / "sandbox.log")
        self.program.until(self.program.answers(f"{self.url}/"))

    def stranger(self) -> Account:
        """Return an account that no test has met."""
        return next(self._strangers)

    def rename(self, account: Account, handle: str) -> None:
        """Give an account another handle."""
        answer = wire.post(f"{self.url}/people/rename", data={"person": account.id, "handle": handle})
        if answer.status_code != 303:
            raise AssertionError(f"the sandbox refused to rename: {answer.status_code}")

    def mark(self, account: Account, mark: str, *, on: bool = True) -> None:
        """Let an account be `active`, `protected` or `suspended`, or let it be so no longer."""
        form = {"person": account.id, "mark": mark, "on": "yes" if on else "no"}
        if wire.post(f"{self.url}/people/mark", data=form).status_code != 303:
            raise AssertionError(f"the sandbox did not change {mark}")

    def rehearse(self, **faults: object) -> None:
        """Ask for failures, in place of the ones asked for before."""
        answer = wire.post(f"{self.url}/sandbox/faults", json=faults)
        if answer.status_code != 200:
            raise AssertionError(answer.text)

    def tokens(self) -> dict[str, Any]:
        """Return how many tokens the platform issued, saw revoked, and still honours."""
        counted: dict[str, Any] = wire.get(f"{self.url}/sandbox/tokens").json()
        return counted

    def section(self) -> str:
        """Return what the broker's platforms file says about this platform."""
        return (
            f'[x]\nclient_id = "{CLIENT_ID}"\nclient_secret = "{CLIENT_SECRET}"\n'
            f'authorize_url = "{self.url}/i/oauth2/authorize"\ntoken_url = "{self.url}/2/oauth2/token"\n'
            f'userinfo_url = "{self.url}/2/users/me"\nrevoke_url = "{self.url}/2/oauth2/revoke"\n'
            f'bearer_token = "{BEARER_TOKEN}"\n'
            f'users_url = "{self.url}/2/users"\ncompliance_url = "{self.url}/2/compliance/jobs"\n'
        )

    def stop(self) -> None:
        """End it."""
        self.program.stop()


def _entry(account: Account) -> dict[str, object]:
    return {"id": account.id, "username": account.handle, "name": f"Person {account.id}"}


class RunningBroker:
    """The installed broker in a directory of its own, started by its own command."""

    def __init__(
        self, home: Path, *, port: int, database_url: str, platforms: str, workers: int = 2,
        settings: Mapping[str, str] | None = None, owner_url: str | None = None,
    ) -> None:  # fmt: skip
        self.home = home
        self.port = port
        self.issuer = f"http://127.0.0.1:{port}"
        self.database_url = database_url
        self.log = home / "broker.log"
        self._files = count(1)
        (home / "platforms.toml").write_text(platforms)
        (home / "platforms.toml").chmod(0o600)
        self.env = {**surroundings(), **self._settings(), **(settings or {})}
        self._clerk = Clerk(home=home, env=self.env)
        self._init(owner_url)
        self.workers = workers
        self.program = self._serve(workers)

    def serve_again(self) -> None:
        """Begin what has ended once more."""
        self.program = self._serve(self.workers)

    def _init(self, owner_url: str | None) -> None:
        """Set the broker up; under the role that owns the tables, where there is one."""
        if owner_url is None:
            self.command("init")
            return
        as_owner = {**self.env, "BROKER_DATABASE_URL": owner_url}
        subprocess.run([console_script(), "init"], env=as_owner, cwd=self.home, check=True, capture_output=True)

    def _settings(self) -> dict[str, str]:
        return {
            "BROKER_ISSUER": self.issuer,
            "BROKER_DATABASE_URL": self.database_url,
            "BROKER_KEYS_DIR": str(self.home / "keys"),
            "BROKER_MARKS_DIR": str(self.home / "marks"),
            "BROKER_PLATFORMS_FILE": str(self.home / "platforms.toml"),
        }

    def _serve(self, workers: int) -> Program:
        command = [console_script(), "serve", "--host", "127.0.0.1", "--port", str(self.port),
                   "--workers", str(workers)]  # fmt: skip
        program = Program(command, log=self.log, env=self.env)
        program.until(program.answers(f"{self.issuer}/health/ready"))
        return program

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a broker command and return what it said."""
        return self._clerk.call(arguments)

    def command(self, *arguments: str) -> str:
        """Run a broker command that must succeed and return its output."""
        done = self.run(*arguments)
        if done.returncode:
            raise AssertionError(
                f"broker {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}{done.stdout}"
            )
        return done.stdout

    def register(self, client: Mapping[str, object]) -> dict[str, Any]:
        """Register a client file and return the client as the broker prints it."""
        file = self.home / f"client-{next(self._files)}.json"
        file.write_text(json.dumps(client))
        printed: dict[str, Any] = json.loads(self.command("clients", "register", str(file)))
        return printed

    def business(self, *, key: ECKey | None = None, redirect_uri: str | None = None, **changes: object) -> Business:
        """Register a business of its own."""
        held = key or new_key()
        back = redirect_uri or f"http://127.0.0.1:{free_port()}/linked"
        client = self.register(registration(held, back, **changes))
        return Business(issuer=self.issuer, client_id=client["client_id"], key=held, redirect_uri=back)

    def get(self, path: str, **options: Any) -> Any:  # noqa: ANN401 (requests' own options and answer)
        """GET a path of the broker."""
        return wire.get(f"{self.issuer}{path}", **options)

    def post(self, path: str, **options: Any) -> Any:  # noqa: ANN401
        """POST to a path of the broker."""
        return wire.post(f"{self.issuer}{path}", **options)

    def said(self) -> str:
        """Return everything that the broker has logged."""
        return self.log.read_text(errors="replace")

    def stop(self) -> None:
        """End it."""
        self._clerk.stop()
        self.program.stop()


def console_script() -> str:
    """Return the installed `broker` command, which stands beside the Python that runs the tests."""
    script = Path(sys.executable).with_name("broker")
    if not script.exists():
        raise RuntimeError("the broker is not installed beside this Python: run scripts/setup --tests")
    return str(script)


def surroundings() -> dict[str, str]:
    """Return the environment without any setting of a broker."""
    return {name: value for name, value in os.environ.items() if not name.startswith("BROKER_")}
