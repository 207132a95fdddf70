"""A person said yes: record, association, receipt, leaf and event in one transaction."""

from __future__ import annotations

from dataclasses import dataclass

from broker.actions.broker import Broker
from broker.actions.issue_receipt import Draft, account_disclosure, identifier_disclosure, issue_receipt
from broker.actions.linking import ConsentRequest, Proved
from broker.actions.withdraw_consent import end_renewed
from broker.core.case import Case
from broker.core.client import Client
from broker.core.consent import ConsentRecord, ConsentStatus
from broker.core.decide import forbidden
from broker.core.identifiers import Association, Identifier, OffPlatformId
from broker.core.notice import Notice, words_digest
from broker.errors import FlowBroken, PolicyRefused
from broker.proof.receipt import ACCOUNT, IDENTIFIER, WORDS, Event, NoticeRef
from broker.proof.sdjwt import SALT_SIZE, Disclosure, disclose
from broker.store.consents import Details, consents_of_pair, save_consent
from broker.store.people import Person, find_held
from broker.store.presences import presence_of
from broker.store.receipts import save_notice
from broker.store.routes import CAPABILITY, GRANT, RECEIPT, add_routes
from broker.store.transaction import Transaction


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the person did on the notice page: the words they read, and the boxes they ticked.

    ``text`` is the notice with the personal values left open; ``gpc`` is the browser's signal.
    """

    proved: Proved
    notice: Notice
    text: str
    purposes: tuple[str, ...]
    gpc: bool


def record_consent(tx: Transaction, broker: Broker, client: Client, choice: Choice) -> ConsentRecord:
    """Store a consent for the purposes ticked; nothing links the two sides before its receipt is stored.

    Of one pair one consent stands: an earlier one ends with this one's beginning.

    Raises :class:`PolicyRefused` when no purpose or one that was not asked is ticked.
    """
    request = asked_of(choice.proved)
    _check_purposes(broker, choice.purposes, request)
    person = known_person(tx, broker, choice.proved)
    if presence_of(tx, person.key).gone:
        raise FlowBroken("your account has gone from the platform meanwhile; please begin again once it is back")
    record = _new_record(broker, client, choice, request)
    replaced = _end_earlier(tx, broker, record)
    capability = broker.new_secret()
    event = Event(
        status=ConsentStatus.GIVEN,
        time=record.given_at,
        by="person",
        method="button:allow",
        valid_until=record.valid_until,
        txn=choice.proved.link_id,
        gpc=choice.gpc,
    )
    draft = draft_answer(
        tx,
        broker,
        Answered(client, person, choice, record.purposes),
        event,
        ids=(record.receipt_id, record.grant_id),
        withdrawal_uri=broker.url(f"/consents/{capability}"),
        replaces=replaced,
    )
    issue_receipt(tx, broker, draft)
    save_consent(tx, record, _details(choice, request), sealer=person.sealer)
    names = (GRANT, record.grant_id), (RECEIPT, record.receipt_id), (CAPABILITY, capability)
    add_routes(tx, *names, account=record.account, target=record.grant_id)
    return record


def _end_earlier(tx: Transaction, broker: Broker, record: ConsentRecord) -> str | None:
    """End the pair's live consents; return the receipt of the last. The person is held since they were looked up."""
    pair = Association(client_id=record.client_id, account=record.account, identifier=record.identifier.digest)
    live = [earlier for earlier in consents_of_pair(tx, pair) if earlier.status_at(broker.now()) is ConsentStatus.GIVEN]
    for earlier in live:
        end_renewed(tx, broker, earlier)
    return live[-1].receipt_id if live else None


@dataclass(frozen=True)
class Answered:
    """Who answered whom, with what."""

    client: Client
    person: Person
    choice: Choice
    purposes: tuple[str, ...]


def draft_answer(
    tx: Transaction,
    broker: Broker,
    answered: Answered,
    event: Event,
    *,
    ids: tuple[str, str],
    withdrawal_uri: str,
    replaces: str | None = None,
    kept: frozenset[str] = frozenset({ACCOUNT, IDENTIFIER, WORDS}),
) -> Draft:
    """Draft the receipt of an answer on the notice page; ``ids`` are the receipt's and the grant's."""
    request = asked_of(answered.choice.proved)
    words = disclose(WORDS, answered.choice.notice.words(), salt=broker.random(SALT_SIZE))
    return Draft(
        receipt_id=ids[0],
        grant_id=ids[1],
        replaces=replaces,
        client=answered.client,
        person=answered.person,
        platform=request.platform,
        purposes=answered.purposes,
        purpose_texts={purpose.id: purpose.explanation for purpose in answered.choice.notice.purposes},
        notice=_keep_notice(tx, broker, answered.choice, words),
        event=event,
        withdrawal_uri=withdrawal_uri,
        disclosures=[
            account_disclosure(broker, answered.person),
            identifier_disclosure(broker, identifier_value(request.identifier)),
            words,
        ],
        kept=kept,
        brand=request.brand,
    )


def asked_of(proved: Proved) -> ConsentRequest:
    """The client's request behind a proof; a sign-in of one's own has none."""
    if proved.request is None:
        raise FlowBroken("nobody asked for a consent here")
    return proved.request


def account_of(broker: Broker, proved: Proved) -> bytes:
    """The proved account's key, in the environment of the client that asks."""
    return broker.blinder.account(proved.proven.account, environment=asked_of(proved).environment)


def known_person(tx: Transaction, broker: Broker, proved: Proved) -> Person:
    """The person who proved the account a moment ago; two answers at once take turns, and so does an erasure."""
    account = account_of(broker, proved)
    person = find_held(tx, broker.sealer, account)
    if person is None:
        raise FlowBroken("the account is not known any more; please begin again")
    return person


def _keep_notice(tx: Transaction, broker: Broker, choice: Choice, words: Disclosure) -> NoticeRef:
    """Keep the notice's text, and name it as the receipt will."""
    notice, digest = choice.notice, words_digest(choice.text)
    save_notice(
        tx,
        sha256=digest,
        notice_id=notice.id,
        version=notice.version,
        language=notice.language,
        text=choice.text,
        now=broker.now(),
    )
    return NoticeRef(
        id=broker.url(f"/notices/{notice.id}/{notice.version}"),
        version=notice.version,
        language=notice.language,
        sha256=words.digest,
        text_sha256=digest,
    )


def identifier_value(identifier: Identifier) -> dict[str, str]:
    """The identifier as receipts and token answers name it."""
    return {name: value for name, value in vars(identifier).items() if value is not None}


def _check_purposes(broker: Broker, ticked: tuple[str, ...], request: ConsentRequest) -> None:
    """Put the ticks to the terms. Without any, or with one that nobody asked for, there is no consent in any case."""
    marks = {"purpose-ticked": bool(ticked), "purpose-asked": set(ticked) <= set(request.purposes)}
    ruling = forbidden(Case(act="consent", marks=marks), broker.policies.governing(request.platform))
    if ruling is None and all(marks.values()):
        return
    detail = "a purpose is ticked that was not asked for" if ticked else "no purpose is ticked: there is no consent"
    raise PolicyRefused(detail, clauses=ruling.clauses if ruling else ())


def _new_record(broker: Broker, client: Client, choice: Choice, request: ConsentRequest) -> ConsentRecord:
    identifier, meanings = request.identifier, broker.policies.meanings
    if choice.proved.valid_until is None:
        raise FlowBroken("nobody asked for a consent here")
    purposes = tuple(purpose for purpose in request.purposes if purpose in choice.purposes)
    return ConsentRecord(
        grant_id=broker.new_id(),
        client_id=client.client_id,
        account=account_of(broker, choice.proved),
        identifier=OffPlatformId(
            kind=identifier.kind,
            type=identifier.type,
            digest=broker.blinder.identifier(client.client_id, identifier),
        ),
        purposes=purposes,
        meanings=tuple(meanings.of(purpose, client.registration.narrower) for purpose in purposes),
        status=ConsentStatus.GIVEN,
        given_at=broker.now(),
        valid_until=choice.proved.valid_until,
        receipt_id=broker.new_id(),
        brand=request.brand,
    )


def _details(choice: Choice, request: ConsentRequest) -> Details:
    return Details(
        identifier=identifier_value(request.identifier),
        masked=request.identifier.masked(),
        handle=choice.proved.proven.handle,
        locale=choice.notice.language,
    )
