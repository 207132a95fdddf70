"""Whole lives at a broker: everything that is kept of a person comes to be, and then the person is erased."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

from acts_of_platforms import seen
from acts_of_terms import contacted, objected, offered
from builders import (
    BROWSER,
    a_broker,
    a_pen,
    a_question,
    a_request,
    a_tag,
    an_account,
    an_identifier,
    asked,
    consented,
    proved,
    refused,
    registered,
    seeded_random,
)
from sheets import in_bulk

from broker.actions.broker import Broker
from broker.actions.erase_person import Order, erase_person
from broker.actions.find_traces import traces_of_account
from broker.actions.keep_log import keep_log
from broker.actions.linking import begin_link, new_attempt
from broker.actions.sign_in import sign_in
from broker.actions.withdraw_consent import relinquish_grant
from broker.core.client import Client
from broker.core.fingerprint import Fingerprint
from broker.core.identifiers import ProvenAccount
from broker.proof.highwater import HighWater, write_high_water
from broker.proof.journal import create_journal
from broker.proof.sdjwt import SdJwt
from broker.store.database import Database
from broker.store.flows import save_pushed
from broker.store.idempotency import claim_key, keep_answer
from broker.store.migrating import migrate
from broker.store.people import Person, find_person
from broker.store.tokens import Code, save_code

#: Somebody else, whom no erasure of Jane's may touch.
SAM = an_account("777000777", "SamWitness")
_SEEDS = count(1000)


def with_marks(broker: Broker, folder: Path) -> Broker:
    """Give a broker the folder outside its database, as `broker init` makes it."""
    create_journal(folder)
    write_high_water(folder, HighWater())
    return replace(broker, log=replace(broker.log, marks=folder))


def a_broker_on(database: Database, marks: Path, *, seed: int = 1, **options: Any) -> Broker:  # noqa: ANN401 - a_broker's own
    """Open a broker on a database whose folder of marks is there already."""
    broker = a_broker(database, seed=seed, **options)
    return replace(broker, log=replace(broker.log, marks=marks))


@dataclass
class Life:
    """What a person has left here: their account, under two handles, and what must be found nowhere afterwards."""

    account: ProvenAccount
    earlier: ProvenAccount
    clients: list[Client] = field(default_factory=list)
    grants: list[str] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)

    @property
    def emails(self) -> list[str]:
        """The records that the account was tied to, or was not."""
        words = ("first", "second", "refused", "ground", "bought", "pushed", "dev")
        return [f"{word}.of.{self.account.handle.lower()}@mailbox.example" for word in words]

    @property
    def canaries(self) -> set[str]:
        """What names the person."""
        return {self.account.account.id, self.account.handle, self.earlier.handle, *self.emails}


def a_life(broker: Broker, account: ProvenAccount | None = None, clients: list[Client] | None = None) -> Life:
    """Let everything happen to a person that leaves anything here."""
    now = account or an_account()
    life = Life(account=now, earlier=ProvenAccount(account=now.account, handle=f"{now.handle}_old"))
    asking = {"purposes": ("customer-care", "contact")}
    life.clients = clients or [registered(broker, **asking), registered(broker, **asking)]
    shop, other = life.clients
    first, second, no, ground, bought, pushed, _dev = map(an_identifier, life.emails)
    kept = [
        consented(broker, shop, life.earlier, identifier=first, **asking),
        consented(broker, shop, now, identifier=first, **asking),
        consented(broker, other, now, identifier=second, **asking),
    ]
    life.grants = [record.grant_id for record in kept]
    refused(broker, other, now, identifier=no)
    by_handle = {"account_id": None, "handle": now.handle}
    for named in ({"account_id": now.account.id}, by_handle):
        offered(broker, shop, a_tag(), identifier=ground, **named)
        offered(broker, shop, a_tag(origin="bought"), identifier=bought, **named)
    for question in (a_question(now, identifier=first), a_question(now, identifier=first, **by_handle)):
        assert asked(broker, shop, question).decision.permitted
    assert contacted(broker, shop, now, Fingerprint(sha256=b"s" * 32, simhash=1), identifier=first).decision.permitted
    in_bulk(broker, shop, now, broker.blinder.identifier(shop.client_id, first), grant=kept[1].grant_id)
    # Somebody who never had a consent asks by the handle alone, and the browser says what it thinks of that.
    asked(broker, registered(broker, client_name="Fabrikam"), a_question(now, identifier=first, **by_handle))
    proved(broker, now, None, gpc=True)
    objected(broker, now, to=other.client_id)
    with broker.database.transaction() as tx:
        relinquish_grant(tx, broker, client_id=other.client_id, grant_id=kept[2].grant_id)
    for gone in (True, False):
        seen(broker, now, gone=gone, protected=True)
    _under_way(broker, life, pushed.value)
    return life


def _under_way(broker: Broker, life: Life, email: str) -> None:
    """Leave what lives for minutes: a visit, an attempt to link, a pushed request, a code, an answer kept."""
    shop = life.clients[0]
    asking = a_request(shop, identifier=an_identifier(email), handle=life.account.handle, purposes=("customer-care",))
    proved(broker, life.account, asking)
    with broker.database.transaction() as tx:
        person = person_of(broker, life, tx)
        life.sessions = [sign_in(tx, broker, person) for _ in range(2)]
        begin_link(tx, broker, platform="x", attempt=new_attempt(broker, "x"), request=asking, browser=BROWSER)
        end = broker.now()
        save_pushed(tx, f"urn:{email}", asking.sealed_form(), client_id=shop.client_id, expires_at=end,
                    store=broker.sealer)  # fmt: skip
        code = Code(account=person.key, client_id=shop.client_id, grant_id=life.grants[1], redirect_uri="", scope="",
                    challenge="", expires_at=end)  # fmt: skip
        save_code(tx, f"code of {email}", code)
        key = {"client_id": shop.client_id, "key": broker.blinder.request(shop.client_id, f"key of {email}")}
        claim_key(tx, **key, fingerprint=b"f" * 32, now=end, ends=end, store=broker.sealer)
        keep_answer(tx, **key, answer={"about": email}, store=broker.sealer, account=person.key)


def in_dev(broker: Broker, life: Life) -> None:
    """Let the person answer a business that is in development, too: its people are others."""
    client = registered(broker, environment="dev", client_name="Northwind Bikes (dev)")
    record = consented(broker, client, life.account, identifier=an_identifier(life.emails[-1]))
    life.clients.append(client)
    life.grants.append(record.grant_id)


def person_of(broker: Broker, life: Life, tx: Any) -> Person:  # noqa: ANN401 - a transaction
    """The person behind a life."""
    person = find_person(tx, broker.sealer, broker.blinder.account(life.account.account))
    assert person is not None
    return person


def erased(broker: Broker, account: ProvenAccount | None = None, **order: Any) -> SdJwt:  # noqa: ANN401 - any field of an order
    """Erase a person, in a transaction of its own."""
    whose = (account or an_account()).account
    with broker.database.transaction() as tx:
        order.setdefault("erasure_id", broker.new_id())
        return erase_person(tx, broker, traces_of_account(tx, broker, whose), Order(**order))


@dataclass
class Home:
    """A broker's home on this machine: a SQLite file, the folder of marks, and whose life is in it."""

    folder: Path
    life: Life

    @property
    def file(self) -> Path:
        """The database's file."""
        return self.folder / "broker.db"

    @property
    def marks(self) -> Path:
        """What must never be put back together with the database."""
        return self.folder / "marks"

    @cached_property
    def database(self) -> Database:
        """The database; its engine keeps the statements that were compiled, also when the file is another one."""
        return Database(f"sqlite:///{self.file}", pen=replace(a_pen(), random=seeded_random(next(_SEEDS))))

    def broker(self, **options: Any) -> Broker:  # noqa: ANN401 - a_broker's own
        """Open a broker here; what it draws no other one has drawn."""
        return a_broker_on(self.database, self.marks, seed=next(_SEEDS), **options)

    def copied(self, folder: Path) -> Home:
        """Copy all of it; nobody may be writing."""
        return Home(Path(copytree(self.folder, folder)), self.life)

    def becomes(self, other: Home) -> None:
        """Put everything here back to what lies there."""
        self.database.close()
        rmtree(self.folder)
        copytree(other.folder, self.folder)

    def back_up(self) -> bytes:
        """The database as it is now, in one file."""
        with closing(sqlite3.connect(self.file)) as raw:
            return raw.serialize()

    def restore(self, backup: bytes) -> None:
        """Put a backup of the database back; the marks stay as they are."""
        self.database.close()
        for path in self.folder.glob("broker.db*"):
            path.unlink()
        self.file.write_bytes(backup)


def a_home(folder: Path) -> Home:
    """Let a person live at a broker of its own, beside somebody else; its log is kept up to then."""
    home = Home(folder, Life(account=an_account(), earlier=an_account()))
    migrate(home.database)
    broker = with_marks(home.broker(), home.marks)
    home.life = a_life(broker)
    in_dev(broker, home.life)
    consented(broker, home.life.clients[0], SAM, identifier=an_identifier("sam@mailbox.example"))
    keep_log(broker)
    home.database.close()
    return home
