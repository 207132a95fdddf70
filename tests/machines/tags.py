"""Tags of every shape and origin, and what MATCH-3 to MATCH-4b2 say of each.

Sorted by hand, from POLICY; the broker is not asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SHA256 = "5e" * 32
TOLD: Mapping[str, Any] = {
    "tag": "user_provided",
    "collected_at": "2026-10-01",
    "channel": "signup-form",
    "relationship": "customer",
    "disclosure": {"url": "https://business.example/privacy", "version": "3", "sha256": SHA256},
}
LISTED: Mapping[str, Any] = {
    "kind": "directory",
    "url": "https://architects.example/directory/jane",
    "retrieved_at": "2026-11-20",
    "sha256": SHA256,
}
SHOWN: Mapping[str, Any] = {"kind": "platform", "field": "bio", "retrieved_at": "2026-11-20"}
REFUSED_ORIGINS = ("third_party", "bought", "inferred", "leaked", "restricted")


@dataclass(frozen=True)
class Shape:
    """One shape of tag. ``basis`` is the ground it makes, if it makes one; ``taints`` that its origin is refused."""

    name: str
    members: Mapping[str, Any]
    basis: str | None = None
    taints: bool = False

    def stated(self, expected: object) -> dict[str, Any]:
        """The tag as it travels, with the purposes the person was led to expect."""
        return {**self.members, **({} if expected is None else {"expected_purposes": expected})}

    def __repr__(self) -> str:
        return self.name


def _told(name: str, *, taints: bool = False, **changes: object) -> Shape:
    return Shape(name, _changed(TOLD, changes), taints=taints)


def _public(name: str, source: Mapping[str, Any], *, taints: bool = False, **changes: object) -> Shape:
    return Shape(name, {"tag": "public", "source": _changed(source, changes)}, taints=taints)


def _changed(whole: Mapping[str, Any], changes: Mapping[str, object]) -> dict[str, Any]:
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


#: What makes a ground, when the expectations do.
SOUND = (
    Shape("what the customer told", TOLD, "user_provided"),
    Shape("what a member told", {**TOLD, "relationship": "member", "origin": "direct"}, "user_provided"),
    Shape("what a customer told, of no origin", {**TOLD, "origin": None}, "user_provided"),
    Shape("a directory", {"tag": "public", "source": LISTED}, "public"),
    Shape("a register", {"tag": "public", "source": {**LISTED, "kind": "register"}}, "public"),
    Shape("a website", {"tag": "public", "source": {**LISTED, "kind": "website"}}, "public"),
    Shape("a bio", {"tag": "public", "source": SHOWN}, "public"),
    Shape("a post", {"tag": "public", "source": {**SHOWN, "field": "post", "post_id": "17"}}, "public"),
)
#: What makes none, and is no more than a tag that lacks something.
LACKING = (
    *(_told(f"told, without {name}", **{name: None}) for name in TOLD),
    _told("told by a stranger", relationship="stranger"),
    _told("told in the future", collected_at="2099-01-01"),
    _told("told, and no day", collected_at="lately"),
    _told("told, with half a disclosure", disclosure={"url": "https://business.example/privacy"}),
    _told("another tag", tag="everybody_knows"),
    _told("a tag in capitals", tag="USER_PROVIDED"),
    Shape("public, without a source", {"tag": "public"}),
    *(_public(f"a directory without {name}", LISTED, **{name: None}) for name in LISTED),
    _public("a source of another kind", LISTED, kind="rumour"),
    _public("a page of the future", LISTED, retrieved_at="2099-01-01"),
    _public("no digest", LISTED, sha256="seen"),
    _public("a list of a union's members", LISTED, url="https://union.example/trade-union/members"),
    *(_public(f"the platform without {name}", SHOWN, **{name: None}) for name in SHOWN),
    _public("a direct message", SHOWN, field="direct_message"),
    _public("a post without its id", SHOWN, field="post"),
    _public("a bio with a post's id", SHOWN, post_id="17"),
)
#: What makes none, and is remembered.
REFUSED = (
    *(_told(f"told, {origin}", taints=True, origin=origin) for origin in REFUSED_ORIGINS),
    *(_told(f"the tag {origin}", taints=True, tag=origin) for origin in REFUSED_ORIGINS),
    *(
        Shape(f"{source['kind']}, {origin}", {"tag": "public", "origin": origin, "source": source}, taints=True)
        for origin in REFUSED_ORIGINS
        for source in (LISTED, SHOWN)
    ),
    _told("an origin nobody knows", taints=True, origin="hearsay"),
    _public("behind a login", LISTED, taints=True, url="https://members.example/login/jane"),
    _public("a people-search broker", LISTED, taints=True, url="https://www.spokeo.com/jane"),
)
#: Expectations that no ground comes of: none, what nobody knows, what is prohibited.
NO_EXPECTATION: tuple[object, ...] = (
    None,
    [],
    ["unheard-of"],
    ["customer-care", "profiling"],
    ["credit-risk"],
    "customer-care",
    [7],
)
