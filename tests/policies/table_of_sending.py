"""CONTACT and REDISTRIBUTE, sentence by sentence: what may be sent to people, and handed to others."""

from __future__ import annotations

from dataclasses import replace

from builders import a_tag
from policies.table_of_matching import GROUNDS
from policies.world import (
    AGREED,
    Row,
    adds_recipient,
    as_its_instance,
    asks,
    consents,
    contacts,
    friend_consents,
    hands_over,
    objects,
    offers,
    row,
    takes_the_objection_back,
    the_notice_changes,
    the_platform_says,
    time_passes,
    with_limits,
    withdraws,
)

CONTACT_1_YES, REFUSED = "CONTACT-1: yes, consent", "redistribution-refused"
SAME = b"the same words to every one of us"[:32]
DAY = {"days": 1}

CONTACT = [
    row("CONTACT-1", "with consent to contact", consents("contact"), contacts(), answers=CONTACT_1_YES),
    row("CONTACT-1", "without any there is none", contacts(), answers="CONTACT-1: no_basis"),
    row(
        "CONTACT-1",
        "nobody is written to whose account is gone",
        consents("contact"),
        the_platform_says(gone=True),
        contacts(),
        answers="CONTACT-1: suspended",
    ),
    row(
        "CONTACT-1",
        "until it is back",
        consents("contact"),
        the_platform_says(gone=True),
        the_platform_says(),
        contacts(),
        answers=CONTACT_1_YES,
    ),
    row(
        "CONTACT-1",
        "a link does not imply it",
        consents("customer-care"),
        contacts(),
        answers="CONTACT-1: purpose_not_granted",
    ),
    row(
        "CONTACT-1",
        "nor does a consent to messages that meant something else",
        consents("contact"),
        the_notice_changes(contact=2),
        contacts(),
        answers="CONTACT-1: notice_changed",
    ),
    row(
        "CONTACT-1",
        "nor does what the person gave",
        offers(a_tag(expected_purposes=("contact",))),
        contacts(),
        answers="CONTACT-1: no_basis",
    ),
    *(
        row(
            "CONTACT-1",
            f"nor is {name} a ground to match for it",
            offers(replace(tag, expected_purposes=("contact", "customer-care"))),
            asks("contact"),
            answers="CONTACT-1: purpose_not_granted",
        )
        for name, (tag, _) in GROUNDS.items()
    ),
    row(
        "CONTACT-1",
        "beside the question neither",
        asks("contact", provenance=a_tag(expected_purposes=("contact",))),
        answers="CONTACT-1: purpose_not_granted",
    ),
    row(
        "CONTACT-1",
        "a match for it rests on consent",
        consents("contact"),
        asks("contact"),
        answers="MATCH-2: yes, consent",
    ),
    row(
        "CONTACT-1",
        "consent that has ended is none",
        consents("contact", valid_for="P1D"),
        time_passes(days=1),
        contacts(),
        answers="CONTACT-1: expired",
    ),
    row(
        "CONTACT-2",
        "an objection counts at once",
        consents("contact"),
        objects(),
        contacts(),
        answers="CONTACT-2: no_basis",
    ),
    row(
        "CONTACT-2",
        "from the next check on",
        consents("contact"),
        contacts(),
        objects(to_everyone=False),
        contacts(),
        answers="CONTACT-2: no_basis",
    ),
    row(
        "CONTACT-2",
        "a withdrawal too",
        consents("contact"),
        contacts(),
        withdraws,
        contacts(),
        answers="CONTACT-1: withdrawn",
    ),
    row(
        "CONTACT-2",
        "consent given later is the person's later word",
        objects(),
        time_passes(seconds=1),
        consents("contact"),
        contacts(),
        answers=CONTACT_1_YES,
    ),
    row(
        "CONTACT-2",
        "and so is taking it back",
        consents("contact"),
        objects(),
        takes_the_objection_back,
        contacts(),
        answers=CONTACT_1_YES,
    ),
    row(
        "CONTACT-3",
        "nothing in bulk: a ceiling a minute",
        with_limits(contacts_per_minute=2),
        consents("contact"),
        contacts(),
        contacts(),
        contacts(),
        answers="CONTACT-3: no_basis",
    ),
    row(
        "CONTACT-3",
        "until the minute is over",
        with_limits(contacts_per_minute=1),
        consents("contact"),
        contacts(),
        time_passes(minutes=1),
        contacts(),
        answers=CONTACT_1_YES,
    ),
    row(
        "CONTACT-3",
        "a ceiling of accounts a day",
        with_limits(contact_accounts_per_day=1),
        consents("contact"),
        friend_consents(1),
        contacts(),
        contacts(friend=1),
        answers="CONTACT-3: no_basis",
    ),
    row(
        "CONTACT-3",
        "the account itself is no other one",
        with_limits(contact_accounts_per_day=1),
        consents("contact"),
        contacts(),
        contacts(),
        answers=CONTACT_1_YES,
    ),
    row(
        "CONTACT-4",
        "the same content to a second account",
        consents("contact"),
        friend_consents(1),
        contacts(sha256=SAME),
        contacts(sha256=SAME, friend=1),
        answers="CONTACT-4: no_basis",
    ),
    row(
        "CONTACT-4",
        "or nearly the same",
        consents("contact"),
        friend_consents(1),
        contacts(simhash=0b1000),
        contacts(simhash=0b1111, friend=1),
        answers="CONTACT-4: no_basis",
    ),
    row(
        "CONTACT-4",
        "another content",
        consents("contact"),
        friend_consents(1),
        contacts(simhash=0),
        contacts(simhash=0b1111, friend=1),
        answers=CONTACT_1_YES,
    ),
    row(
        "CONTACT-4",
        "the same to one account again",
        consents("contact"),
        contacts(sha256=SAME),
        contacts(sha256=SAME),
        answers=CONTACT_1_YES,
    ),
]

LACKING = {name: {key: day for key, day in AGREED.items() if key != name} for name in AGREED}
ACADEMIC = {"institution": "Institute of Things", "statement": "Not commercial."}
PERMIT = {"reference": "letter of 3 May", "until": "2026-12-31"}
MONTH, DAY_ = 1_500_000, 50_000
ALICE = {"by": "alice", "person": True}

REDISTRIBUTE = [
    row("REDISTRIBUTE-1", "ids may be shared", adds_recipient(), hands_over(), answers=f": {MONTH - 1} left"),
    row("REDISTRIBUTE-1", "of users too", adds_recipient(), hands_over("user_ids", 7), answers=": uncounted"),
    row(
        "REDISTRIBUTE-2",
        "whole objects by a person",
        adds_recipient(),
        hands_over("posts", **ALICE),
        answers=f": {DAY_ - 1} left",
    ),
    *(
        row(
            "REDISTRIBUTE-2",
            f"no {what} by a program",
            adds_recipient(),
            hands_over(what),
            answers=f"REDISTRIBUTE-2: {REFUSED}",
        )
        for what in ("posts", "users")
    ),
    row(
        "REDISTRIBUTE-2",
        "at most 50,000 a day",
        adds_recipient(),
        hands_over("posts", DAY_, **ALICE),
        answers=": 0 left",
    ),
    row(
        "REDISTRIBUTE-2",
        "not one more",
        adds_recipient(),
        hands_over("posts", DAY_, **ALICE),
        hands_over("users", **ALICE),
        answers=f"REDISTRIBUTE-2: {REFUSED}",
    ),
    row(
        "REDISTRIBUTE-2",
        "until the next day of UTC",
        adds_recipient(),
        hands_over("posts", DAY_, **ALICE),
        time_passes(hours=12),
        hands_over("users", **ALICE),
        answers=f": {DAY_ - 1} left",
    ),
    row(
        "REDISTRIBUTE-2",
        "for each recipient",
        adds_recipient(),
        hands_over("posts", DAY_, **ALICE),
        adds_recipient(name="Archive"),
        hands_over("posts", **ALICE),
        answers=f": {DAY_ - 1} left",
    ),
    row(
        "REDISTRIBUTE-2",
        "never to the public",
        adds_recipient(),
        hands_over("posts", public=True, **ALICE),
        answers=f"REDISTRIBUTE-2: {REFUSED}",
    ),
    row(
        "REDISTRIBUTE-3",
        "at most 1,500,000 post ids in thirty days",
        adds_recipient(),
        hands_over(count_=MONTH),
        answers=": 0 left",
    ),
    row(
        "REDISTRIBUTE-3",
        "not one more",
        adds_recipient(),
        hands_over(count_=MONTH),
        hands_over(),
        answers=f"REDISTRIBUTE-3: {REFUSED}",
    ),
    row(
        "REDISTRIBUTE-3",
        "on any of the thirty days",
        adds_recipient(),
        hands_over(count_=MONTH),
        time_passes(days=30, microseconds=-1),
        hands_over(),
        answers=f"REDISTRIBUTE-3: {REFUSED}",
    ),
    row(
        "REDISTRIBUTE-3",
        "after which it begins anew",
        adds_recipient(),
        hands_over(count_=MONTH),
        time_passes(days=30),
        hands_over(),
        answers=f": {MONTH - 1} left",
    ),
    row(
        "REDISTRIBUTE-3",
        "unless permitted in writing",
        adds_recipient(permission=PERMIT),
        hands_over(count_=MONTH + 1),
        answers=": uncounted",
    ),
    row(
        "REDISTRIBUTE-3",
        "while the permission holds",
        adds_recipient(permission=PERMIT),
        time_passes(days=60),
        hands_over(count_=MONTH + 1),
        answers=f"REDISTRIBUTE-3: {REFUSED}",
    ),
    row(
        "REDISTRIBUTE-3",
        "ids of users are not counted",
        adds_recipient(),
        hands_over("user_ids", MONTH + 1),
        answers=": uncounted",
    ),
    row(
        "REDISTRIBUTE-4",
        "academic research: ids without a ceiling",
        adds_recipient(academic=ACADEMIC),
        hands_over(count_=MONTH + 1),
        answers=": uncounted",
    ),
    *(
        row(
            "REDISTRIBUTE-4",
            f"not without its {name}",
            adds_recipient(academic={key: it for key, it in ACADEMIC.items() if key != name}),
            answers=f"REDISTRIBUTE-4: {REFUSED}",
        )
        for name in ACADEMIC
    ),
    row(
        "REDISTRIBUTE-4",
        "whole objects keep theirs",
        adds_recipient(academic=ACADEMIC),
        hands_over("posts", DAY_ + 1, **ALICE),
        answers=f"REDISTRIBUTE-2: {REFUSED}",
    ),
    *(
        row(
            "REDISTRIBUTE-5",
            f"a recipient has agreed to the {name.replace('_', ' ')}",
            adds_recipient(agreements=agreed),
            answers=f"REDISTRIBUTE-5: {REFUSED}",
        )
        for name, agreed in LACKING.items()
    ),
    row(
        "REDISTRIBUTE-5",
        "before, not some day",
        adds_recipient(agreements=dict.fromkeys(AGREED, "2027-01-01")),
        answers=f"REDISTRIBUTE-5: {REFUSED}",
    ),
    row("REDISTRIBUTE-5", "one that has may receive", adds_recipient(), answers=": recorded"),
    row(
        "APPLICATION-2",
        "a dev instance does not hand over to production's recipient",
        adds_recipient(),
        as_its_instance("dev"),
        hands_over(),
        answers=f"APPLICATION-2: {REFUSED}",
    ),
    *(
        row(
            "REDISTRIBUTE-2",
            f"beside another breach it is named too: {what}",
            adds_recipient(),
            as_its_instance("staging"),
            hands_over("posts", number, **how),
            answers=f"APPLICATION-2 REDISTRIBUTE-2: {REFUSED}",
        )
        for what, number, how in (
            ("by a program", 1, {}),
            ("to the public", 1, {"public": True, **ALICE}),
            ("too many", DAY_ + 1, ALICE),
        )
    ),
    row(
        "APPLICATION-2",
        "nor does it meet production's data",
        consents(),
        as_its_instance("dev"),
        asks(),
        answers="MATCH-4: no_basis",
    ),
]

ROWS: list[Row] = [*CONTACT, *REDISTRIBUTE]
