"""The exact words a person read, and their digest."""

from base64 import urlsafe_b64decode
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.core.notice import (
    FIRST_MEANING,
    NOTICE_ID,
    NOTICE_VERSION,
    Meanings,
    Notice,
    OfferedPurpose,
    parse_meanings,
    words_digest,
)
from broker.core.purposes import PURPOSES
from broker.errors import PolicyDefect
from broker.policies import load_meanings

NOTICE = Notice(
    language="en",
    heading="May Northwind match you?",
    sentences=("You are @jane.", "Northwind knows you as j•••@example.com."),
    purposes_heading="For what?",
    purposes=(
        OfferedPurpose(id="customer-care", title="Customer care", explanation="Recognise you."),
        OfferedPurpose(id="newsletter", title="Newsletter", explanation="Write to you."),
    ),
    closing=("Until tomorrow.",),
)


def test_the_words_stand_in_the_order_of_reading() -> None:
    assert [
        "May Northwind match you?",
        "You are @jane.",
        "Northwind knows you as j•••@example.com.",
        "For what?",
        "Customer care",
        "Recognise you.",
        "Newsletter",
        "Write to you.",
        "Until tomorrow.",
    ] == NOTICE.words().split("\n")


def test_a_notice_has_a_name_and_a_version() -> None:
    assert (NOTICE_ID, NOTICE_VERSION) == (NOTICE.id, NOTICE.version)


CHANGES: dict[str, dict[str, object]] = {
    "another heading": {"heading": "Will you?"},
    "another sentence": {"sentences": ("You are @jane.",)},
    "sentences the other way round": {"sentences": NOTICE.sentences[::-1]},
    "a box less": {"purposes": NOTICE.purposes[:1]},
    "boxes the other way round": {"purposes": NOTICE.purposes[::-1]},
    "another question": {"purposes_heading": "Why?"},
    "another end": {"closing": ("For ever.",)},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES.keys())
def test_every_word_counts_in_the_digest(changes: dict[str, object]) -> None:
    assert words_digest(NOTICE.words()) != words_digest(replace(NOTICE, **changes).words())  # type: ignore[arg-type]


@given(words=st.text())
def test_the_digest_is_sha_256_in_base64url(words: str) -> None:
    digest = words_digest(words)
    assert (43, sha256(words.encode()).digest()) == (len(digest), urlsafe_b64decode(digest + "="))


# --- what it means ----------------------------------------------------------------------------------------------------

ALL_FIRST = {"notice": 1, "purposes": dict.fromkeys(PURPOSES, 1)}


def test_as_shipped_nothing_means_anything_else_than_at_first() -> None:
    assert {FIRST_MEANING} == {load_meanings().of(purpose, {}) for purpose in PURPOSES}
    assert parse_meanings(ALL_FIRST) == load_meanings()


def test_a_meaning_changes_with_the_purpose_or_the_notice_and_with_no_other() -> None:
    narrower = {"warranty-desk": "customer-care"}
    names = ("customer-care", "warranty-desk", "newsletter")

    def changed(now: Meanings) -> list[bool]:
        return [Meanings().of(name, narrower) != now.of(name, narrower) for name in names]

    assert [True, True, False] == changed(Meanings(purposes={"customer-care": 2}))
    assert [True, True, True] == changed(Meanings(notice=2))
    assert [False, False, False] == changed(Meanings(purposes={"contact": 7}))


def test_no_two_declarations_mean_the_same() -> None:
    seen = {
        Meanings(notice=one, purposes={"contact": two}).of("contact", {}) for one in range(1, 30) for two in range(30)
    }
    assert 29 * 30 == len(seen)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"notice": 1},
        {**ALL_FIRST, "contact": 2},
        {**ALL_FIRST, "notice": 0},
        {**ALL_FIRST, "notice": True},
        {**ALL_FIRST, "notice": "2"},
        {**ALL_FIRST, "purposes": {}},
        {**ALL_FIRST, "purposes": {**dict.fromkeys(PURPOSES, 1), "world-peace": 1}},
        {**ALL_FIRST, "purposes": {**dict.fromkeys(PURPOSES, 1), "contact": 1.5}},
    ],
    ids=[
        "nothing",
        "no purposes",
        "an unknown key",
        "nought",
        "true",
        "text",
        "a purpose less",
        "one too many",
        "a half",
    ],
)
def test_a_declaration_with_a_slip_in_it_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(PolicyDefect):
        parse_meanings(document)
