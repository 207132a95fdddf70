"""What tests of the store and of the verbs are built from: whole, plausible, and changed only where a test says so."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier
from typing import Any, TypeVar

from broker.actions.broker import Broker, Log
from broker.actions.decide_match import Answer, decide_match
from broker.actions.gather_facts import Question
from broker.actions.linking import (
    ConsentRequest,
    Proved,
    begin_link,
    claim_callback,
    new_attempt,
    open_proved,
    record_proof,
)
from broker.actions.record_consent import Choice, record_consent
from broker.actions.refuse_consent import refuse_consent
from broker.actions.register_client import register_client
from broker.core.blinding import Blinder
from broker.core.client import Client, Registration
from broker.core.consent import ConsentRecord
from broker.core.evidence import Disclosure, Provenance, Source
from broker.core.identifiers import Identifier, PlatformAccount, ProvenAccount
from broker.core.notice import Notice, OfferedPurpose
from broker.errors import BrokerError
from broker.platforms.client import Credentials
from broker.platforms.x import ADDRESSES, X
from broker.policies import load_policies, load_screen
from broker.proof.keyfiles import KeyFolder, open_ring
from broker.proof.keymaking import create_keys
from broker.proof.keyring import KeyRing
from broker.proof.masters import LocalMaster
from broker.proof.receipt import Party
from broker.proof.smiths import Custody, LocalSmith
from broker.store.columns import metadata
from broker.store.database import Database
from broker.store.partitions import is_part
from broker.store.trail import Pen
from broker.store.transaction import Transaction

AnyDatabase = TypeVar("AnyDatabase", bound=Database)
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
#: Every purpose that no consent lifts, with the clause that says so.
CLAUSE_OF_PROHIBITED = {
    "sensitive-inference": "SENSITIVE-1",
    "platform-benchmarking": "MEASURE-1",
    "surveillance": "SURVEILLANCE-1",
    "event-monitoring": "SURVEILLANCE-2",
    "group-tracking": "SURVEILLANCE-3",
    "background-check": "SURVEILLANCE-4",
    "credit-risk": "SURVEILLANCE-5",
    "insurance-risk": "SURVEILLANCE-5",
    "profiling": "SURVEILLANCE-6",
    "facial-recognition": "SURVEILLANCE-7",
}
BROWSER = "the browser that began"


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The time."""
        return self.now

    def passes(self, **length: float) -> None:
        """Let time go by, in the words of timedelta."""
        self.now += timedelta(**length)


def seeded_random(seed: int = 1) -> Callable[[int], bytes]:
    """Randomness that is the same in every run."""
    return random.Random(seed).randbytes  # noqa: S311 - a test wants its run again, not secrecy


def an_id(word: str) -> str:
    """An id in the broker's own form that says what it is of."""
    return f"{''.join(filter(str.isalpha, word.lower())):2<26}"


@cache
def the_keys() -> KeyRing:
    """Real keys, made once a run."""
    with TemporaryDirectory() as home:
        folder = a_key_folder(Path(home), random=seeded_random(0))
        create_keys(folder, now=NOON)
        return open_ring(folder)


def a_key_folder(
    home: Path,
    *masters: bytes,
    random: Callable[[int], bytes] = seeded_random(0),  # noqa: B008 - repeatable
) -> KeyFolder:
    """A folder for keys under these master keys, the newest last."""
    master = LocalMaster(masters or (b"m" * 32,), random)
    return KeyFolder(path=home / "keys", custody=Custody(master, LocalSmith(random)), random=random)


@dataclass(frozen=True)
class StillKeys:
    """Keys that nobody rotates."""

    keys: KeyRing

    def current(self) -> KeyRing:
        """Always the same."""
        return self.keys

    def trouble(self) -> str | None:
        """None."""
        return None


def a_pen() -> Pen:
    """What the rows of a test are written with."""
    return Pen(key=b"p" * 32, random=seeded_random(2), now=lambda: NOON)


#: The documents as shipped, read once a run.
the_policies, the_screen = cache(load_policies), cache(load_screen)


def but_parts(name: str, kind: str, _parents: object) -> bool:
    """Whether Alembic is to look at a thing of that name: not at parts of tables, which nobody's code names."""
    return kind != "table" or not is_part(name)


def emptied(database: AnyDatabase) -> AnyDatabase:
    """Take every row out of a database that was migrated once for many tests."""
    with database.engine.begin() as tx:
        deletes = [f"DELETE FROM {name}" for name in metadata.tables]  # noqa: S608 - tables of our own
        # PostgreSQL takes them all in one go, which is a part of every test there.
        for statement in ["; ".join(deletes)] if tx.dialect.name == "postgresql" else deletes:
            tx.exec_driver_sql(statement)
    return database


def a_platform() -> X:
    """X at its real addresses; no test here calls it."""
    return X(credentials=Credentials(client_id="an application", client_secret="its secret"), addresses=ADDRESSES)


def a_log(keys: KeyRing, *, marks: Path = Path("nowhere"), clock: Callable[[], datetime] | None = None) -> Log:
    """The log of the broker under test; only a test that keeps it needs a place for its marks."""
    return Log(origin="consent.example/log", source=StillKeys(keys), marks=marks, now=clock or Clock())


def a_broker(database: Database, *, clock: Callable[[], datetime] | None = None, seed: int = 1) -> Broker:
    """A whole broker on *database*, with a clock of the test's and randomness that comes again."""
    issuer, keys, randomness = "https://consent.example", the_keys(), seeded_random(seed)
    return Broker(
        issuer=issuer,
        party=Party(id=issuer, name="Consent broker", contact="privacy@consent.example"),
        database=database,
        source=StillKeys(keys),
        log=a_log(keys),
        blinder=Blinder(keys.blinding),
        policies=the_policies(),
        screen=the_screen(),
        platforms={"x": a_platform()},
        location="DE",
        now=clock or Clock(),
        random=randomness,
    )


def a_registration(**changes: Any) -> Registration:  # noqa: ANN401 - any field of it
    registration = Registration(
        client_name="Northwind Bikes",
        client_uri="https://northwind.example",
        redirect_uris=("https://northwind.example/linked",),
        jwks={"keys": []},
        contacts=("privacy@northwind.example",),
        policy_uri=None,
        tos_uri=None,
        scopes=("match", "consent"),
        owner="Northwind",
        environment="prod",
        use_case="Answer customers on the platform they write from.",
        purposes=("customer-care", "newsletter"),
        platforms=("x",),
        brands=(),
        agreements={},
    )
    return replace(registration, **changes)


def an_identifier(value: str = "jane.canary@mailbox.example") -> Identifier:
    return Identifier(kind="person", type="email", value=value)


def an_account(id: str = "2244994945", handle: str = "JaneCanary") -> ProvenAccount:  # noqa: A002 - the platform's word
    return ProvenAccount(account=PlatformAccount(platform="x", id=id), handle=handle)


def a_request(client: Client, **changes: Any) -> ConsentRequest:  # noqa: ANN401 - any field of it
    request = ConsentRequest(
        client_id=client.client_id,
        environment=client.registration.environment,
        oauth={"redirect_uri": "https://northwind.example/linked", "state": "the client's own"},
        platform="x",
        identifier=an_identifier(),
        purposes=("customer-care", "newsletter"),
        valid_for="P1Y",
        locale="en",
        handle=None,
        brand=None,
    )
    return replace(request, **changes)


def a_choice(proved: Proved, *purposes: str, gpc: bool = False) -> Choice:
    """What a person did on the page that shows *proved*, with these boxes ticked."""
    asked = proved.request.purposes if proved.request else ()
    masked = proved.request.identifier.masked() if proved.request else ""

    def worded(handle: str, identifier: str) -> Notice:
        return Notice(
            language="en",
            heading="Northwind Bikes asks to link your X account to its record about you",
            sentences=(f"If you allow it, Northwind Bikes ties @{handle} on X to the e-mail address {identifier}.",),
            purposes_heading="What may the link be used for?",
            purposes=tuple(OfferedPurpose(id=name, title=name, explanation=f"For {name}.") for name in asked),
            closing=("You can take it back at any time.",),
        )

    notice, left_open = worded(proved.proven.handle, masked), worded("{handle}", "{identifier}")
    return Choice(proved=proved, notice=notice, text=left_open.words(), purposes=purposes, gpc=gpc)


def a_question(account: ProvenAccount | None = None, **changes: Any) -> Question:  # noqa: ANN401 - any field of it
    """Whether the account may be tied to the identifier, by its permanent id."""
    asked = account or an_account()
    question = Question(
        platform="x",
        account_id=asked.account.id,
        handle=None,
        identifier=an_identifier(),
        purpose="customer-care",
    )
    return question._replace(**changes)


def a_tag(tag: str = "user_provided", kind: str = "directory", **changes: Any) -> Provenance:  # noqa: ANN401 - any field of it
    """What a client says it has a handle from, whole, with the purpose that tests ask for among those expected."""
    given = Provenance(
        tag=tag,
        expected_purposes=("customer-care",),
        collected_at=NOON - timedelta(days=30),
        channel="signup-form",
        relationship="customer",
        disclosure=Disclosure(url="https://northwind.example/privacy", version="3", sha256="0" * 64),
    )
    if tag == "public":
        given = Provenance(tag=tag, expected_purposes=("customer-care",), source=a_source(kind))
    return replace(given, **changes)


def a_source(kind: str = "directory", **changes: Any) -> Source:  # noqa: ANN401 - any field of it
    """A public source, with everything that its kind must carry."""
    seen = NOON - timedelta(days=3)
    if kind == "platform":
        return replace(Source(kind=kind, retrieved_at=seen, field="bio"), **changes)
    url = "https://architects.example/directory/jane"
    source = replace(Source(kind=kind, retrieved_at=seen, url=url, sha256="0" * 64), **changes)
    return replace(source, cited=source.cited or source.url)


@contextmanager
def undone(database: Database) -> Iterator[Transaction]:
    """A transaction whose last step fails for a reason of its own."""
    with suppress(ZeroDivisionError), database.transaction() as tx:
        yield tx
        raise ZeroDivisionError


def all_at_once(count: int, act: Callable[[int], Any]) -> list[Any]:
    """Run act(0) ... act(count - 1) in threads that start together; return what each gave back, or raised."""
    barrier = Barrier(count)

    def one(number: int) -> Any:  # noqa: ANN401 - whatever act gives
        barrier.wait(timeout=10)
        try:
            return act(number)
        except BrokerError as failure:
            return failure

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


# --- whole acts, each in a transaction of its own ------------------------------------------------------------


def registered(broker: Broker, **changes: Any) -> Client:  # noqa: ANN401 - any field of a registration
    """Register a client, of an owner of its own unless *changes* says otherwise: one owner, one use case."""
    changes.setdefault("owner", f"owner {broker.new_id()}")
    with broker.database.transaction() as tx:
        return register_client(tx, broker, a_registration(**changes))


def proved(broker: Broker, account: ProvenAccount, request: ConsentRequest | None, *, gpc: bool = False) -> Proved:
    """Walk a person through linking, up to the page with the notice; *gpc* is what their browser signals."""
    platform = account.account.platform
    attempt = new_attempt(broker, platform)
    with broker.database.transaction() as tx:
        link_id = begin_link(tx, broker, platform=platform, attempt=attempt, request=request, browser=BROWSER)
    with broker.database.transaction() as tx:
        link, _ = claim_callback(tx, broker, platform=platform, state=attempt.state, browser=BROWSER)
        record_proof(tx, broker, link, account, browser=BROWSER, gpc=gpc)
        return open_proved(tx, broker, link_id, browser=BROWSER)


def consented(
    broker: Broker,
    client: Client,
    account: ProvenAccount | None = None,
    *purposes: str,
    **changes: Any,  # noqa: ANN401
) -> ConsentRecord:
    """Let a person say yes to what *client* asks, for these purposes or for all."""
    request = a_request(client, **changes)
    seen = proved(broker, account or an_account(), request)
    with broker.database.transaction() as tx:
        return record_consent(tx, broker, client, a_choice(seen, *(purposes or request.purposes)))


def refused(broker: Broker, client: Client, account: ProvenAccount | None = None, **changes: Any) -> str:  # noqa: ANN401
    """Let a person say no to what *client* asks."""
    seen = proved(broker, account or an_account(), a_request(client, **changes))
    with broker.database.transaction() as tx:
        return refuse_consent(tx, broker, client, a_choice(seen))


def asked(broker: Broker, client: Client, question: Question | None = None) -> Answer:
    with broker.database.transaction() as tx:
        return decide_match(tx, broker, client, question or a_question())
