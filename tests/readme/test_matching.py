"""What docs/matching.md says: its requests are sent, and its tables are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from walkthrough import Walk, steps

from broker.actions.redistribute import HYDRATED, IDS
from broker.core.evidence import FIELDS, RELATIONSHIPS, SOURCES
from broker.core.fingerprint import NEAR
from broker.core.identifiers import KINDS
from broker.core.policy import REASONS
from broker.core.purposes import PROHIBITED, PURPOSES

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "matching.md").read_text()
POLICY = (ROOT / "docs" / "policy.md").read_text()


def part(heading: str) -> str:
    """Return the text under a heading, up to the next."""
    return DOCUMENT.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def coded(text: str) -> list[str]:
    """Return what is set as code, a word each."""
    return re.findall(r"`([\w-]+)`", text)


@pytest.mark.edge
def test_every_request_is_answered_as_it_says(walk: Walk) -> None:
    """The shop is that of the walkthrough, under another owner."""
    (shop,) = [step for step in steps(POLICY) if step.name == "shop.json"]
    walk.take(shop)
    walk.files["shop.json"] |= {"owner": "Example Shop of matching.md"}
    walk.names["SHOP_ID"] = walk.broker.register(walk.files["shop.json"])["client_id"]

    faults = [fault for step in steps(DOCUMENT) for fault in walk.take(step)]

    assert [] == faults, "\n".join(faults)


def test_every_reason_is_explained() -> None:
    """Suspended is an application, not an answer about an account."""
    explained = [word for row in re.findall(r"^\| (`.*?) \|", part("Reasons"), re.MULTILINE) for word in coded(row)]
    assert {*REASONS} == set(explained)


def test_every_purpose_is_named_with_its_concept() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| \[(\S+)\]\((\S+)\)", part("Purposes"), re.MULTILINE)
    assert [(purpose.id, purpose.concept, purpose.iri) for purpose in PURPOSES.values()] == rows
    assert set(PROHIBITED) == set(coded(part("Purposes").split("Prohibited, and refused")[1]))


def test_every_kind_of_identifier_is_named() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", part("Identifiers"), re.MULTILINE))
    assert KINDS.keys() == rows.keys()
    for kind, types in KINDS.items():
        assert set(types) <= set(coded(rows[kind])), kind


def test_what_a_tag_must_say_is_what_the_terms_look_for() -> None:
    words = set(re.findall(r"\w+", part("Tags and associations")))
    assert {*RELATIONSHIPS, *FIELDS, *SOURCES} <= words


def test_what_is_counted_and_how_near_is_near() -> None:
    assert set(IDS) <= set(coded(part("Passing content on")))
    assert all(word in part("Passing content on") for word in HYDRATED)
    assert {3: "differs in three bits or fewer"}[NEAR] in part("Automated messages")
