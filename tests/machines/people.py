"""What people do: say yes and no, take it back, object, sign in, change their handles."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, multiple, rule
from machines.model import Consent, Person
from machines.scene import CARE, HANDLES, IDENTIFIERS, PEOPLE, Pair, Scene, link_of

#: What a person ticks; who ticks nothing says no.
TICKED = st.sampled_from(((CARE,), (CARE, "contact"), (CARE, "contact"), ("contact",), ()))


class People(Scene):
    """The rules of people."""

    pairs: Bundle[Pair] = Scene.pairs
    grants: Bundle[tuple[str, Pair]] = Bundle("grants")

    @rule(target=grants, pair=pairs, ticked=TICKED, days=st.sampled_from((1, 30)))
    def answer(self, pair: Pair, ticked: tuple[str, ...], days: int) -> MultipleResults[tuple[str, Pair]]:
        """A person says yes to some of what is asked, or no."""
        client = self.party(pair[0])[1]
        chosen = tuple(purpose for purpose in ticked if purpose in client.purposes)
        back = self.asks(pair, days=days, choice="allow" if chosen else "refuse", purpose=chosen)
        if back is None:
            return multiple()
        person = self.proves(client.realm, pair[1])
        if not chosen:
            assert back["error"] == "access_denied"
            self.model.noes.add((client.name, person))
        grants = [self.given(pair, person, chosen, days, back["code"])] if chosen else []
        self.look(pair)
        return multiple(*((grant, pair) for grant in grants))

    def given(self, pair: Pair, person: Person, chosen: tuple[str, ...], days: int, code: str) -> str:
        """Let the business fetch its grant, and the model see it: of one pair one consent stands."""
        (business, client), (_number, _account, identifier) = self.party(pair[0]), pair
        granted, now = business.exchange(code), self.stage.clock()
        for earlier in self.model.live(client, person, identifier, now).values():
            earlier.ended = "renewal"
        link = link_of(granted["authorization_details"][0]["receipt"])
        until = now + timedelta(days=days)
        grant: str = granted["grant_id"]
        self.model.consents[grant] = Consent(client.name, person, identifier, frozenset(chosen), now, until, link)
        return grant

    def asks(self, pair: Pair, *, days: int, **choice: object) -> Mapping[str, str] | None:
        """A business asks and a person answers; what the business is sent back, None where it may not ask."""
        (business, client), (_number, account, identifier) = self.party(pair[0]), pair
        pushed = business.push(IDENTIFIERS[identifier], tuple(sorted(client.purposes)), days=days)
        if self.stopped(client, pushed):
            return None
        return self.visitors[account].answers(business, pushed.json["request_uri"], **choice)

    @rule(grant=grants, by_link=st.booleans())
    def withdraw(self, grant: tuple[str, Pair], by_link: bool) -> None:  # noqa: FBT001 - a rule's argument
        """A person takes a consent back, on their own page or by the receipt's link."""
        name, pair = grant
        given, visitor = self.model.consents[name], self.visitors[pair[1]]
        if by_link:
            visitor.follows(given.link)
        else:
            visitor.withdraws(given.person[0], name)
            self.proves(*given.person)
        self.taken_back(given, by_link=by_link)
        self.look(pair)

    def taken_back(self, named: Consent, *, by_link: bool) -> None:
        """Let the model see what the person's word ends: by a link that grant, by their page what has its place too."""
        now = self.stage.clock()
        place = self.model.in_place_of(named) if named.ended == "renewal" and not by_link else [named]
        for given in [given for given in place if given.live(now)]:
            given.ended = "person"
            self.model.noes.add((given.client, given.person))
            return
        if not by_link and any(given.ended in {"", "client"} for given in place):
            # It ran out or was given up before: the person's word counts all the same. Who has a link may be anybody.
            self.model.objections[named.person, named.client] = now

    @rule(target=grants, pair=pairs, ticked=TICKED, again=TICKED)
    def withdraw_on_an_old_page(
        self, pair: Pair, ticked: tuple[str, ...], again: tuple[str, ...]
    ) -> MultipleResults[tuple[str, Pair]]:
        """A person's page lies open while they answer once more; then they press the button that it has."""
        shown, since = self.answer(pair, ticked, 30), self.answer(pair, again, 30)
        for grant in shown:
            self.withdraw(grant, by_link=False)
        return multiple(*shown, *since)

    @rule(pair=pairs, everyone=st.booleans(), again=st.sampled_from((False, True, True)))
    def object(self, pair: Pair, everyone: bool, again: bool) -> None:  # noqa: FBT001 - a rule's arguments
        """A person objects to one business or to all; or takes that back."""
        (_business, client), (_number, account, _identifier) = self.party(pair[0]), pair
        to = "" if everyone else client.name
        self.visitors[account].objects(client.realm, "allow-again" if again else "object", to)
        key = self.proves(client.realm, account), to
        self.model.objections.pop(key, None)
        if not again:
            self.model.objections[key] = self.stage.clock()
        self.look(pair)

    @rule(account=PEOPLE, handle=st.none() | st.sampled_from(HANDLES), realm=st.sampled_from(("", "prod", "staging")))
    def rename(self, account: str, handle: str | None, realm: str) -> None:
        """At the platform; the broker learns of it when the account is proved again, as it may be at once."""
        for other, borne in self.bears.items():
            if borne == handle:
                self.bears[other] = f"{handle[:4]}_{other[-4:]}"
        self.bears[account] = handle or self.bears[account]
        if realm:
            self.visitors[account].signs_in(realm)
            self.proves(realm, account)
