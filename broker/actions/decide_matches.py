"""Many questions at one moment: each answered as it would be alone, and all of them written down on one sheet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from broker import watching
from broker.actions.answer_columns import Ruling, rule_columns
from broker.actions.answer_questions import bare
from broker.actions.broker import Broker
from broker.actions.count_misses import misses_among
from broker.actions.decide_match import decide_match
from broker.actions.gather_facts import Question
from broker.actions.sort_questions import Questions, sort_questions
from broker.core.client import Client
from broker.core.match import Decision
from broker.core.purposes import OTHER_PURPOSE, known_family
from broker.core.sheet import Entries, Outcome, decision_id, decision_ids
from broker.spans import span
from broker.store.pairs import end_of, names_of
from broker.store.sheets import Sheet, save_sheet
from broker.store.transaction import Transaction


class Told(NamedTuple):
    """One of many answers: under which id, what the terms said, and the name of what it rests on: see ``names_of``.

    Consent and ground are left out of the decision, which others may have in common.
    """

    decision_id: str
    decision: Decision
    names: str
    missed: bool = False


@dataclass(frozen=True)
class Answers:
    """Answers of one moment in parallel columns, in the order of the questions.

    Of each: its id, its place in ``said``, the words of what a permit rests on (see ``names_of``), none of a denial,
    and when its consent ends, in microseconds since 1970, if it rests on one. ``said`` are shared: consent and ground
    are left out. ``misses`` are as in ``count_misses``.
    """

    decided_at: datetime
    said: Sequence[Decision]
    decision_ids: Sequence[str]
    codes: Sequence[int]
    rests: Sequence[Sequence[str]]
    ends: Sequence[int]
    misses: int = 0

    @property
    def told(self) -> Sequence[Told]:
        """Each answer by itself."""
        columns = zip(self.decision_ids, self.codes, self.rests, strict=True)
        return [Told(decision_id, self.said[code], " ".join(words)) for decision_id, code, words in columns]


def decide_matches(tx: Transaction, broker: Broker, client: Client, questions: Sequence[Question]) -> Answers:
    """Answer 1 to 50,000 *questions* for *client* from what is committed now, and record the answers.

    Who can read very many into columns asks :func:`decide_columns`. A tag is put to the terms first, as with a question
    alone; what it brings counts for its own question.
    """
    plain = [asked for asked in questions if asked.provenance is None]
    if len(plain) == len(questions):
        return decide_columns(tx, broker, client, sort_questions(plain))
    now, answers = broker.now(), decide_columns(tx, broker, client, sort_questions(plain)) if plain else None
    told = iter(answers.told if answers else ())
    every = [next(told) if it.provenance is None else _alone(tx, broker, client, it) for it in questions]
    return Answers(
        decided_at=answers.decided_at if answers else now,
        said=[it.decision for it in every],
        decision_ids=[it.decision_id for it in every],
        codes=range(len(every)),
        rests=[it.names.split(" ") if it.names else () for it in every],
        ends=[end_of(it.names) for it in every],
        misses=sum(it.missed for it in every) + (answers.misses if answers else 0),
    )


def decide_columns(tx: Transaction, broker: Broker, client: Client, questions: Questions) -> Answers:
    """The same of questions without a tag that are in columns, as :func:`sort_questions` makes them."""
    sheet, answers = look_at_columns(tx, broker, client, questions)
    save_sheet(tx, sheet)
    for place, number in Counter(sheet.entries.outcomes).items():
        watching.count_decisions("match", sheet.outcomes[place], number)
    permits = [decision.permitted for decision in answers.said]
    denied = [account for account, code in zip(sheet.entries.accounts, answers.codes, strict=True) if not permits[code]]
    return replace(answers, misses=misses_among(tx, broker, client, denied))


def look_at_columns(tx: Transaction, broker: Broker, client: Client, questions: Questions) -> tuple[Sheet, Answers]:
    """The same, without counting misses and with nothing on record yet: the sheet is saved before anybody is told."""
    now, sheet_id = broker.now(), decision_id(broker.new_id(), 0)
    with span("decide", {"broker.items": len(questions)}):
        ruling = rule_columns(tx, broker, client, questions)
    said, ids = [it.decision for it in ruling.said], decision_ids(sheet_id, len(questions))
    answers = Answers(now, said, ids, ruling.codes, ruling.rests, ruling.ends)
    return _sheet(client, sheet_id, now, ruling), answers


def _alone(tx: Transaction, broker: Broker, client: Client, question: Question) -> Told:
    answer = decide_match(tx, broker, client, question)
    return Told(answer.decision_id, bare(answer.decision), names_of(answer.decision), answer.missed)


def _sheet(client: Client, sheet_id: str, now: datetime, ruling: Ruling) -> Sheet:
    outcomes: dict[Outcome, int] = {}
    places = [outcomes.setdefault(outcome_of(client, *said), len(outcomes)) for said in ruling.said]
    entries = Entries(
        accounts=ruling.accounts,
        identifiers=ruling.identifiers,
        outcomes=[places[code] for code in ruling.codes],
        grounds=[words[1] if words else None for words in ruling.rests],
        led_to=ruling.led_to,
    )
    return Sheet(
        sheet_id=sheet_id, client_id=client.client_id, decided_at=now, outcomes=tuple(outcomes), entries=entries
    )


def outcome_of(client: Client, purpose: str, decision: Decision) -> Outcome:
    """What is recorded of a decision, beside whom it is about and its ground."""
    # What bears no name of the vocabulary is prose of the client's own: nothing free-form is kept beside an account.
    named = purpose if known_family(purpose, client.registration.narrower) else OTHER_PURPOSE
    return Outcome(
        purpose=named,
        permitted=decision.permitted,
        basis=decision.basis,
        reason=decision.reason,
        clauses=decision.clauses,
        policy_digest=decision.policy.digest,
    )
