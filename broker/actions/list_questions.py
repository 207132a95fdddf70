"""Who asked about a person, by whom, for what, and what they were told: as their pages show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.core.client import Client
from broker.store.clients import find_client
from broker.store.paging import Place
from broker.store.people import Person
from broker.store.questions import Told, questions_about
from broker.store.retaining import kept_since
from broker.store.transaction import Transaction


@dataclass(frozen=True, kw_only=True)
class QuestionView:
    """One question, its answer, and who asked."""

    told: Told
    client: Client | None

    @property
    def business(self) -> str:
        """Its name."""
        return self.client.registration.client_name if self.client else self.told.client_id

    @property
    def narrower(self) -> Mapping[str, str]:
        """Its own purposes, and the one of the vocabulary that each stands under."""
        return self.client.registration.narrower if self.client else {}


@dataclass(frozen=True, kw_only=True)
class Questions:
    """Questions, the latest first; ``more`` is the place from which the list goes on, where it does.

    What was asked before ``kept_since`` is no longer kept, unless that is None.
    """

    views: tuple[QuestionView, ...]
    more: Place | None
    kept_since: datetime | None


def list_questions(
    tx: Transaction,
    person: Person,
    *,
    client_id: str | None = None,
    before: Place | None = None,
    limit: int | None = None,
) -> Questions:
    """Return what was asked about the person, by one business or by any; *limit* of it, or with None all."""
    wanted = None if limit is None else limit + 1
    found = questions_about(tx, person.key, client_id=client_id, before=before, limit=wanted)
    clients = {name: find_client(tx, name) for name in {told.client_id for told in found}}
    more = found[limit - 1].place if limit is not None and len(found) > limit else None
    views = [QuestionView(told=told, client=clients[told.client_id]) for told in found[:limit]]
    return Questions(views=tuple(views), more=more, kept_since=kept_since(tx))
