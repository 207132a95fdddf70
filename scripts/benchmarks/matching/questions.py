"""Questions about people who were linked and about strangers, drawn at random: as the wire, the core and SQL ask."""

import json
from collections.abc import Sequence
from random import Random

from benchmarks import consenting
from benchmarks.matching.asking import asked_of
from benchmarks.matching.load import people_of
from broker.actions.broker import Broker
from broker.actions.decide_matches import Told, decide_matches
from broker.actions.gather_facts import Question
from broker.core.client import Client
from broker.core.identifiers import Identifier, PlatformAccount

_PURPOSE = "customer-care"


def drawn(rng: Random, links: int, count: int) -> list[int]:
    """Numbers of people; seven in ten are linked."""
    people = people_of(links)
    return [rng.randrange(people) for _ in range(count)]


def question(number: int) -> Question:
    """A match as the actions take it."""
    account, email = consenting.who(number)
    identifier = Identifier(kind="person", type="email", value=email)
    return Question(platform="x", account_id=account, handle=None, identifier=identifier, purpose=_PURPOSE)


def decided(broker: Broker, client: Client, questions: Sequence[Question]) -> Sequence[Told]:
    """Answers, on record."""
    with broker.database.transaction() as tx:
        return decide_matches(tx, broker, client, questions).told


def pair_keys(broker: Broker, client: Client, numbers: Sequence[int]) -> list[bytes]:
    """The keys under which their pairs lie: what a bare statement is handed ready-made."""
    blinder, keys = broker.blinder, []
    for number in numbers:
        account, email = consenting.who(number)
        identifier = Identifier(kind="person", type="email", value=email)
        of_account = blinder.account(PlatformAccount(platform="x", id=account))
        keys.append(of_account + blinder.identifier(client.client_id, identifier))
    return keys


def batch_body(numbers: Sequence[int]) -> bytes:
    """A body of ``POST /v1/match/batch``."""
    items = [{name: value for name, value in asked_of(number).items() if name != "purpose"} for number in numbers]
    return json.dumps({"purpose": _PURPOSE, "items": items}, separators=(",", ":")).encode()


def lines_body(numbers: Sequence[int]) -> bytes:
    """The same as lines."""
    return b"".join(json.dumps(asked_of(number), separators=(",", ":")).encode() + b"\n" for number in numbers)
