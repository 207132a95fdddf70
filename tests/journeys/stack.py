"""A small town for the journeys: a platform with few people, the broker, and the shop; each a process of its own."""

import json
import sys
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from harness import wire
from harness.programs import Program, free_port
from harness.running import CHECKOUT, RunningBroker

CLIENT_ID = "broker-at-the-town"
CLIENT_SECRET = "town-secret-of-the-journeys"
BEARER_TOKEN = "town-token-of-the-application"
#: Enough for every journey to be somebody else; few enough to walk through with the arrow keys.
PEOPLE = 150
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Account:
    """An account at the platform."""

    id: str
    handle: str


class Town:
    """Everything a journey walks through. Cookies of all three share one host, as in a demonstration."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._people = iter([Account(str(8_200_000_000 + n), f"visitor_{n:02}") for n in range(PEOPLE)])
        self._emails = count(1)
        self.platform_url, self.shop_url = (f"http://{HOST}:{free_port()}" for _ in range(2))
        broker_port = free_port()
        self.platform = self._start_platform(f"http://{HOST}:{broker_port}/link/x/callback")
        database = f"sqlite:///{home / 'broker.db'}"
        self.broker = RunningBroker(home, port=broker_port, database_url=database, platforms=self._section(), workers=1)
        self.shop = self._start_shop()

    @property
    def issuer(self) -> str:
        """The broker's address."""
        return self.broker.issuer

    def newcomer(self) -> Account:
        """Return an account that no journey has been."""
        return next(self._people)

    def email(self) -> str:
        """Return an address of nobody else."""
        return f"erika.mustermann+{next(self._emails)}@post.example.com"

    def rehearses(self, **faults: object) -> None:
        """Let the platform fail in these ways, and in no others."""
        answer = wire.post(f"{self.platform_url}/sandbox/faults", json=faults)
        if answer.status_code != 200:
            raise AssertionError(answer.text)

    def changes(self, account: Account, what: str, **how: str) -> None:
        """Let an account be renamed or marked at the platform, and let the broker's operator ask how all are."""
        answer = wire.post(f"{self.platform_url}/people/{what}", data={"person": account.id, **how})
        if answer.status_code != 303:
            raise AssertionError(answer.text)
        self.broker.command("recheck", "--platform", "x")

    def stop(self) -> None:
        """End all three, the last started first."""
        for program in (self.shop, self.broker, self.platform):
            program.stop()

    def _start_platform(self, callback: str) -> Program:
        state = self.home / "people.json"
        everybody = [Account(str(8_200_000_000 + n), f"visitor_{n:02}") for n in range(PEOPLE)]
        people = [{"id": one.id, "username": one.handle, "name": f"Visitor {one.id[-2:]}"} for one in everybody]
        state.write_text(json.dumps({"people": people, "released": []}))
        options = ["--state", str(state), "--client-id", CLIENT_ID, "--client-secret", CLIENT_SECRET]
        options += ["--bearer-token", BEARER_TOKEN]
        return self._start("sandbox/serve.py", self.platform_url, [*options, "--redirect-uri", callback])

    def _start_shop(self) -> Program:
        told = ["--issuer", self.issuer, "--state", str(self.home / "shop")]
        register = Program(script("shop/register.py", "--shop", self.shop_url, *told), log=self.home / "register.log")
        if register.process.wait(timeout=60):
            raise RuntimeError(register.tail())
        answer = self.broker.command("clients", "register", str(self.home / "shop" / "registration.json"))
        (self.home / "shop" / "client.json").write_text(answer)
        return self._start("shop/serve.py", self.shop_url, told)

    def _start(self, name: str, url: str, options: list[str]) -> Program:
        command = script(name, "--port", url.rpartition(":")[2], *options)
        program = Program(command, log=self.home / f"{name.partition('/')[0]}.log")
        program.until(program.answers(f"{url}/"))
        return program

    def _section(self) -> str:
        return (
            f'[x]\nclient_id = "{CLIENT_ID}"\nclient_secret = "{CLIENT_SECRET}"\n'
            f'authorize_url = "{self.platform_url}/i/oauth2/authorize"\n'
            f'token_url = "{self.platform_url}/2/oauth2/token"\n'
            f'userinfo_url = "{self.platform_url}/2/users/me"\nrevoke_url = "{self.platform_url}/2/oauth2/revoke"\n'
            f'bearer_token = "{BEARER_TOKEN}"\nusers_url = "{self.platform_url}/2/users"\n'
        )


def script(name: str, *options: str) -> list[str]:
    """Return the command that runs one of the demonstration's programs."""
    return [sys.executable, str(CHECKOUT / "scripts" / name), *options]
