"""Provenance tags as a business states them; every part can be made wrong, and a change to None leaves it out."""

from datetime import UTC, datetime, timedelta
from typing import Any

Tag = dict[str, Any]
DISCLOSURE = {"url": "https://northwind.example/privacy", "version": "3", "sha256": "a" * 64}
#: What a page was seen to say, in hexadecimal.
SEEN = "b" * 64


def days_ago(days: int) -> str:
    """Return a moment in the past as tags write it."""
    return f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%dT09:00:00Z}"


def user_provided(**changes: object) -> Tag:
    """Return a tag of what the person gave this business."""
    whole: Tag = {
        "tag": "user_provided", "collected_at": days_ago(40), "channel": "signup-form",
        "relationship": "customer", "expected_purposes": ["customer-care"], "disclosure": DISCLOSURE,
    }  # fmt: skip
    return _whole({**whole, **changes})


def on_platform(**changes: object) -> Tag:
    """Return a tag of what is public on the platform."""
    source = {"kind": "platform", "field": "bio", "retrieved_at": days_ago(3)}
    return _public(source, **changes)


def in_directory(url: str = "https://engineers.example/members/1009", **changes: object) -> Tag:
    """Return a tag of what a public resource says."""
    source = {"kind": "directory", "url": url, "retrieved_at": days_ago(3), "sha256": SEEN}
    return _public(source, **changes)


def _public(source: Tag, **changes: object) -> Tag:
    """Changes that are members of a source are made there."""
    within = {name: changes.pop(name) for name in list(changes) if name in _OF_A_SOURCE}
    seen = _whole({**source, **within})
    return _whole({"tag": "public", "source": seen, "expected_purposes": ["customer-care"], **changes})


_OF_A_SOURCE = {"kind", "url", "retrieved_at", "sha256", "field", "post_id"}


def _whole(members: Tag) -> Tag:
    return {name: value for name, value in members.items() if value is not None}
