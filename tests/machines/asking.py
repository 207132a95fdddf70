"""What the asking client asks: every endpoint it has, about people it knows, others know and nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from machines.listening import URL, statement
from machines.scene import ASKED, CARE, IDENTIFIERS
from machines.tags import LACKING, NO_EXPECTATION, REFUSED, SOUND
from machines.worlds import ACCOUNTS, BOTH, KINDS, LEFT, PAPERS, RIGHT, Deed, World

Names = dict[str, list[str]]
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


def _own_stream(world: World) -> str:
    return world.streams[world.businesses[0].client.client_id]


def _poll(asked: Request, world: World, names: Names) -> tuple[str, str, object]:
    event = asked.one_of(names["own event" if asked.tag % 3 else "event"])
    body: dict[str, object] = {"returnImmediately": True}
    body |= ({}, {"ack": [event]}, {"setErrs": {event: {"err": "invalid_request"}}}, {"maxEvents": 1})[asked.tag % 4]
    stream = _own_stream(world) if asked.detail % 8 else asked.one_of(sorted(world.streams.values()))
    return "POST", f"/ssf/poll/{stream}", body


def _delivery(asked: Request, world: World, _names: Names) -> tuple[str, str, object]:
    pushed = {"method": "urn:ietf:rfc:8935", "endpoint_url": URL, "authorization_header": "Bearer of its own"}
    polled = {"method": "urn:ietf:rfc:8936"}
    wanted = {"delivery": pushed} if asked.detail % 2 else {"delivery": polled}
    return "PATCH", "/ssf/streams", {"stream_id": _own_stream(world), **wanted}


def _verify(asked: Request, world: World, _names: Names) -> tuple[str, str, object]:
    return "POST", "/ssf/verify", {"stream_id": _own_stream(world), "state": str(asked.detail)}


def _action(asked: Request, world: World, names: Names) -> tuple[str, str, object]:
    event = asked.one_of(names["own event" if asked.tag % 3 else "event"])
    did = ("unlinked", "deleted", "restricted")[asked.detail % 3]
    return "POST", "/v1/actions", statement(world, world.businesses[0], event, did)


def _access(path: str) -> Callable[[Request, World, Names], tuple[str, str, object]]:
    """Ask as AuthZEN does; a search looks for one end of the pair, page by page or at once."""

    def sent(asked: Request, _world: World, _names: Names) -> tuple[str, str, object]:
        who = ACCOUNTS[asked.account] if asked.account < len(ACCOUNTS) else NOBODY[0]["id"]
        record = IDENTIFIERS[asked.identifier]
        body = {
            "subject": {"type": "account", "id": f"x:{who}"},
            "action": {"name": "associate", "properties": {"purpose": asked.purpose}},
            "resource": {"type": record["kind"], "id": f"{record['type']}:{record['value']}"},
        }
        return "POST", f"/access/v1/{path}", {**body, "page": {"limit": 1}} if asked.detail % 2 else body

    return sent


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
    "poll": _poll,
    "push": lambda _asked, _world, _names: ("PUSH", "", None),
    "delivery": _delivery,
    "verify": _verify,
    "action": _action,
    "GET action": _named("action", "GET"),
    "GET streams": lambda _asked, _world, _names: ("GET", "/ssf/streams", None),
    **{path: _access(path) for path in ("evaluation", "search/subject", "search/resource", "search/action")},
    **{f"{method} {kind}": _named(kind, method) for kind in ("grant", "association") for method in ("GET", "DELETE")},
}

#: Most of what happens is about one person and one record: what other clients have of them must be there to be seen.
WHOM, WHICH = (0, 0, 0, 0, 0, 0, 1, 2), ("email", "email", "email", "email", "number")
WHOSE = (0, 0, 0, 1, 1, 2, 3)
WAYS = ("match", "match", "match", "match", "offer", "poll", "poll", "push", "action", "action", *_WAYS)


def some_deeds(rng: Random) -> list[Deed]:
    """What happened in a world: a few kinds of things to the asking client, and a few to the others.

    Of all kinds at once, what one client has would seldom meet what another has not.
    """
    own, theirs = rng.sample(KINDS, 6), [*rng.sample(KINDS, 6), "consent"]
    return [_deed(rng, number, rng.choice(theirs if number else own)) for number in rng.choices(WHOSE, k=20)]


def _deed(rng: Random, number: int, kind: str) -> Deed:
    where = rng.choice((LEFT, LEFT, RIGHT, RIGHT, BOTH))
    about = {"account": rng.choice(WHOM), "identifier": rng.choice(WHICH)}
    return Deed(kind=kind, number=number, detail=rng.randrange(31), where=where, **about)


def a_request(rng: Random) -> Request:
    """Something that is asked."""
    return Request(
        kind=rng.choice(WAYS),
        account=rng.choice((*WHOM, 0, 3, len(ACCOUNTS))),
        identifier=rng.choice(WHICH),
        purpose=rng.choice((*(CARE,) * 8, *ASKED)),
        tag=rng.randrange(len(STATED)),
        detail=rng.randrange(31),
        keyed=rng.random() < 0.5,
        seconds=rng.choice((0, 0, 30, 5000)),
    )


def everything_told(world: World, acknowledged: Sequence[str]) -> Sent:
    """A poll for all that is left: each account's next, once those before it are acknowledged."""
    body = {"returnImmediately": True, "ack": list(acknowledged)}
    return "POST", f"/ssf/poll/{_own_stream(world)}", body, None


def polled_again(world: World) -> Sent:
    """Back to polling, whatever the stream was turned to."""
    return "PATCH", "/ssf/streams", {"stream_id": _own_stream(world), "delivery": {"method": "urn:ietf:rfc:8936"}}, None


def who_is_there(rng: Random) -> tuple[int, ...]:
    """In which worlds each of the others is registered."""
    return tuple(rng.choice((BOTH, BOTH, BOTH, LEFT, RIGHT)) for _ in range(3))
