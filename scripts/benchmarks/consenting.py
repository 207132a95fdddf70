"""People who have consented, made by the broker's own verbs: what a benchmark of withdrawals takes back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from broker.actions.broker import Broker
from broker.actions.linking import ConsentRequest, begin_link, claim_callback, new_attempt, open_proved, record_proof
from broker.actions.read_grant import withdrawal_uri
from broker.actions.record_consent import Choice, record_consent
from broker.actions.register_client import register_client
from broker.core.client import Client, Registration
from broker.core.consent import ConsentRecord, ConsentStatus
from broker.core.identifiers import Identifier, PlatformAccount, ProvenAccount
from broker.core.notice import Notice, OfferedPurpose
from broker.oauth.models import OAuthClient
from broker.oauth.tokens import issue_token
from broker.store.consents import find_consent
from broker.store.people import find_person
from broker.store.receipts import find_receipt
from broker.store.transaction import Transaction

_PURPOSE, _RETURN = "customer-care", "https://shop.example/linked"
_FIRST_ACCOUNT = 5_000_000_000
Some = TypeVar("Some")


@dataclass(frozen=True)
class Given:
    """One consent: whose, and the secret part of the link that takes it back."""

    number: int
    account: bytes
    grant_id: str
    capability: str


def a_client(broker: Broker, *, owner: str = "Northwind", keys: Sequence[Mapping[str, object]] = ()) -> Client:
    """A business that may ask for matches; with public *keys* of its own it can get itself tokens."""
    registration = Registration(
        client_name="Northwind Bikes",
        client_uri="https://shop.example",
        redirect_uris=(_RETURN,),
        jwks={"keys": list(keys)},
        contacts=("privacy@shop.example",),
        policy_uri=None,
        tos_uri=None,
        scopes=("match", "consent"),
        owner=owner,
        environment="prod",
        use_case="Answer customers on the platform they write from.",
        purposes=(_PURPOSE,),
        platforms=("x",),
        brands=(),
        agreements={},
    )
    with broker.database.transaction() as tx:
        return register_client(tx, broker, registration)


def a_token(broker: Broker, client: Client) -> str:
    """A token of the client's own, good for matches for 300 s."""
    token = issue_token(broker, client=OAuthClient(client), scope="match", token_id=broker.new_id(), user=None)
    return str(token["access_token"])


def who(number: int) -> tuple[str, str]:
    """The account and the address of the person of that number."""
    return str(_FIRST_ACCOUNT + number), f"person{number}@mailbox.example"


def consents(broker: Broker, client: Client, numbers: range) -> Iterator[Given]:
    """Let as many people say yes, each in the transactions of the real way."""
    for number in numbers:
        with broker.database.transaction() as tx:
            record = record_consent(tx, broker, client, a_choice(tx, broker, client, number))
        with broker.database.reading() as tx:
            person = _there(find_person(tx, broker.sealer, record.account))
            receipt = find_receipt(tx, record.account, record.receipt_id, store=broker.sealer, person=person.sealer)
        capability = withdrawal_uri(_there(receipt)).rpartition("/")[2]
        yield Given(number, record.account, record.grant_id, capability)


def stands(broker: Broker, given: Given) -> bool:
    """Whether a consent is still in force."""
    with broker.database.reading() as tx:
        record = find_consent(tx, given.account, given.grant_id)
    return record is not None and record.status_at(broker.now()) is ConsentStatus.GIVEN


def _there(found: Some | None) -> Some:
    if found is None:
        raise LookupError("what was just written is not there")
    return found


def give(broker: Broker, client: Client, choice: Choice) -> ConsentRecord:
    """Record one yes, in a transaction of its own."""
    with broker.database.transaction() as tx:
        return record_consent(tx, broker, client, choice)


def a_choice(tx: Transaction, broker: Broker, client: Client, number: int) -> Choice:
    """The person of that number has proved their account, read the notice and pressed Allow: not recorded yet."""
    account, email = who(number)
    browser, attempt = broker.new_id(), new_attempt(broker, "x")
    request = ConsentRequest(
        client_id=client.client_id,
        environment="prod",
        oauth={"redirect_uri": _RETURN, "state": "of the shop"},
        platform="x",
        identifier=Identifier(kind="person", type="email", value=email),
        purposes=(_PURPOSE,),
        valid_for="P1Y",
        locale="en",
        handle=None,
        brand=None,
    )
    proven = ProvenAccount(account=PlatformAccount(platform="x", id=account), handle=f"person_{number}")
    link_id = begin_link(tx, broker, platform="x", attempt=attempt, request=request, browser=browser)
    link, _ = claim_callback(tx, broker, platform="x", state=attempt.state, browser=browser)
    record_proof(tx, broker, link, proven, browser=browser)
    proved = open_proved(tx, broker, link_id, browser=browser)
    notice = Notice(
        language="en",
        heading="Northwind Bikes asks to link your X account",
        sentences=(f"If you allow it, Northwind Bikes ties @person_{number} on X to {email}.",),
        purposes_heading="What may the link be used for?",
        purposes=(OfferedPurpose(id=_PURPOSE, title="Customer care", explanation="To answer you."),),
        closing=("You can take it back at any time.",),
    )
    return Choice(proved=proved, notice=notice, text=notice.words(), purposes=(_PURPOSE,), gpc=False)
