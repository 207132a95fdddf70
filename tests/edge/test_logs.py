"""What stays behind: neither log nor database holds a name, an address, a token or a code in clear."""

import base64
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from harness import wire
from harness.business import Business, person_email
from harness.evidence import payload_of
from harness.person import Person
from harness.running import RunningBroker, RunningSandbox
from psycopg import sql


@pytest.fixture(scope="module")
def canaries(broker: RunningBroker, request: pytest.FixtureRequest) -> dict[str, str]:
    """Walk the whole path once, the wrong turns too, and return every value that must not stay behind."""
    sandbox: RunningSandbox = request.getfixturevalue("platform_of_all")
    business: Business = request.getfixturevalue("shared_business")
    person = Person(broker, sandbox)
    email, found = wire.fresh_email(), dict[str, str]()
    assertion = business.assertion()
    asked = business.par(details=business.details(identifier=person_email(email)), assertion=assertion)
    at_platform = person.to_platform(business, asked)
    callback = person.callback_url(at_platform)
    notice = person.browser.open(callback)
    code = person.allow(notice, ["customer-care"]).query["code"]
    token = business.exchange(code, asked.verifier).json()
    receipt = token["authorization_details"][0]["receipt"]
    found |= {
        "handle": person.account.handle, "account id": person.account.id, "email": email, "code": code,
        "request_uri": asked.request_uri.rpartition(":")[2], "verifier": asked.verifier, "state": asked.state,
        "assertion": assertion.rpartition(".")[2], "access token": token["access_token"].rpartition(".")[2],
        "platform state": wire.query_of(callback)["state"], "platform code": wire.query_of(callback)["code"],
        "capability": payload_of(receipt)["record"]["withdrawal"]["uri"].rpartition("/")[2],
        "csrf": notice.form.value_of("csrf"), "receipt": receipt.split("~")[0].rpartition(".")[2],
        "disclosure": receipt.split("~")[1],
    }  # fmt: skip
    own_token = business.client_token()
    found["client's own token"] = own_token.rpartition(".")[2]
    business.match(person.account.id, email)
    business.match({"platform": "x", "handle": person.account.handle}, email)
    person.browser.open(callback)
    business.exchange(code, asked.verifier)
    business.par(details=business.details(identifier=person_email(email), note=person.account.handle))
    wire.post(f"{business.issuer}/v1/match", data=f'{{"account": "{email}"'.encode(),
              headers={**wire.bearer(own_token), "Content-Type": "application/json"})  # fmt: skip
    wire.get(f"{business.issuer}/v1/grants/{token['grant_id']}", params={"access_token": own_token, "q": email})
    sandbox.rehearse(userinfo=[200, f'{{"data":{{"id":"x","username":"{person.account.handle}"}}}}'])
    person.prove_account(person.to_platform(business, business.par()))
    sandbox.rehearse()
    person.signs_in()
    found |= {f"cookie {name}": value for name, value in person.browser.cookies.items()}
    person.browser.submit(person.browser.open(payload_of(receipt)["record"]["withdrawal"]["uri"]).form,
                          button=("choice", "withdraw"))  # fmt: skip
    person.close()
    return found


def spellings(value: str) -> set[bytes]:
    """Return a value as it stands, in hex, in base64 and in UTF-16."""
    raw = value.encode()
    return {
        raw,
        raw.hex().encode(),
        base64.b64encode(raw).rstrip(b"="),
        value.encode("utf-16-le"),
        value.lower().encode(),
    }


def leaks(canaries: dict[str, str], kept: bytes, *, but: frozenset[str] = frozenset()) -> list[str]:
    """Return the names of the values that were found."""
    return [
        name for name, value in canaries.items()
        if name not in but and any(spelling in kept for spelling in spellings(value))
    ]  # fmt: skip


def test_the_log_was_written_at_all(broker: RunningBroker, canaries: dict[str, str]) -> None:
    assert canaries
    assert "/v1/match" in broker.said()


def test_the_log_holds_none_of_it(broker: RunningBroker, canaries: dict[str, str]) -> None:
    assert [] == leaks(canaries, broker.log.read_bytes())


def test_the_metrics_hold_none_of_it(
    broker: RunningBroker, shared_business: Business, canaries: dict[str, str]
) -> None:
    told = broker.get("/metrics").text
    assert 'route="/v1/match"' in told
    assert [] == leaks({**canaries, "client": shared_business.client_id}, told.encode())


def test_the_log_holds_no_traceback(broker: RunningBroker) -> None:
    assert "Traceback" not in broker.said()


def cells(database_url: str) -> Iterator[bytes]:
    """Yield every cell of a PostgreSQL database as bytes."""
    plain = database_url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            query = sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))
            for row in connection.execute(query, binary=False).fetchall():
                yield from (cell if isinstance(cell, bytes) else str(cell).encode() for cell in row)


def stored(broker: RunningBroker) -> bytes:
    """Return everything that the broker's database holds, as bytes."""
    if broker.database_url.startswith("sqlite"):
        file = Path(urlsplit(broker.database_url).path)
        beside = [*file.parent.glob(f"{file.name}*"), *file.parent.glob(f"{file.name}-tapes/*")]
        return b"".join(part.read_bytes() for part in sorted(beside) if part.is_file())
    return b"\n".join(cells(broker.database_url))


def test_the_database_holds_none_of_it_in_clear(broker: RunningBroker, canaries: dict[str, str]) -> None:
    kept = stored(broker)
    assert len(kept) > 1000
    assert [] == leaks(canaries, kept)


def test_the_search_would_find_what_it_looks_for(canaries: dict[str, str]) -> None:
    kept = b"log " + base64.b64encode(canaries["handle"].encode()) + b" " + canaries["email"].encode()
    assert ["handle", "email"] == leaks(canaries, kept)
