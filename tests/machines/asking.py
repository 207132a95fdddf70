"""What the asking client asks: every endpoint it has, about people it knows, others know and nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st
from machines.scene import ASKED, CARE, IDENTIFIERS
from machines.tags import LACKING, NO_EXPECTATION, REFUSED, SOUND
from machines.worlds import ACCOUNTS, BOTH, KINDS, LEFT, PAPERS, RIGHT, Deed, World

Names = dict[str, Sequence[str]]
#: Method, path, body, and the key under which it may be sent again.
Sent = tuple[str, str, object, str | None]
NOBODY = {"platform": "x", "id": "1999999999"}, {"platform": "x", "handle": "NobodyCanary"}
STATED = [shape.stated([CARE]) for shape in (*SOUND * 8, *LACKING, *REFUSED)]
STATED += [SOUND[0].stated(expected) for expected in NO_EXPECTATION]
REPORTS = [
    f"/v1/reports/{kind}?by={by}{days}"
    for kind in ("decisions", "consents", "users")
    for by in ("ground", "purpose", "week", "client")
    for days in ("", "&from=2026-11-23&to=2026-11-24")
]


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request before the names in it are known. ``seconds`` pass before it."""

    kind: str
    account: int
    identifier: str
    purpose: str
    tag: int
    detail: int
    keyed: bool
    seconds: int

    def sent(self, world: World, names: Names) -> Sent:
        """The request as it travels; *names* are those of both worlds."""
        key = f"key-{self.detail % 4}" if self.keyed else None
        return *_WAYS[self.kind](self, world, names), key

    def pair(self, world: World) -> dict[str, object]:
        """The account, which nobody may know, and the identifier."""
        who = world.who(self.account, self.detail) if self.account < len(ACCOUNTS) else NOBODY[self.detail % 2]
        return {"account": who, "identifier": IDENTIFIERS[self.identifier]}

    def one_of(self, names: Sequence[str]) -> str:
        """A name of somebody's, or nobody's."""
        return [*names, "a" * 26, "no id"][self.detail % (len(names) + 2)]


def _match(asked: Request, world: World, _names: Names) -> tuple[str, str, object]:
    return "POST", "/v1/match", {**asked.pair(world), "purpose": asked.purpose}


def _tagged(asked: Request, world: World, _names: Names) -> tuple[str, str, object]:
    tag = STATED[asked.tag]
    return "POST", "/v1/match", {**asked.pair(world), "purpose": asked.purpose, "provenance": tag}


def _offer(asked: Request, world: World, _names: Names) -> tuple[str, str, object]:
    return "POST", "/v1/associations", {**asked.pair(world), "provenance": STATED[asked.tag]}


def _contact(asked: Request, world: World, _names: Names) -> tuple[str, str, object]:
    content = {"content_sha256": "ab" * 32} if asked.detail % 2 else {"content_simhash": "00ff" * 4}
    return "POST", "/v1/contact/check", {**asked.pair(world), **content}


def _recipient(asked: Request, _world: World, _names: Names) -> tuple[str, str, object]:
    return "POST", "/v1/recipients", {"name": f"Receiver {asked.detail % 3}", "agreements": PAPERS}


def _handover(asked: Request, _world: World, names: Names) -> tuple[str, str, object]:
    body = {"recipient": asked.one_of(names["recipient"]), "kind": "post_ids", "count": 100 + asked.tag}
    return "POST", "/v1/redistributions", body


def _named(kind: str, method: str) -> Callable[[Request, World, Names], tuple[str, str, object]]:
    return lambda asked, _world, names: (method, f"/v1/{kind}s/{asked.one_of(names[kind])}", None)


_WAYS: dict[str, Callable[[Request, World, Names], tuple[str, str, object]]] = {
    "match": _match,
    "match with a tag": _tagged,
    "offer": _offer,
    "contact": _contact,
    "recipient": _recipient,
    "handover": _handover,
    "report": lambda asked, _world, _names: ("GET", REPORTS[asked.detail % len(REPORTS)], None),
    **{f"{method} {kind}": _named(kind, method) for kind in ("grant", "association") for method in ("GET", "DELETE")},
}

#: Most of what happens is about one person and one record: what other clients have of them must be there to be seen.
DEEDS = st.builds(
    Deed,
    kind=st.sampled_from(KINDS),
    number=st.sampled_from((0, 0, 1, 1, 2, 3)),
    account=st.sampled_from((0, 0, 0, 1, 2)),
    identifier=st.sampled_from(("email", "email", "number")),
    detail=st.integers(0, 30),
    where=st.sampled_from((LEFT, RIGHT, BOTH)),
)
REQUESTS = st.builds(
    Request,
    kind=st.sampled_from(("match", "match", "match", "offer", *_WAYS)),
    account=st.sampled_from((0, 0, 0, 0, 1, 1, 2, 3, len(ACCOUNTS))),
    identifier=st.sampled_from(("email", "email", "number")),
    purpose=st.sampled_from((CARE, CARE, CARE, *ASKED)),
    tag=st.integers(0, len(STATED) - 1),
    detail=st.integers(0, 30),
    keyed=st.booleans(),
    seconds=st.sampled_from((0, 0, 30, 5000)),
)
PRESENT = st.tuples(*[st.sampled_from((BOTH, BOTH, LEFT, RIGHT))] * 3)
