"""What businesses, the operator and time do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, multiple, precondition, rule
from machines.model import Who
from machines.people import People
from machines.scene import ASKED, FILES, NAMING, TAGS, Pair, Said, Scene
from machines.stage import client_file

from broker.actions.change_standing import Change, approve_client, resume_client, suspend_client
from broker.actions.expire_consents import expire_consents
from broker.core.client import Client
from broker.errors import PolicyRefused

#: A business whose statement of use an operator must look at; and one that is of a use case its owner has.
DOUBTFUL = client_file("Fabrikam", owner="Fabrikam", purposes=["customer-care"], use_case="We answer our patients.")
TWICE = client_file("Northwind again", owner="NORTHWIND", purposes=["newsletter"])
BY_HAND = Change(who="operator", why="a history asks for it")


class Businesses(Scene):
    """The rules of businesses."""

    pairs: Bundle[Pair] = Scene.pairs
    grants: Bundle[tuple[str, Pair]] = People.grants
    associations: Bundle[tuple[str, Pair]] = Bundle("associations")

    @rule(pair=pairs, stranger=st.sampled_from((0, 0, 0, 1, 2)), naming=NAMING, purpose=st.sampled_from(ASKED),
          said=st.none() | TAGS | TAGS)  # fmt: skip
    def match(self, pair: Pair, stranger: int, naming: str, purpose: str, said: Said | None) -> None:
        """Ask for a match, perhaps about what is another business's."""
        number, account, identifier = pair
        self.matched(number + stranger, self.named(account, naming), identifier, purpose, said)

    @rule(target=associations, pair=pairs, naming=NAMING, said=TAGS)
    def offer(self, pair: Pair, naming: str, said: Said) -> MultipleResults[tuple[str, Pair]]:
        """Offer an association without consent."""
        number, account, identifier = pair
        association = self.offered(number, self.named(account, naming), identifier, said)
        self.look(pair)
        return multiple((association, pair)) if association else multiple()

    @rule(association=associations, stranger=st.sampled_from((0, 0, 1)), drop=st.booleans())
    def association(self, association: tuple[str, Pair], stranger: int, drop: bool) -> None:  # noqa: FBT001 - a rule's
        """Read an association or give it up; nobody has another's."""
        name, pair = association
        business, client = self.party(pair[0] + stranger)
        answer = business.call("DELETE" if drop else "GET", f"/v1/associations/{name}")
        if self.stopped(client, answer):
            return
        tag = self.model.tags.get(name)
        own = tag is not None and tag.client == client.name
        assert answer.status == ((204 if drop else 200) if own else 404)
        if own and drop:
            del self.model.tags[name]
        self.look(pair)

    @rule(grant=grants, stranger=st.sampled_from((0, 0, 1)))
    def relinquish(self, grant: tuple[str, Pair], stranger: int) -> None:
        """Give a grant up; nobody has another's."""
        name, pair = grant
        given = self.model.consents[name]
        business, client = self.party(pair[0] + stranger)
        answer = business.call("DELETE", f"/v1/grants/{name}")
        if self.stopped(client, answer):
            return
        assert answer.status == (204 if given.client == client.name else 404)
        if given.client == client.name and given.live(self.stage.clock()):
            given.ended = "client"
        self.look(pair)

    @rule(pair=pairs, naming=NAMING, content=st.sampled_from((None, "a greeting", "an offer")))
    def contact(self, pair: Pair, naming: str, content: str | None) -> None:
        """Ask whether an automated message may go."""
        self.checked(pair[0], self.named(pair[1], naming), pair[2], content)


class Operators(Scene):
    """The rules of the operator and of time."""

    pairs: Bundle[Pair] = Scene.pairs

    @rule(pair=pairs, stays=st.sampled_from((False, False, True)))
    @precondition(lambda self: not self.model.stopped)
    def suspend(self, pair: Pair, stays: bool) -> None:  # noqa: FBT001 - a rule's argument
        """Stop a business, for a moment or for longer."""
        self.stands(pair[0], suspend_client)
        self.model.stopped.add(self.party(pair[0])[1].name)
        self.look(pair)
        if not stays:
            self.let_go()

    @rule(pair=pairs)
    @precondition(lambda self: not self.model.stopped)
    def register(self, pair: Pair) -> None:
        """A business registers whose statement is doubtful: nothing of it counts yet. One use case is not had twice."""
        with pytest.raises(PolicyRefused) as refusal:
            self.stage.register(**TWICE)
        assert ("APPLICATION-1",) == refusal.value.clauses
        if len(self.clients) == len(FILES):
            self.joins(DOUBTFUL)
            self.look((len(FILES), *pair[1:]))

    @rule()
    @precondition(lambda self: self.model.stopped)
    def let_go(self) -> None:
        """Let the business act again, or for the first time."""
        (name,) = self.model.stopped
        number = next(number for number, client in enumerate(self.clients) if client.name == name)
        self.stands(number, approve_client if name in self.held else resume_client)
        self.held.discard(name)
        self.model.stopped.clear()

    def stands(self, number: int, change: Callable[..., Client]) -> None:
        """Change a business's standing."""
        broker, (business, client) = self.stage.broker, self.party(number)
        with broker.database.transaction() as tx:
            business.stands(change(tx, broker, client.name, BY_HAND))

    @rule(pair=pairs, seconds=st.sampled_from((1, 40, 40, 4000, 23 * 3600, 24 * 3600, 29 * 86400)))
    def time_goes_by(self, pair: Pair, seconds: int) -> None:
        """Let a minute's ceiling pass, a day's, or a consent's life."""
        self.stage.clock.passes(seconds=seconds)
        self.look(pair)

    @rule(pair=pairs, before=st.sampled_from((1, 0)), seen_to=st.booleans())
    def the_last_moment_comes(self, pair: Pair, before: int, seen_to: bool) -> None:  # noqa: FBT001 - a rule's argument
        """To the microsecond: the next consent ends, or is about to; somebody may write that down, or nobody."""
        now = self.stage.clock()
        left = [given.until for given in self.model.consents.values() if given.live(now)]
        self.stage.clock.now = max(now, min(left, default=now) - timedelta(microseconds=before))
        if seen_to:
            expire_consents(self.stage.broker)
        for purpose in sorted(self.party(pair[0])[1].purposes):
            self.matched(pair[0], Who(account=pair[1]), pair[2], purpose)
