"""The log over HTTP: in time, in the formats of others, for everybody, and never more than was signed."""

import hashlib
import time
from collections.abc import Callable
from functools import cache

import pytest
import requests
from harness import tags, wire
from harness.business import Business
from harness.running import RunningBroker
from harness.tile_client import TileClient, is_consistent, path_of, root_of_entries, suffix

SQLITE = pytest.mark.parametrize("broker", ["sqlite"], indirect=True, scope="session")


def fetching(broker: RunningBroker) -> Callable[[str], bytes]:
    """Fetch from the log; what is immutable is fetched once, as a cache would."""

    def fetch(path: str) -> bytes:
        answer = broker.get(f"/log/{path}")
        assert 200 == answer.status_code, f"{path}: {answer.text}"
        return bytes(answer.content)

    kept = cache(fetch)
    return lambda path: fetch(path) if path in {"checkpoint", "vkeys"} else kept(path)


@pytest.fixture
def client(broker: RunningBroker) -> TileClient:
    """Give a stranger's reader of this log, who was told its key."""
    fetch = fetching(broker)
    return TileClient(fetch, fetch("vkeys").decode().splitlines()[0])


def stated(business: Business) -> bytes:
    """Leave a leaf: a signed statement."""
    answer = business.associate(wire.fresh_account(), wire.fresh_email(), tags.user_provided())
    assert 201 == answer.status_code, answer.text
    return hashlib.sha256(answer.json()["statement"].split("~")[0].encode()).digest()


def seconds_to(client: TileClient, leaf: bytes, *, since: float) -> float:
    """Wait until a leaf is in a published checkpoint, and say how long that was."""
    while True:
        head = client.checkpoint()
        if leaf in client.entries(head.size):
            return time.monotonic() - since
        assert time.monotonic() - since < 20, "the leaf is in no checkpoint"
        time.sleep(0.1)


def test_a_leaf_is_in_a_published_checkpoint_within_five_seconds(business: Business, client: TileClient) -> None:
    waited = []
    for _ in range(3):
        before = time.monotonic()  # earlier than the commit
        waited.append(seconds_to(client, stated(business), since=before))
    assert max(waited) < 5, waited


def test_a_strangers_reader_finds_one_tree_in_entries_tiles_and_checkpoint(
    business: Business, client: TileClient
) -> None:
    seconds_to(client, stated(business), since=time.monotonic())
    old = client.checkpoint()
    assert client.name == old.origin
    for _ in range(3):
        seconds_to(client, stated(business), since=time.monotonic())
    new = client.checkpoint()
    entries = client.entries(new.size)
    assert old.size + 3 <= new.size
    assert new.root == root_of_entries(entries) == client.root(new.size)
    assert old.root == root_of_entries(entries[: old.size])
    assert is_consistent(old, new, client.consistency_proof(old.size, new.size))
    assert {32} == {len(entry) for entry in entries}


@SQLITE
def test_the_origin_is_where_the_log_is_served(broker: RunningBroker, client: TileClient) -> None:
    assert f"{broker.issuer.removeprefix('http://')}/log" == client.checkpoint().origin


@SQLITE
@pytest.mark.parametrize(
    ("path", "content_type", "caching"),
    [
        ("checkpoint", "text/plain; charset=utf-8", "public, max-age=2"),
        ("vkeys", "text/plain; charset=utf-8", "public, max-age=300"),
        ("tile/0/000.p/1", "application/octet-stream", "public, max-age=31536000, immutable"),
        ("tile/entries/000.p/1", "application/octet-stream", "public, max-age=31536000, immutable"),
    ],
)
def test_caches_and_pages_of_others_may_keep_and_read_it(
    broker: RunningBroker, path: str, content_type: str, caching: str
) -> None:
    answer = broker.get(f"/log/{path}", headers={"Origin": "https://auditor.example", "Cookie": "a=b"})
    assert (200, content_type, caching) == (
        answer.status_code, answer.headers["Content-Type"], answer.headers["Cache-Control"],
    )  # fmt: skip
    assert ("*", "cross-origin") == (
        answer.headers["Access-Control-Allow-Origin"], answer.headers["Cross-Origin-Resource-Policy"],
    )  # fmt: skip
    assert set() == {"set-cookie", "vary"} & {name.lower() for name in answer.headers}


@SQLITE
@pytest.mark.parametrize("path", ["checkpoint", "vkeys", "tile/0/000.p/1", "tile/entries/000.p/1"])
def test_a_reader_who_has_it_is_not_sent_it_again(broker: RunningBroker, path: str) -> None:
    answers = [broker.get(f"/log/{path}") for _ in range(2)]
    if answers[0].content == answers[1].content:  # a checkpoint may have come between
        again = broker.get(f"/log/{path}", headers={"If-None-Match": answers[1].headers["ETag"]})
        assert again.status_code == 304 or again.content != answers[1].content
        assert again.status_code == 200 or (b"", answers[1].headers["ETag"]) == (again.content, again.headers["ETag"])
    assert 200 == broker.get(f"/log/{path}", headers={"If-None-Match": '"another"'}).status_code


@SQLITE
@pytest.mark.parametrize("path", ["checkpoint", "tile/0/000.p/1"])
def test_asking_for_the_head_alone_answers_without_a_body(broker: RunningBroker, path: str) -> None:
    answer = wire.call("HEAD", f"{broker.issuer}/log/{path}")
    assert (200, b"") == (answer.status_code, answer.content)
    assert int(answer.headers["Content-Length"]) > 0


@SQLITE
def test_of_a_partial_tile_exactly_the_width_that_is_asked_is_served(
    broker: RunningBroker, client: TileClient, business: Business
) -> None:
    while client.checkpoint().size < 4:
        seconds_to(client, stated(business), since=time.monotonic())
    size = min(client.checkpoint().size, 255)
    widest = {entries: broker.get(f"/log/tile/{entries}000.p/{size}").content for entries in ("0/", "entries/")}
    for width in {1, 2, size - 1, size}:
        for entries, each in (("0/", 32), ("entries/", 34)):
            found = broker.get(f"/log/tile/{entries}000.p/{width}").content
            assert widest[entries][: each * width] == found
    for at in range(size):
        entry = widest["entries/"][34 * at + 2 : 34 * at + 34]
        assert hashlib.sha256(b"\0" + entry).digest() == widest["0/"][32 * at : 32 * at + 32]


@SQLITE
def test_nothing_is_served_beyond_what_was_signed(broker: RunningBroker, client: TileClient) -> None:
    size = client.checkpoint().size
    number, width = divmod(size + 200, 256)
    for beyond in (f"{path_of(number)}{suffix(width)}" if width else path_of(number - 1), path_of(number + 1)):
        for kind in ("0/", "entries/"):
            answer = broker.get(f"/log/tile/{kind}{beyond}")
            assert answer.status_code == 404 or client.checkpoint().size >= size + 200, beyond


@SQLITE
@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/00/000", "tile/64/000",
        "tile/-1/000", "tile/0/x000/000", "tile/0/000/", "tile/0/000.p/", "tile/0/000.p/1/",
        "tile/entries/entries/000", "tile/0/\u0661", "tile/entries/000.p/999", "tile/", "tile/0",
        "tile/0/%30%30%30.p/300", "tile/8/000", "tile/0/" + "x999/" * 2000 + "999",
        "nothing", "checkpoint/", "",
    ],
    ids=lambda path: path[:24] or "nothing at all",
)  # fmt: skip
def test_what_is_not_there_is_a_problem(broker: RunningBroker, path: str) -> None:
    answer: requests.Response = broker.get(f"/log/{path}")
    assert (404, True, "no-store") == (answer.status_code, wire.is_problem(answer), answer.headers["Cache-Control"])


@SQLITE
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nobody_writes_to_the_log_from_outside(broker: RunningBroker, method: str) -> None:
    for path in ("checkpoint", "tile/0/000.p/1"):
        answer = wire.call(method, f"{broker.issuer}/log/{path}", data=b"leaf")
        assert (405, True) == (answer.status_code, wire.is_problem(answer))


@SQLITE
def test_readiness_says_that_the_log_is_kept(broker: RunningBroker) -> None:
    assert broker.get("/health/ready").json()["checks"]["log"] is True
