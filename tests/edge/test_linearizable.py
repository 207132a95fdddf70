"""Consents, ends of both kinds and matches at once, over HTTP: every answer fits one order that time allows."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from harness import wire
from harness.business import Business, person_email
from harness.person import Person
from linearizable import Act, Object, linearizable

GRANTS, MATCHERS = 5, 4
CACHED = 0.005


def step(stands: int, act: Act) -> int | None:
    """The pair as the number of the consent that stands, or 0; what an act leads to, None when it cannot be next."""
    verb, _, number = act.name.partition(" ")
    if verb == "match":
        return stands if act.answer == bool(stands) else None
    if verb == "give":
        return int(number)
    return 0 if stands == int(number) else stands


PAIR = Object(0, step)


class Fire:
    """One pair under fire, and what was done to it; *kept*: how long matches are remembered, which must be nothing."""

    def __init__(self, business: Business, person: Person, *, kept: float = 0.0) -> None:
        self.business, self.person, self.kept = business, person, kept
        self.email, self.over, self.history = wire.fresh_email(), Event(), list[Act]()
        details = business.details(identifier=person_email(self.email))
        self.asked = [business.par(details=details) for _ in range(GRANTS)]
        self.notices = [person.to_notice(business, asked) for asked in self.asked]
        self.headers = {"Cookie": person.browser.cookie_line, "Origin": "null", "Sec-Fetch-Site": "same-origin"}
        self.last = (0.0, False)

    def does(self, name: str, act: Callable[[], object]) -> None:
        """Do it, and write down when and with which answer."""
        called = time.monotonic()
        answer = act()
        self.history.append(Act(name, answer, called, time.monotonic()))

    def match(self) -> bool:
        """Ask for a match, or remember."""
        at, answer = self.last
        if time.monotonic() - at > self.kept:
            answer = self.business.match(self.person.account.id, self.email)["decision"]
            self.last = (time.monotonic(), answer)
        return answer

    def matches(self) -> None:
        """Ask and ask."""
        while not self.over.is_set():
            self.does("match", self.match)
            time.sleep(0.001)

    def gives_and_ends(self) -> None:
        """Press Allow, fetch the grant, give it up; now and then the next yes ends it instead."""
        for number, (asked, notice) in enumerate(zip(self.asked, self.notices, strict=True), start=1):
            sent, places = [*notice.form.filled(ticked={"customer-care"}), ("choice", "allow")], list[str]()

            def allow(notice: object = notice, sent: object = sent, places: list[str] = places) -> None:
                answer = wire.post(notice.form.action, data=sent, headers=self.headers)  # type: ignore[attr-defined]
                places.append(answer.headers["Location"])

            self.does(f"give {number}", allow)
            token = self.business.exchange(wire.query_of(places[0])["code"], asked.verifier).json()
            time.sleep(0.05)
            if number % 3:
                grant_id = token["authorization_details"][0]["grant_id"]
                self.does(f"end {number}", lambda grant_id=grant_id: self.give_up(grant_id))
                time.sleep(0.05)
        self.over.set()

    def give_up(self, grant_id: str) -> None:
        """End it, and hold that this is acknowledged."""
        assert self.business.grant(grant_id, "DELETE").status_code == 204

    def run(self) -> list[Act]:
        """Let everybody act until the last consent was given."""
        self.business.client_token()
        self.business.client_token("consent")
        with ThreadPoolExecutor() as hands:
            try:
                work = [hands.submit(act) for act in (self.gives_and_ends, *[self.matches] * MATCHERS)]
                work[0].result()
            finally:
                self.over.set()
            for done in work:
                done.result()
        return self.history


def test_whatever_is_asked_at_once_could_have_been_asked_one_after_the_other(
    business: Business, new_person: Callable[..., Person]
) -> None:
    history = Fire(business, new_person()).run()
    assert {False, True} == {act.answer for act in history if act.name == "match"}
    assert linearizable(history, PAIR)


def test_matches_remembered_for_five_milliseconds_would_be_seen(
    business: Business, new_person: Callable[..., Person]
) -> None:
    assert any(not linearizable(Fire(business, new_person(), kept=CACHED).run(), PAIR) for _ in range(12))
