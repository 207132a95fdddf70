"""The exact words a person read, and their digest."""

from base64 import urlsafe_b64decode
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.core.notice import NOTICE_ID, NOTICE_VERSION, Notice, OfferedPurpose, words_digest

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
