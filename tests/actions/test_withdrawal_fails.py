"""Every way to withdraw, over HTTP, with each of its statements failing in turn: never a 2xx, never half done.

A statement or the commit fails; or the commit is done and its answer lost. Whoever asked is told that it is not known,
and asking again is calm and makes it so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest
from acts_of_terms import offered
from builders import (
    NOON,
    Clock,
    a_broker,
    a_request,
    a_tag,
    an_account,
    consented,
    registered,
)
from flask.testing import FlaskClient
from harness.business import ASSERTION_TYPE, new_key
from invariants import assert_sound
from joserfc import jwt
from lives import with_marks
from raw_rows import Rows, all_rows
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from watched import WatchedDatabase
from werkzeug.test import TestResponse

from broker.actions.broker import Broker
from broker.actions.linking import begin_link, claim_callback, new_attempt, record_proof
from broker.actions.read_grant import withdrawal_uri
from broker.actions.replay_erasures import replay_erasures
from broker.actions.sign_in import sign_in
from broker.actions.withdraw_consent import relinquish_grant
from broker.app import create_app
from broker.core.client import Client
from broker.core.consent import ConsentRecord, ConsentStatus
from broker.oauth.models import GrantUser, OAuthClient
from broker.oauth.tokens import issue_token, read_token
from broker.store.columns import metadata
from broker.store.consents import find_consent
from broker.store.database import Database
from broker.store.objections import list_objections
from broker.store.people import Person, find_person
from broker.store.receipts import find_receipt
from broker.store.tokens import token_revoked
from broker.web.security import BROWSER_COOKIE, PERSON_COOKIE

#: More statements than any of them has: a loop that reaches it never ends by itself.
TOO_MANY = 200


@dataclass
class Failing:
    """Lets one thing asked of the database fail before it is done; at 0, lets the answer to a commit be lost.

    It is the first from the *at*-th on that is not *spared*; ``failed`` is which that was, 0 where there was none.
    *lost* says which commit's answer is lost: what only looks commits, too.
    """

    at: int = 0
    spared: Collection[str] = ()
    lost: int = 1
    places: list[str] = field(default_factory=list)
    failed: int = 0

    def asked(self, place: str) -> None:
        """Something is about to be asked."""
        self.places.append(place)
        if not self.failed and 0 < self.at <= len(self.places) and place not in self.spared:
            self.failed = len(self.places)
            raise OperationalError(place, {}, RuntimeError("the connection is gone"))

    def committed(self) -> None:
        """A commit was answered."""
        if not self.at and self.places.count("COMMIT") == self.lost:
            raise OperationalError("COMMIT", {}, RuntimeError("the connection is gone"))


@contextmanager
def failing(database: Database, how: Failing) -> Iterator[None]:
    """Let statements and commits fail, a BEGIN among them."""
    dialect, real = database.engine.dialect, database.engine.dialect.do_commit

    def commit(connection: object) -> None:
        how.asked("COMMIT")
        real(connection)
        how.committed()

    def statement(_connection: object, _cursor: object, text: str, *_rest: object) -> None:
        how.asked(text)

    event.listen(database.engine, "before_cursor_execute", statement)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dialect, "do_commit", commit)
        try:
            yield
        finally:
            event.remove(database.engine, "before_cursor_execute", statement)


@dataclass(frozen=True)
class Scene:
    """Jane, signed in and with a consent, before a broker that is asked in this process."""

    broker: Broker
    client: Client
    record: ConsentRecord
    session: str
    capability: str
    http: FlaskClient

    def form(self, path: str, *secrets: str, cookie: str = PERSON_COOKIE, **fields: str) -> TestResponse:
        """Send a form as a browser does."""
        csrf = self.broker.blinder.form(*secrets)
        self.http.set_cookie(cookie, secrets[0] if secrets else "", domain="localhost")
        return self.http.post(path, data={"csrf": csrf, **fields})

    def deletes(self, path: str, *, scope: str) -> Callable[[], TestResponse]:
        """Return how the business deletes something."""
        of_its_own = {"scope": scope, "token_id": self.broker.new_id(), "user": None}
        token = issue_token(self.broker, client=OAuthClient(self.client), **of_its_own)
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        return partial(self.http.delete, path, headers=headers)

    def objects(self) -> bool:
        """Whether an objection of Jane's is on record."""
        with Database.transaction(self.broker.database) as tx:
            return bool(list_objections(tx, self.record.account))

    def status(self) -> ConsentStatus | None:
        """What the consent is now; None when Jane is gone."""
        with Database.transaction(self.broker.database) as tx:
            record = find_consent(tx, self.record.account, self.record.grant_id)
        return record and record.status_at(self.broker.now())


@dataclass(frozen=True)
class Way:
    """One way to withdraw: what is sent, and whether it counts by now. Repeating it is answered with *again*."""

    send: Callable[[], TestResponse]
    done: Callable[[], bool]
    statements: int
    again: frozenset[int] = frozenset({200, 204, 303})
    #: Whether a journal outside the database makes it so even when the commit does not.
    journalled: bool = False


def a_scene(broker: Broker, *, key: dict[str, object] | None = None) -> Scene:
    client = registered(broker, jwks={"keys": [key] if key else []})
    record = consented(broker, client)
    with broker.database.transaction() as tx:
        person = find_person(tx, broker.sealer, record.account)
        assert isinstance(person, Person)
        receipt = find_receipt(tx, record.account, record.receipt_id, store=broker.sealer, person=person.sealer)
        assert receipt is not None
        session = sign_in(tx, broker, person)
    capability = withdrawal_uri(receipt).rpartition("/")[2]
    return Scene(broker, client, record, session, capability, create_app(broker).test_client())


def by_the_button(broker: Broker) -> Way:
    scene = a_scene(broker)
    send = partial(scene.form, "/consents/withdraw", scene.session, grant_id=scene.record.grant_id)
    return Way(send, lambda: scene.status() is ConsentStatus.WITHDRAWN, 20)


def by_the_link(broker: Broker) -> Way:
    scene = a_scene(broker)
    send = partial(scene.form, f"/consents/{scene.capability}", scene.capability, choice="withdraw")
    return Way(send, lambda: scene.status() is ConsentStatus.WITHDRAWN, 20)


def all_at_once(broker: Broker) -> Way:
    scene = a_scene(broker)
    other = consented(broker, registered(broker))
    both = (scene, replace(scene, record=other))
    send = partial(scene.form, "/consents/withdraw-all", scene.session)
    return Way(send, lambda: {one.status() for one in both} == {ConsentStatus.WITHDRAWN}, 30)


def on_an_old_page(broker: Broker) -> Way:
    """Jane has said yes again since her page was shown: what ends is what came of it."""
    scene = a_scene(broker)
    since = replace(scene, record=consented(broker, scene.client))
    send = partial(scene.form, "/consents/withdraw", scene.session, grant_id=scene.record.grant_id)
    return Way(send, lambda: since.status() is ConsentStatus.WITHDRAWN, 20)


def what_the_business_gave_up(broker: Broker) -> Way:
    """It ended a moment ago without Jane: her word is kept all the same."""
    scene = a_scene(broker)
    with broker.database.transaction() as tx:
        relinquish_grant(tx, broker, client_id=scene.client.client_id, grant_id=scene.record.grant_id)
    send = partial(scene.form, "/consents/withdraw", scene.session, grant_id=scene.record.grant_id)
    return Way(send, scene.objects, 6)


def by_the_business(broker: Broker) -> Way:
    scene = a_scene(broker)
    send = scene.deletes(f"/v1/grants/{scene.record.grant_id}", scope="consent")
    return Way(send, lambda: scene.status() is ConsentStatus.REVOKED, 15)


def an_association_is_given_up(broker: Broker) -> Way:
    scene = a_scene(broker)
    ground = offered(broker, scene.client, a_tag()).ground
    assert ground is not None
    send = scene.deletes(f"/v1/associations/{ground.association_id}", scope="match")
    return Way(send, lambda: not rows(broker.database)["grounds"], 3, again=frozenset({404}))


def by_revoking_the_token(broker: Broker) -> Way:
    key = new_key()
    scene = a_scene(broker, key={**key.as_dict(private=False), "use": "sig", "alg": "ES256"})
    user = GrantUser(pairwise="jane", account=scene.record.account, grant_id=scene.record.grant_id)
    token = str(issue_token(broker, client=OAuthClient(scene.client), scope="consent", token_id=broker.new_id(), user=user)["access_token"])  # fmt: skip  # noqa: E501
    read, now, name = read_token(broker, token), int(NOON.timestamp()), scene.client.client_id
    assert read is not None

    def send() -> TestResponse:
        claims = {"iss": name, "sub": name, "aud": broker.issuer, "iat": now, "exp": now + 60, "jti": broker.new_id()}
        signed = jwt.encode({"alg": "ES256", "kid": key.thumbprint()}, claims, key, algorithms=["ES256"])
        fields = {"token": token, "client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}
        return scene.http.post("/oauth/revoke", data=fields)

    def done() -> bool:
        with Database.transaction(broker.database) as tx:
            return token_revoked(tx, read.token_id)

    return Way(send, done, 3)


def objecting(broker: Broker, *, to_one: bool = False) -> Way:
    scene = a_scene(broker)
    to = {"client_id": scene.client.client_id} if to_one else {}
    return Way(partial(scene.form, "/consents/object", scene.session, choice="object", **to), scene.objects, 6)


def refusing(broker: Broker) -> Way:
    scene, browser, attempt = a_scene(broker), "b" * 43, new_attempt(broker, "x")
    oauth = {
        "client_id": scene.client.client_id, "response_type": "code", "redirect_uri": "https://northwind.example/linked",
        "state": "s" * 16, "code_challenge": "c" * 43, "code_challenge_method": "S256",
    }  # fmt: skip
    asked_for = a_request(scene.client, oauth=oauth)
    with broker.database.transaction() as tx:
        link_id = begin_link(tx, broker, platform="x", attempt=attempt, request=asked_for, browser=browser)
        link, _ = claim_callback(tx, broker, platform="x", state=attempt.state, browser=browser)
        record_proof(tx, broker, link, an_account(), browser=browser)
    secrets = browser, link_id, str(broker.policies.meanings)
    send = partial(scene.form, f"/consent/{link_id}", *secrets, cookie=BROWSER_COOKIE, choice="refuse")
    return Way(send, lambda: bool(rows(broker.database)["refusals"]), 15, again=frozenset({400}))


def erasing(broker: Broker) -> Way:
    scene = a_scene(broker)
    send = partial(scene.form, "/consents/erase", scene.session, "erase", choice="erase")
    return Way(send, lambda: scene.status() is None, 40, again=frozenset({401}), journalled=True)


WAYS = {
    "the button on the page": by_the_button,
    "the link in the receipt": by_the_link,
    "the button on an old page": on_an_old_page,
    "what the business gave up before": what_the_business_gave_up,
    "everything at once": all_at_once,
    "the business gives it up": by_the_business,
    "an association is given up": an_association_is_given_up,
    "the token is revoked": by_revoking_the_token,
    "an objection to all": objecting,
    "an objection to one": partial(objecting, to_one=True),
    "a refusal": refusing,
    "erasing": erasing,
}


def rows(database: Database) -> Rows:
    """Read every row."""
    with Database.transaction(database) as tx:
        return all_rows(tx)


def lying(database: Database) -> dict[str, list[str]]:
    """Read every row as it lies there, in an order of its own; it is done after each failure, and quick."""
    with database.engine.connect() as raw:
        found = {name: raw.exec_driver_sql(f'SELECT * FROM "{name}"').fetchall() for name in metadata.tables}  # noqa: S608
    return {name: sorted(repr(tuple(row)) for row in content) for name, content in found.items()}


KINDS = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
both_kinds = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def kept(kind: str, request: pytest.FixtureRequest, clock: Clock, tmp_path: Path) -> Broker:
    """Give a broker with the journal that an erasure is written to."""
    database: WatchedDatabase = request.getfixturevalue(f"{kind}_database")
    database.broker = None
    return with_marks(a_broker(database, clock=clock), tmp_path)


def told(answer: TestResponse) -> None:
    """Hold that this says plainly that nobody knows."""
    assert answer.status_code == 503, answer.status
    assert "not known" in answer.text


@both_kinds
@every_way
def test_whatever_fails_on_the_way_nobody_is_told_that_it_is_done(kept: Broker, way: Callable[[Broker], Way]) -> None:
    """Each statement on SQLite, each text on PostgreSQL: what differs there is what is left of a transaction."""
    one, database, tried = way(kept), kept.database, list[str]()
    before, how = lying(database), Failing()
    while len(tried) < TOO_MANY:
        spared = tried if database.engine.dialect.name == "postgresql" else ()
        with failing(database, how := Failing(at=how.failed + 1, spared=spared)):
            answer = one.send()
        if not how.failed:
            break
        tried.append(how.places[how.failed - 1])
        told(answer)
        replay_erasures(kept)
        if one.done():  # the journal had it by then: it was carried out from there, and Jane comes again
            assert one.journalled
            one = way(kept)
            before = lying(database)
        assert before == lying(database)
    assert one.statements < len(how.places) < TOO_MANY
    assert set(how.places) == set(tried)
    assert answer.status_code in {200, 204, 303}
    assert one.done()
    assert_sound(database, kept)


@both_kinds
@every_way
def test_when_the_answer_to_the_commit_is_lost_it_counts_and_asking_again_is_calm(
    kept: Broker, way: Callable[[Broker], Way]
) -> None:
    one, lost = way(kept), 0
    while not one.done():
        lost += 1
        with failing(kept.database, Failing(lost=lost)):
            told(one.send())
        assert lost < TOO_MANY
    assert one.send().status_code in one.again
    assert one.done()
    assert_sound(kept.database, kept)
