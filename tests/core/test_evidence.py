"""Provenance tags: what each must carry to be evidence at all."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from broker.core.evidence import FIELDS, ORIGINS, REFUSED_ORIGINS, RELATIONSHIPS, Disclosure, Provenance, Source

SEEN = datetime(2026, 10, 1, tzinfo=UTC)
GIFT = Provenance(
    tag="user_provided",
    expected_purposes=("customer-care",),
    collected_at=SEEN,
    channel="signup-form",
    relationship="customer",
    disclosure=Disclosure(url="https://northwind.example/privacy", version="3", sha256="0" * 64),
)
PAGE = Source(kind="website", retrieved_at=SEEN, url="https://jane.example/", sha256="0" * 64)
POST = Source(kind="platform", retrieved_at=SEEN, field="post", post_id="1234")
BIO = Source(kind="platform", retrieved_at=SEEN, field="bio")


def test_what_the_person_gave_needs_relationship_channel_date_and_disclosure() -> None:
    assert GIFT.complete
    lacking = [replace(GIFT, **{name: None}) for name in ("relationship", "channel", "collected_at", "disclosure")]
    assert not any(tag.complete for tag in lacking)


def test_a_source_does_not_stand_in_for_what_the_person_gave() -> None:
    assert not Provenance(tag="user_provided", source=PAGE).complete
    assert not replace(GIFT, tag="public").complete


@pytest.mark.parametrize("name", RELATIONSHIPS)
def test_a_relationship_is_one_of_a_list(name: str) -> None:
    assert replace(GIFT, relationship=name).complete
    assert not replace(GIFT, relationship=name.upper()).complete


def test_a_source_of_the_web_needs_address_date_and_digest() -> None:
    assert PAGE.complete
    assert not any(replace(PAGE, **{name: None}).complete for name in ("url", "retrieved_at", "sha256"))


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_of_the_platform_needs_a_date_and_a_post_its_id(field: str) -> None:
    post_id = "1234" if field == "post" else None
    source = Source(kind="platform", retrieved_at=SEEN, field=field, post_id=post_id)
    assert source.complete
    assert not replace(source, retrieved_at=None).complete
    assert not replace(source, post_id=None if post_id else "1234").complete


WRONG: dict[str, dict[str, Any]] = {
    "of no known kind": {"kind": "hearsay"},
    "of no kind": {"kind": "none"},
    "of the platform, with an address for a field": {"kind": "platform"},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_a_source_that_is_none_of_these_is_not_complete(change: dict[str, Any]) -> None:
    assert not replace(PAGE, **change).complete


def test_a_public_tag_is_as_complete_as_its_source() -> None:
    assert all(Provenance(tag="public", source=source).complete for source in (PAGE, POST, BIO))
    assert not Provenance(tag="public").complete
    assert not Provenance(tag="public", source=replace(PAGE, url=None)).complete


def test_every_origin_but_the_person_is_refused() -> None:
    assert {"direct"} == set(ORIGINS) - set(REFUSED_ORIGINS)
    assert "direct" == Provenance(tag="public").origin


EXTRA: dict[str, Provenance] = {
    "what was given, with a source": replace(GIFT, source=PAGE),
    "what was given, read in part": replace(GIFT, sound=False),
    "what is public, read in part": Provenance(tag="public", source=PAGE, sound=False),
    **{
        f"what is public, with its {name}": Provenance(tag="public", source=PAGE, **{name: getattr(GIFT, name)})
        for name in ("relationship", "channel", "collected_at", "disclosure")
    },
}


@pytest.mark.parametrize("tag", EXTRA.values(), ids=EXTRA.keys())
def test_evidence_of_another_kind_beside_it_spoils_a_tag(tag: Provenance) -> None:
    assert not tag.complete


def test_what_is_signed_of_a_tag_is_all_that_was_read_and_nothing_else() -> None:
    assert {
        "tag": "user_provided",
        "expected_purposes": ["customer-care"],
        "collected_at": "2026-10-01T00:00:00Z",
        "channel": "signup-form",
        "relationship": "customer",
        "disclosure": {"url": "https://northwind.example/privacy", "version": "3", "sha256": "0" * 64},
    } == GIFT.stated()
    assert {
        "tag": "public",
        "expected_purposes": [],
        "source": {
            "kind": "platform",
            "field": "post",
            "post_id": "1234",
            "retrieved_at": "2026-10-01T00:00:00Z",
        },
    } == Provenance(tag="public", source=POST).stated()


def test_an_address_as_it_was_written_is_looked_at_and_not_signed() -> None:
    source = replace(PAGE, url=None, cited="she is in a union")
    assert "union" not in str(Provenance(tag="public", source=source).stated())
