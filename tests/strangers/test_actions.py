"""A statement that somebody else's library signed is taken as the business's own."""

import time

from harness import wire
from harness.person import Person
from harness.running import RunningBroker
from harness.strangers import ask


def test_a_statement_signed_by_jose_is_on_record(broker: RunningBroker, person: Person) -> None:
    business = broker.business()
    linked = person.consents(business)
    person.withdraws(linked.grant_id)
    scopes = {name: wire.bearer(business.client_token(name)) for name in ("ssf.read", "ssf.manage", "consent")}
    made = wire.post(f"{business.issuer}/ssf/streams", json={}, headers=scopes["ssf.manage"])
    where = made.json()["delivery"]["endpoint_url"]
    poll = {"returnImmediately": True}
    first = wire.post(where, json=poll, headers=scopes["ssf.read"]).json()["sets"]
    then = wire.post(where, json={**poll, "ack": list(first)}, headers=scopes["ssf.read"]).json()["sets"]
    done_at = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    payload = {"event": next(iter(then)), "action": "deleted", "done_at": done_at}
    key = business.key.as_dict(private=True)
    signed = ask("action.mjs", {"key": key, "kid": business.key.thumbprint(), "payload": payload})["statement"]
    headers = {**scopes["consent"], "Content-Type": "application/jose"}
    answer = wire.post(f"{business.issuer}/v1/actions", data=signed, headers=headers)
    assert 201 == answer.status_code, answer.text
