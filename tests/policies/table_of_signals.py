"""SIGNAL: what a browser says for its person, and what the person says themselves."""

from __future__ import annotations

from builders import a_tag
from policies.world import (
    Row,
    asks,
    consents,
    heeds_the_signal,
    is_registered_for,
    lifts_the_signal,
    offers,
    row,
    signals,
    signs_in,
    time_passes,
    withdraws,
)

ADVERTISING, CARE, OFFERS = "direct-marketing", "customer-care", "seasonal-offers"
SIGNALLED = "SIGNAL-1: no_basis"
advertises = is_registered_for(ADVERTISING, CARE, OFFERS, narrower={OFFERS: ADVERTISING})
GIVEN, PUBLIC = (a_tag(tag, expected_purposes=(ADVERTISING, CARE, OFFERS)) for tag in ("user_provided", "public"))

ROWS: list[Row] = [
    row("SIGNAL-1", "what they gave serves for no advertising", advertises, offers(GIVEN), signals, asks(ADVERTISING),
        answers=SIGNALLED),
    row("SIGNAL-1", "nor does what is public", advertises, offers(PUBLIC), signals, asks(ADVERTISING),
        answers=SIGNALLED),
    row("SIGNAL-1", "nor for a purpose of the business's own under it", advertises, offers(GIVEN), signals,
        asks(OFFERS), answers=SIGNALLED),
    row("SIGNAL-1", "nor where it is offered with the question", advertises, signals,
        asks(ADVERTISING, provenance=GIVEN), answers=SIGNALLED),
    row("SIGNAL-1", "it says nothing about other purposes", advertises, offers(GIVEN), signals, asks(CARE),
        answers="MATCH-4a: yes, user_provided"),
    row("SIGNAL-1", "a browser that signals nothing says nothing", advertises, offers(GIVEN), signs_in(),
        asks(ADVERTISING), answers="MATCH-4a: yes, user_provided"),
    row("SIGNAL-1", "consent given after it stands", advertises, offers(GIVEN), signals, consents(ADVERTISING),
        asks(ADVERTISING), answers="MATCH-2: yes, consent"),
    row("SIGNAL-1", "consent given before it stands", advertises, consents(ADVERTISING), signals, asks(ADVERTISING),
        answers="MATCH-2: yes, consent"),
    row("SIGNAL-1", "and once that consent is over, the signal counts", advertises, offers(GIVEN),
        consents(ADVERTISING, valid_for="P1D"), signals, time_passes(days=2), asks(ADVERTISING), answers=SIGNALLED),
    row("SIGNAL-1", "a withdrawal is the nearer reason", advertises, offers(GIVEN), consents(ADVERTISING), signals,
        withdraws, asks(ADVERTISING), answers="MATCH-2: withdrawn"),
    row("SIGNAL-1", "the person may lift it", advertises, offers(GIVEN), signals, lifts_the_signal, asks(ADVERTISING),
        answers="MATCH-4a: yes, user_provided"),
    row("SIGNAL-1", "and their word outlasts what the browser goes on sending", advertises, offers(GIVEN), signals,
        lifts_the_signal, signals, asks(ADVERTISING), answers="MATCH-4a: yes, user_provided"),
    row("SIGNAL-1", "until they let it count again", advertises, offers(GIVEN), signals, lifts_the_signal,
        heeds_the_signal, asks(ADVERTISING), answers=SIGNALLED),
]  # fmt: skip
