"""The stage: where the broker, the shop and the platform stand, and what each needs to start."""

import json
import os
import secrets
import shutil
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from demonstration.programs import HOST, Program, ProgramError, free_ports, is_free, run

SCRIPTS = Path(__file__).resolve().parents[1]
USUAL_BASE = 8000
DISTANCE = 100
PLATFORMS = """[x]
client_id = "{client_id}"
client_secret = "{client_secret}"
authorize_url = "{platform}/i/oauth2/authorize"
token_url = "{platform}/2/oauth2/token"
userinfo_url = "{platform}/2/users/me"
revoke_url = "{platform}/2/oauth2/revoke"
bearer_token = "{bearer_token}"
users_url = "{platform}/2/users"
compliance_url = "{platform}/2/compliance/jobs"
"""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where each program listens."""

    broker: int
    shop: int
    platform: int

    @classmethod
    def from_base(cls, base: int) -> Self:
        """Return the ports at and above a base."""
        return cls(broker=base, shop=base + DISTANCE, platform=base + 2 * DISTANCE)

    @classmethod
    def free(cls) -> Self:
        """Return three free ports."""
        broker, shop, platform = free_ports(3)
        return cls(broker=broker, shop=shop, platform=platform)

    @classmethod
    def usual(cls) -> Self:
        """Return the usual ports, or free ones when somebody has them."""
        usual = cls.from_base(USUAL_BASE)
        if all(is_free(port) for port in asdict(usual).values()):
            return usual
        print(f"One of the ports {', '.join(map(str, asdict(usual).values()))} is taken; using others.")
        return cls.free()

    @property
    def issuer(self) -> str:
        """The broker's address."""
        return f"http://{HOST}:{self.broker}"

    @property
    def shop_url(self) -> str:
        """The shop's address."""
        return f"http://{HOST}:{self.shop}"

    @property
    def platform_url(self) -> str:
        """The platform's address."""
        return f"http://{HOST}:{self.platform}"


class Stage:
    """The three programs and their state; leaving the `with` block ends them."""

    def __init__(self, addresses: Addresses, state: Path) -> None:
        self.addresses = addresses
        self.state = state
        self.logs = state / "logs"
        self.database = state / "broker.db"
        self._programs: list[Program] = []
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.callback(self._open.close)
            self._prepare()
            # The two that need nothing of the broker to start come up while it is set up.
            starting = [self._start_platform(), self._start_shop(), self._start_broker()]
            for program, address in starting:
                program.wait_for(address)
            undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def wait(self) -> None:
        """Return never, unless a program ends."""
        while True:
            for program in self._programs:
                if not program.is_running():
                    raise ProgramError(f"{program.name} ended by itself.")
            time.sleep(1)

    def broker(self, *arguments: str) -> str:
        """Run a command of the broker's operator and return what it printed."""
        return run("broker", [console_script(), *arguments], env=self._broker_env(), logs=self.logs)

    def verify(self, evidence: Path, keys: Path, **more: Path) -> None:
        """Check evidence as a stranger would: with keys in files and no broker named in the environment."""
        command = [console_script(), "verify", str(evidence), "--jwks", str(keys)]
        options = [word for name, file in more.items() for word in (f"--{name}", str(file))]
        run("verify", [*command, *options], env=surroundings(), logs=self.logs)

    def shop_client(self) -> str:
        """Return the name under which the shop is registered."""
        registered: dict[str, str] = json.loads((self.state / "shop" / "client.json").read_text("utf-8"))
        return registered["client_id"]

    def _prepare(self) -> None:
        """Make the directories; what earlier demos left is kept only if the addresses are the same."""
        note = self.state / "addresses.json"
        addresses = json.dumps(asdict(self.addresses))
        if self.state.exists() and (not note.exists() or note.read_text("utf-8") != addresses):
            shutil.rmtree(self.state)
        for folder in (self.state, self.logs, self.state / "shop"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        note.write_text(addresses, "utf-8")

    def _start_platform(self) -> tuple[Program, str]:
        known_by = self._credentials()
        env = {
            **surroundings(),
            **{f"SANDBOX_{name.upper()}": value for name, value in known_by.items()},
            "SANDBOX_REDIRECT_URI": f"{self.addresses.issuer}/link/x/callback",
        }
        options = ["--port", str(self.addresses.platform), "--state", str(self.state / "people.json")]
        return self._start("platform", script("sandbox/serve.py", *options), env), self.addresses.platform_url

    def _start_broker(self) -> tuple[Program, str]:
        self.broker("init")
        self._register_shop()
        options = ["--host", HOST, "--port", str(self.addresses.broker), "--workers", "1"]
        command = [console_script(), "serve", *options]
        return self._start("broker", command, self._broker_env()), f"{self.addresses.issuer}/health/ready"

    def _register_shop(self) -> None:
        """Let the shop write its registration and the broker's operator take it in, once."""
        home = self.state / "shop"
        answer = home / "client.json"
        if answer.exists():
            return
        told = ["--issuer", self.addresses.issuer, "--shop", self.addresses.shop_url, "--state", str(home)]
        run("shop", script("shop/register.py", *told), env=surroundings(), logs=self.logs)
        answer.write_text(self.broker("clients", "register", str(home / "registration.json")), "utf-8")

    def _start_shop(self) -> tuple[Program, str]:
        """Start the shop, which reads its registration when a customer first needs the broker."""
        told = ["--port", str(self.addresses.shop), "--issuer", self.addresses.issuer]
        command = script("shop/serve.py", *told, "--state", str(self.state / "shop"))
        return self._start("shop", command, surroundings()), self.addresses.shop_url

    def _start(self, name: str, command: list[str], env: dict[str, str]) -> Program:
        program = Program(name, command, env=env, logs=self.logs)
        self._open.callback(program.stop)
        self._programs.append(program)
        return program

    def _credentials(self) -> dict[str, str]:
        """Return what the broker is known by at the platform, made once; the platforms file says the same."""
        file = self.state / "platform-client.json"
        if not file.exists():
            made = {
                "client_id": "consent-broker-demo",
                "client_secret": secrets.token_urlsafe(32),
                "bearer_token": secrets.token_urlsafe(48),
            }
            write_secret(file, json.dumps(made))
            platforms = PLATFORMS.format(platform=self.addresses.platform_url, **made)
            write_secret(self.state / "platforms.toml", platforms)
        kept: dict[str, str] = json.loads(file.read_text("utf-8"))
        return kept

    def _broker_env(self) -> dict[str, str]:
        return {
            **surroundings(),
            "BROKER_ISSUER": self.addresses.issuer,
            "BROKER_DATABASE_URL": f"sqlite:///{self.database}",
            "BROKER_KEYS_DIR": str(self.state / "keys"),
            "BROKER_MARKS_DIR": str(self.state / "marks"),
            "BROKER_PLATFORMS_FILE": str(self.state / "platforms.toml"),
        }


def surroundings() -> dict[str, str]:
    """Return the environment without another broker's settings, and with no proxy before loopback."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BROKER_")}
    return {**kept, "NO_PROXY": f"{HOST},localhost", "no_proxy": f"{HOST},localhost"}


def script(name: str, *options: str) -> list[str]:
    """Return the command that runs one of the scripts."""
    return [sys.executable, str(SCRIPTS / name), *options]


def console_script() -> str:
    """Return the installed `broker` command, which stands beside this Python."""
    return str(Path(sys.executable).with_name("broker"))


def write_secret(file: Path, text: str) -> None:
    """Write a file that only its owner may read, from its first byte on."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
