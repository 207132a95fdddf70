"""What a receipt says, in the fields of ISO/IEC TS 27560 and the terms of DPV."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from vectors.make import JANE, KID, RECEIPTS, claims_of, jwk_of, payload

from broker.core.consent import ConsentStatus
from broker.proof.keys import SigningKey
from broker.proof.receipt import PROFILE, TYP, Event, Party, sign_receipt, timestamp
from broker.proof.sdjwt import header_of, parse, payload_of
from broker.proof.verify import verify_receipt

KEY = SigningKey(jwk_of(RECEIPTS))
RECEIPT = payload(ConsentStatus.GIVEN, *JANE)
ENDED = [status for status in ConsentStatus if status is not ConsentStatus.REQUESTED]


@pytest.mark.parametrize("status", ENDED)
def test_what_is_signed_verifies(status: ConsentStatus) -> None:
    signed = sign_receipt(claims_of(status, JANE[2]), JANE, KEY)
    verdict = verify_receipt(str(signed), jwks={"keys": [KEY.public()]})
    assert (True, payload_of(signed.jwt)) == (verdict.anchored, verdict.payload)
    assert {it.name: it.value for it in JANE} == verdict.disclosed
    assert signed == parse(str(signed))


def test_the_header_says_type_and_key_and_nothing_else() -> None:
    signed = sign_receipt(claims_of(ConsentStatus.GIVEN, JANE[2]), JANE, KEY)
    assert {"alg": "ES256", "typ": TYP, "kid": KID} == header_of(signed.jwt)


def test_the_claims_are_those_of_the_profile() -> None:
    moment = int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp())
    expected = {
        "iss": "https://consent.example",
        "jti": "receipt-given",
        "iat": moment,
        "nbf": moment,
        "sub": "ppid_AAAAAAAAAAAAAAAAAAAAAA",
        "aud": "northwind",
        "vct": "https://consent.example/schemas/consent-receipt/1",
        "schema_version": PROFILE,
        "status": {"status_list": {"idx": 7, "uri": "https://consent.example/status/1"}},
        "_sd_alg": "sha-256",
    }
    assert expected == {name: value for name, value in RECEIPT.items() if name not in {"record", "_sd"}}


def test_a_receipt_stays_checkable_for_ever() -> None:
    assert "exp" not in RECEIPT


def test_account_identifier_and_words_stand_in_disclosures_only() -> None:
    in_clear = str(RECEIPT)
    assert [] == [word for word in ("2244994945", "jane", "example.com/jane", "May Northwind") if word in in_clear]
    assert sorted(it.digest for it in JANE) == RECEIPT["_sd"]


def test_the_record_says_who_what_for_and_until_when() -> None:
    record: dict[str, Any] = RECEIPT["record"]
    assert ("the-grant", None, "x") == (record["record_id"], record["replaces"], record["platform"])
    assert [("dpv:DataController", "Northwind"), ("dpv:DataProcessor", "Consent broker")] == [
        (party["role"], party["name"]) for party in record["parties"]
    ]
    assert [("dpv:CustomerCare", "Customer care"), ("dpv:CommunicationManagement", "Newsletter")] == [
        (entry["purpose"], entry["purpose_text"]) for entry in record["processing"]
    ]
    assert [{"locations": ["loc:EU"], "retention": "2027-11-23T12:00:00Z"}] * 2 == [
        entry["storage"] for entry in record["processing"]
    ]
    assert {"uri": "https://consent.example/consents/capability", "control": "dpv:WithdrawConsent"} == record[
        "withdrawal"
    ]
    assert JANE[2].digest == record["notice"]["sha256"]


def test_a_brand_is_named_where_there_is_one() -> None:
    assert "brand" not in RECEIPT["record"]
    assert "Southwind" == payload(ConsentStatus.GIVEN, *JANE, brand="Southwind")["record"]["brand"]


def event(**changes: object) -> dict[str, object]:
    """Return an event as a receipt tells it."""
    whole: dict[str, Any] = {
        "status": ConsentStatus.GIVEN,
        "time": datetime(2026, 11, 23, 12, tzinfo=UTC),
        "by": "person",
        "method": "button:allow",
        "valid_until": datetime(2027, 11, 23, 12, tzinfo=UTC),
        "txn": "the-transaction",
        **changes,
    }
    told: dict[str, object] = payload(ConsentStatus.GIVEN, *JANE, event=Event(**whole))["record"]["event"]
    return told


CAUSES = {
    "person": "dpv:DataSubject",
    "client": "dpv:DataController",
    "broker": "dpv:DataProcessor",
    "link": "link",
}


@pytest.mark.parametrize(("by", "term"), CAUSES.items(), ids=CAUSES.keys())
def test_an_event_says_who_caused_it(by: str, term: str) -> None:
    assert term == event(by=by)["by"]


def test_what_was_refused_has_no_basis_and_is_not_stored() -> None:
    given, refused = (payload(status, *JANE)["record"]["processing"] for status in ENDED[:2])
    assert [{"lawful_basis", "storage"}] * 2 == [
        one.keys() - other.keys() for one, other in zip(given, refused, strict=True)
    ]


def test_an_address_of_a_party_is_named_where_there_is_one() -> None:
    party = Party(id="i", name="n", contact="c", address="1 Main Street")
    assert "1 Main Street" == party.claims(role="r", kind="k")["address"]
    assert "address" not in replace(party, address=None).claims(role="r", kind="k")


@pytest.mark.parametrize("status", ENDED)
def test_an_event_says_what_happened(status: ConsentStatus) -> None:
    told = event(status=status)
    assert status.dpv == told["state"]
    assert str(told["type"]).startswith("dpv:")


@pytest.mark.parametrize(("gpc", "signals"), [(None, {}), (True, {"gpc": True}), (False, {"gpc": False})])
def test_an_event_records_the_browsers_signal(gpc: bool | None, signals: dict[str, bool]) -> None:  # noqa: FBT001 - a table
    assert signals == event(gpc=gpc)["signals"]


def test_a_time_is_told_in_utc_to_the_second() -> None:
    berlin = timezone(timedelta(hours=1))
    assert "2026-11-23T11:30:59Z" == timestamp(datetime(2026, 11, 23, 12, 30, 59, 999_999, tzinfo=berlin))
