"""Write the vectors anew: evidence that holds, and receipts, statements and key sets each named after the lie it tells.

Everything here is fixed, keys and salts too, and signatures are deterministic (RFC 6979): a second run
writes the same bytes. These keys are known to everybody and sign nothing but vectors.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey

from broker.core.consent import ConsentStatus
from broker.proof.erasure import TYP as CERTIFICATE_TYP
from broker.proof.erasure import CertificateClaims, sign_certificate
from broker.proof.keys import SigningKey
from broker.proof.receipt import ACCOUNT, IDENTIFIER, TYP, WORDS, Event, NoticeRef, Party, ReceiptClaims, sign_receipt
from broker.proof.sdjwt import Disclosure, disclose, encode, payload_of
from broker.proof.statement import EVIDENCE, StatementClaims, sign_statement
from broker.proof.statement import TYP as STATEMENT_TYP

FOLDER = Path(__file__).parent
JWKS = "jwks.json"
Claims = dict[str, Any]


def key_of(scalar: int, curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    """Return the private key of a number."""
    return ec.derive_private_key(scalar, curve or ec.SECP256R1())


def jwk_of(private: ec.EllipticCurvePrivateKey) -> ECKey:
    """Return a key as JOSE writes it."""
    return ECKey.import_key(private)


RECEIPTS, TOKENS, STRANGER = key_of(0x1A2B3C), key_of(0x4D5E6F), key_of(0x708192)
KID, STRANGERS_KID = jwk_of(RECEIPTS).thumbprint(), jwk_of(STRANGER).thumbprint()


def part(value: object) -> str:
    """Return one part of a JWS."""
    return encode(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def signature(message: str, private: ec.EllipticCurvePrivateKey = RECEIPTS) -> bytes:
    """Sign as ES256 and ES384 do: r and s side by side."""
    digest = SHA384() if private.curve.name == "secp384r1" else SHA256()
    r, s = decode_dss_signature(private.sign(message.encode(), ec.ECDSA(digest, deterministic_signing=True)))
    size = private.curve.key_size // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def jws(claims: object, private: ec.EllipticCurvePrivateKey = RECEIPTS, **header: object) -> str:
    """Sign claims under a header that is right but for its changes; None leaves a member out."""
    head = {name: it for name, it in {"alg": "ES256", "typ": TYP, "kid": KID, **header}.items() if it is not None}
    message = f"{part(head)}.{claims if isinstance(claims, str) else part(claims)}"
    return f"{message}.{encode(signature(message, private))}"


def salted(name: str, value: object, *, of: str) -> Disclosure:
    """Make a disclosure with a salt of its own."""
    return disclose(name, value, salt=hashlib.sha256(f"{of} {name}".encode()).digest()[:16])


def sd_jwt(jwt: str, *disclosures: Disclosure | str) -> str:
    """Put a receipt together."""
    return "~".join([jwt, *(it if isinstance(it, str) else it.encoded for it in disclosures), ""])


def disclosures_of(person: str) -> tuple[Disclosure, Disclosure, Disclosure]:
    """Make what a receipt of a person discloses."""
    proved = {"verified_by": "oauth2", "verified_at": "2026-11-23T12:00:00Z"}
    return (
        salted(ACCOUNT, {"platform": "x", "id": "2244994945", "handle": person, **proved}, of=person),
        salted(IDENTIFIER, {"kind": "person", "type": "email", "value": f"{person}@example.com"}, of=person),
        salted(WORDS, f"May Northwind match you?\nYou are @{person}.\nFor what?\nCustomer care", of=person),
    )


def claims_of(status: ConsentStatus, words: Disclosure) -> ReceiptClaims:
    """Return what a receipt of Jane's says in clear."""
    return ReceiptClaims(
        receipt_id=f"receipt-{status.value}",
        grant_id="the-grant",
        replaces=None if status in {ConsentStatus.GIVEN, ConsentStatus.REFUSED} else "receipt-given",
        pairwise="ppid_AAAAAAAAAAAAAAAAAAAAAA",
        client_id="northwind",
        client=Party(id="https://northwind.example/", name="Northwind", contact="privacy@northwind.example"),
        broker=Party(id="https://consent.example", name="Consent broker", contact="privacy@consent.example"),
        platform="x",
        purposes=("customer-care", "newsletter"),
        purpose_texts={"customer-care": "Customer care", "newsletter": "Newsletter"},
        location="loc:EU",
        notice=NoticeRef(
            id="off-platform-match", version="1", language="en", sha256=words.digest, text_sha256=words.digest[::-1]
        ),
        event=Event(
            status=status,
            time=datetime(2026, 11, 23, 12, tzinfo=UTC),
            by="person",
            method="button:allow",
            valid_until=datetime(2027, 11, 23, 12, tzinfo=UTC),
            txn="the-transaction",
            gpc=False,
        ),
        policy={"id": "x-developer-terms", "version": "1", "digest": "sha256:" + "0" * 64},
        status_uri="https://consent.example/status/1",
        status_index=7,
        withdrawal_uri="https://consent.example/consents/capability",
    )


def payload(status: ConsentStatus, *shown: Disclosure, **changes: Any) -> Claims:  # noqa: ANN401 - any field of the claims
    """Return the payload that the broker would sign."""
    claims = replace(claims_of(status, shown[-1]), **changes)
    return payload_of(sign_receipt(claims, shown, SigningKey(jwk_of(RECEIPTS))).jwt)


JANE, JOE = disclosures_of("jane"), disclosures_of("joe")
JANES, JOES = payload(ConsentStatus.GIVEN, *JANE), payload(ConsentStatus.GIVEN, *JOE)
GIVEN = jws(JANES)
HEAD, BODY, SIGNED = GIVEN.split(".")


def changed(change: Callable[[Claims], object], *, of: Claims = JANES) -> Claims:
    """Return claims after a change."""
    copied: Claims = json.loads(json.dumps(of))
    change(copied)
    return copied


def lie(change: Callable[[Claims], object]) -> str:
    """Sign changed claims with the broker's own key."""
    return sd_jwt(jws(changed(change)), *JANE)


def truths() -> Mapping[str, str]:
    """Every receipt that holds."""
    ended = {
        f"receipt-{status.value}": sd_jwt(jws(payload(status, *JANE)), *JANE)
        for status in ConsentStatus
        if status is not ConsentStatus.REQUESTED
    }
    return ended | {
        "receipt-of-a-brand": sd_jwt(jws(payload(ConsentStatus.GIVEN, *JANE, brand="Southwind")), *JANE),
        "receipt-with-nothing-disclosed": sd_jwt(GIVEN),
        "receipt-with-the-account-only": sd_jwt(GIVEN, JANE[0]),
        "receipt-disclosed-in-another-order": sd_jwt(GIVEN, *reversed(JANE)),
        "receipt-with-line-breaks-around": "\n" + sd_jwt(GIVEN, *JANE) + "\r\n",
    }


def lies_about_the_key() -> Mapping[str, str]:
    """Receipts whose header asks to be believed, or whose signature is none."""
    public = jwk_of(STRANGER).as_dict(private=False)
    hmac_head = part({"alg": "HS256", "typ": TYP, "kid": KID})
    pem = RECEIPTS.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    hmac_signed = hmac.digest(pem, f"{hmac_head}.{BODY}".encode(), "sha256")
    none_head = part({"alg": "none", "typ": TYP, "kid": KID})
    headers: Mapping[str, dict[str, object]] = {
        "other-typ": {"typ": "at+jwt"},
        "typ-missing": {"typ": None},
        "kid-missing": {"kid": None},
        "kid-is-a-number": {"kid": 7},
        "jwk-in-header": {"jwk": public},
        "jku-in-header": {"jku": "https://stranger.example/jwks.json"},
        "x5u-in-header": {"x5u": "https://stranger.example/chain.pem"},
        "crit-in-header": {"crit": ["exp"], "exp": 4102444800},
        "b64-in-header": {"b64": False, "crit": ["b64"]},
        "alg-is-a-list": {"alg": ["ES256"]},
    }
    der = RECEIPTS.sign(f"{HEAD}.{BODY}".encode(), ec.ECDSA(SHA256(), deterministic_signing=True))
    forged = {f"receipt-{name}": sd_jwt(jws(JANES, **header), *JANE) for name, header in headers.items()}
    return forged | {
        "receipt-alg-none": sd_jwt(f"{none_head}.{BODY}.", *JANE),
        "receipt-alg-none-with-signature": sd_jwt(f"{none_head}.{BODY}.{SIGNED}", *JANE),
        "receipt-hs256-with-public-key": sd_jwt(f"{hmac_head}.{BODY}.{encode(hmac_signed)}", *JANE),
        "receipt-es384": sd_jwt(jws(JANES, key_of(0x1A2B3C, ec.SECP384R1()), alg="ES384"), *JANE),
        "receipt-wrong-key": sd_jwt(jws(JANES, STRANGER), *JANE),
        "receipt-wrong-key-with-jwk": sd_jwt(jws(JANES, STRANGER, kid=STRANGERS_KID, jwk=public), *JANE),
        "receipt-kid-unknown": sd_jwt(jws(JANES, STRANGER, kid=STRANGERS_KID), *JANE),
        "receipt-kid-of-the-tokens-key": sd_jwt(jws(JANES, kid=jwk_of(TOKENS).thumbprint()), *JANE),
        "receipt-header-member-twice": sd_jwt(_member_twice(), *JANE),
        "receipt-without-signature": sd_jwt(f"{HEAD}.{BODY}.", *JANE),
        "receipt-signature-of-zeros": sd_jwt(f"{HEAD}.{BODY}.{encode(bytes(64))}", *JANE),
        "receipt-signature-in-der": sd_jwt(f"{HEAD}.{BODY}.{encode(der)}", *JANE),
        "receipt-signature-cut": sd_jwt(GIVEN[:-4], *JANE),
        "receipt-signature-of-another-receipt": sd_jwt(f"{HEAD}.{BODY}.{jws(JOES).split('.')[2]}", *JANE),
    }


def lies_about_the_claims() -> Mapping[str, str]:
    """Receipts whose payload was changed, or was signed with something in it that no receipt holds."""
    purpose = changed(lambda it: it["record"]["processing"][1].update(purpose_id="direct-marketing"))
    later = changed(lambda it: it["record"]["event"].update(valid_until="2999-01-01T00:00:00Z"))
    twice = encode(json.dumps(JANES).encode()[:-1] + b', "aud": "southwind"}')
    return {
        "receipt-claims-changed": sd_jwt(f"{HEAD}.{part(purpose)}.{SIGNED}", *JANE),
        "receipt-life-prolonged": sd_jwt(f"{HEAD}.{part(later)}.{SIGNED}", *JANE),
        "receipt-claims-written-otherwise": sd_jwt(f"{HEAD}.{encode(json.dumps(JANES).encode())}.{SIGNED}", *JANE),
        "receipt-member-twice": sd_jwt(jws(twice), *JANE),
        "receipt-is-a-list": sd_jwt(jws([JANES]), *JANE),
        "receipt-without-issuer": lie(lambda it: it.pop("iss")),
        "receipt-for-two-clients": lie(lambda it: it.update(aud=["northwind", "southwind"])),
        "receipt-without-time": lie(lambda it: it.pop("iat")),
        "receipt-without-record": lie(lambda it: it.pop("record")),
        "receipt-without-event": lie(lambda it: it["record"].pop("event")),
        "receipt-of-a-mere-request": lie(lambda it: it["record"]["event"].update(state="dpv:ConsentRequested")),
        "receipt-of-two-states": lie(lambda it: it["record"]["event"].update(state=["dpv:ConsentGiven"])),
        "receipt-given-by-an-act-of-withdrawal": lie(
            lambda it: it["record"]["event"].update(type="dpv:WithdrawConsent")
        ),
        "receipt-by-nobody": lie(lambda it: it["record"]["event"].pop("by")),
        "receipt-of-another-time": lie(lambda it: it.update(iat=it["iat"] - 1)),
        "receipt-time-is-true": lie(lambda it: it.update(iat=True)),
        "receipt-time-in-no-zone": lie(lambda it: it["record"]["event"].update(time="2026-11-23T12:00:00")),
        "receipt-time-in-another-writing": lie(lambda it: it["record"]["event"].update(time="20261123T120000Z")),
        "receipt-end-that-is-no-time": lie(lambda it: it["record"]["event"].update(valid_until="for ever")),
        "receipt-status-of-a-stranger": lie(
            lambda it: it["status"]["status_list"].update(uri="https://consent.example.stranger.example/status/1")
        ),
        "receipt-status-missing": lie(lambda it: it.pop("status")),
        "receipt-of-one-party": lie(lambda it: it["record"]["parties"].pop()),
        "receipt-parties-as-text": lie(lambda it: it["record"].update(parties=["Northwind", "Consent broker"])),
        "receipt-without-notice": lie(lambda it: it["record"].pop("notice")),
        "receipt-without-policy": lie(lambda it: it["record"]["policy"].pop("digest")),
        "receipt-without-withdrawal": lie(lambda it: it["record"]["withdrawal"].pop("uri")),
        "receipt-without-grant": lie(lambda it: it["record"].pop("record_id")),
        "receipt-without-platform": lie(lambda it: it["record"].update(platform=7)),
        "receipt-of-no-purpose": lie(lambda it: it["record"].update(processing=[])),
        "receipt-purposes-missing": lie(lambda it: it["record"].pop("processing")),
        "receipt-purpose-unknown": lie(lambda it: it["record"]["processing"][0].update(purpose_id="profiling")),
        "receipt-purpose-in-other-words": lie(
            lambda it: it["record"]["processing"][0].update(purpose=it["record"]["processing"][1]["purpose"])
        ),
        "receipt-purpose-as-text": lie(lambda it: it["record"].update(processing=["customer-care"])),
    }


def lies_about_the_disclosures() -> Mapping[str, str]:
    """Receipts that show what was never signed."""
    other_account = salted(ACCOUNT, {"platform": "x", "id": "12", "handle": "joe"}, of="jane")
    age, issuer = salted("age", 17, of="jane"), salted("iss", "https://stranger.example", of="jane")
    second_account = salted(ACCOUNT, {"platform": "x", "id": "12", "handle": "joe"}, of="second")
    digest = JANE[1].digest
    return {
        "receipt-disclosure-changed": sd_jwt(GIVEN, other_account, *JANE[1:]),
        "receipt-disclosure-of-another-receipt": sd_jwt(GIVEN, JOE[0], *JANE[1:]),
        "receipt-disclosure-twice": sd_jwt(GIVEN, JANE[0], *JANE),
        "receipt-two-accounts": sd_jwt(jws(changed(_adds(second_account))), *JANE, second_account),
        "receipt-disclosure-of-another-name": sd_jwt(jws(changed(_adds(age))), *JANE, age),
        "receipt-disclosure-of-a-claim": sd_jwt(jws(changed(_adds(issuer))), *JANE, issuer),
        "receipt-words-of-another-notice": sd_jwt(jws(changed(_adds(JOE[2]))), *JANE[:2], JOE[2]),
        "receipt-words-never-signed": lie(lambda it: it["record"]["notice"].update(sha256=JOE[2].digest)),
        "receipt-digest-missing": lie(lambda it: it["_sd"].remove(digest)),
        "receipt-digest-twice": lie(lambda it: it["_sd"].append(digest)),
        "receipt-digest-that-is-nothing": lie(lambda it: it["_sd"].append(None)),
        "receipt-digests-missing": lie(lambda it: it.pop("_sd")),
        "receipt-digests-as-text": lie(lambda it: it.update(_sd=" ".join(it["_sd"]))),
        "receipt-digests-of-another-kind": lie(lambda it: it.update(_sd_alg="sha-512")),
        "receipt-digests-of-no-kind": lie(lambda it: it.pop("_sd_alg")),
    }


def lies_about_the_form() -> Mapping[str, str]:
    """Files that are no SD-JWT, or are one in another writing."""
    whole = sd_jwt(GIVEN, *JANE)
    flattened = {"payload": BODY, "protected": HEAD, "signature": SIGNED}
    return {
        "receipt-empty": "",
        "receipt-truncated": whole[:-10],
        "receipt-truncated-in-the-jwt": GIVEN[:-10],
        "receipt-of-two-parts": sd_jwt(f"{HEAD}.{BODY}", *JANE),
        "receipt-of-four-parts": sd_jwt(f"{GIVEN}.{SIGNED}", *JANE),
        "receipt-as-json": json.dumps(flattened),
        "receipt-with-key-binding": whole + jws({"nonce": "n"}, typ="kb+jwt"),
        "receipt-padded-base64": sd_jwt(f"{HEAD}.{BODY}.{SIGNED}==", *JANE),
        "receipt-padded-header": sd_jwt(f"{HEAD}{'=' * (-len(HEAD) % 4 or 4)}.{BODY}.{SIGNED}", *JANE),
        "receipt-padded-disclosure": sd_jwt(GIVEN, JANE[0].encoded + "=" * (-len(JANE[0].encoded) % 4 or 4)),
        "receipt-line-break-inside": whole.replace("~", "\n~", 1),
        "receipt-disclosure-empty": sd_jwt(GIVEN, ""),
        "receipt-disclosure-of-two": sd_jwt(GIVEN, part(["salt", ACCOUNT])),
        "receipt-disclosure-as-object": sd_jwt(GIVEN, part({"salt": "s", "name": ACCOUNT, "value": 1})),
        "receipt-disclosure-without-salt": sd_jwt(GIVEN, part([None, ACCOUNT, {}])),
        "receipt-disclosure-of-no-name": sd_jwt(GIVEN, part(["salt", 7, {}])),
        "receipt-disclosure-of-digests": sd_jwt(GIVEN, part(["salt", "_sd", []])),
        "receipt-disclosure-of-an-element": sd_jwt(GIVEN, part(["salt", "...", []])),
        "receipt-letters-outside-ascii": sd_jwt(f"{HEAD}.{BODY}.{SIGNED[:-1]}\u00e9", *JANE),
    }


def evidence_of(person: str, tag: str = "user_provided") -> tuple[Disclosure, Disclosure, Disclosure]:
    """Make what a statement about a person discloses."""
    told = {"url": "https://northwind.example/privacy", "version": "3", "sha256": "0" * 64}
    given = {"channel": "signup-form", "relationship": "customer", "collected_at": "2026-10-01T00:00:00+00:00"}
    evidence = {"tag": tag, "expected_purposes": ["customer-care"], **given, "disclosure": told}
    account, identifier, _ = disclosures_of(person)
    return account, identifier, salted(EVIDENCE, evidence, of=f"{person} {tag}")


def stated(*shown: Disclosure, **changes: Any) -> Claims:  # noqa: ANN401 - any field of the claims
    """Return the payload of a statement about Jane that the broker would sign."""
    claims = StatementClaims(
        statement_id="statement-given",
        association_id="the-association",
        issued_at=datetime(2026, 11, 23, 12, tzinfo=UTC),
        pairwise="ppid_AAAAAAAAAAAAAAAAAAAAAA",
        client_id="northwind",
        client=Party(id="https://northwind.example/", name="Northwind", contact="privacy@northwind.example"),
        broker=Party(id="https://consent.example", name="Consent broker", contact="privacy@consent.example"),
        platform="x",
        tag="user_provided",
        expected_purposes=("customer-care",),
        clauses=("MATCH-4a",),
        policy={"id": "x-developer-terms", "version": "2", "digest": "sha256:" + "0" * 64},
    )
    return payload_of(sign_statement(replace(claims, **changes), shown, SigningKey(jwk_of(RECEIPTS))).jwt)


def statements() -> Mapping[str, str]:
    """Return a provenance statement that holds, and one for each lie."""
    given, joes, found = evidence_of("jane"), evidence_of("joe"), evidence_of("jane", "public")
    claims = stated(*given)
    signed = jws(claims, typ=STATEMENT_TYP)
    head, _, _ = signed.split(".")
    newsletter = changed(lambda it: it["statement"].update(expected_purposes=["newsletter"]), of=claims)
    public = changed(lambda it: it["statement"].update(data_source="dpv:PublicDataSource"), of=claims)
    nothing = changed(lambda it: it["statement"].update(expected_purposes=[]), of=claims)
    others = jws(stated(*joes, statement_id="statement-of-joe"), typ=STATEMENT_TYP).split(".")[2]
    return {
        "statement-given": sd_jwt(signed, *given),
        "statement-evidence-of-another-tag": sd_jwt(jws(stated(*found), typ=STATEMENT_TYP), *found),
        "statement-typ-of-a-receipt": sd_jwt(jws(claims, typ=TYP), *given),
        "statement-claims-changed": sd_jwt(f"{head}.{part(newsletter)}.{signed.split('.')[2]}", *given),
        "statement-data-source-of-another-tag": sd_jwt(jws(public, typ=STATEMENT_TYP), *given),
        "statement-of-no-purpose": sd_jwt(jws(nothing, typ=STATEMENT_TYP), *given),
        "statement-signature-of-another-statement": sd_jwt(f"{signed.rpartition('.')[0]}.{others}", *given),
    }


def certified(*shown: Disclosure, **changes: Any) -> Claims:  # noqa: ANN401 - any field of the claims
    """Return the payload of the certificate of Jane's erasure that the broker would sign."""
    claims = CertificateClaims(
        certificate_id="certificate-given",
        erasure_id="the-erasure",
        issued_at=datetime(2026, 11, 23, 12, tzinfo=UTC),
        broker=Party(id="https://consent.example", name="Consent broker", contact="privacy@consent.example"),
        by="person",
        objects=False,
        withdrawn=1,
        destroyed={"people": 1, "consents": 2},
        kept={"receipts": 3},
        entries=[b"d" * 32, b"e" * 32],
        storage_epoch=1,
        replayed=False,
    )
    signed = sign_certificate(replace(claims, **changes), shown[0], SigningKey(jwk_of(RECEIPTS)))
    return payload_of(signed.jwt)


def account_of(person: str) -> Disclosure:
    """Make what the person's own copy of a certificate discloses."""
    return salted(ACCOUNT, {"platform": "x", "id": "2244994945", "handles": [person]}, of=f"{person} erased")


def certificates() -> Mapping[str, str]:
    """Return certificates of an erasure that hold, and one for each lie."""
    given, joes = account_of("jane"), account_of("joe")
    claims = certified(given)
    signed = jws(claims, typ=CERTIFICATE_TYP)
    head, _, end = signed.split(".")

    def lying(where: str, **members: object) -> str:
        def lie(it: Claims) -> None:
            (it["erasure"][where] if where else it["erasure"]).update(members)

        return sd_jwt(jws(changed(lie, of=claims), typ=CERTIFICATE_TYP), given)

    fewer = changed(lambda it: it["erasure"]["destroyed"].update(consents=0), of=claims)
    nameless = changed(lambda it: it["erasure"].pop("erased_by"), of=claims)
    email = salted(IDENTIFIER, {"type": "email", "value": "jane@mailbox.example"}, of="jane erased")
    knowing = changed(_adds(email), of=claims)
    return {
        "certificate-given": sd_jwt(signed, given),
        "certificate-that-names-nobody": sd_jwt(signed),
        "certificate-by-an-operator": lying("", by="operator"),
        "certificate-typ-of-a-receipt": sd_jwt(jws(claims, typ=TYP), given),
        "certificate-claims-changed": sd_jwt(f"{head}.{part(fewer)}.{end}", given),
        "certificate-of-another-time": lying("", time="2026-11-23T12:00:01Z"),
        "certificate-of-no-time": lying("", time=None),
        "certificate-by-a-business": lying("", by="client"),
        "certificate-by-two": lying("", by=["person"]),
        "certificate-of-another-operation": lying("", operation="dpv:Anonymise"),
        "certificate-of-less-than-nothing": lying("destroyed", people=-1),
        "certificate-of-some-people": lying("destroyed", people="some"),
        "certificate-of-a-true-number": lying("kept", receipts=True),
        "certificate-of-half-an-entry": lying("trail", entries=1.5),
        "certificate-without-commitment": lying("trail", sha256=None),
        "certificate-without-erasure": sd_jwt(jws({**claims, "erasure": None}, typ=CERTIFICATE_TYP), given),
        "certificate-of-no-broker": sd_jwt(jws(nameless, typ=CERTIFICATE_TYP), given),
        "certificate-account-of-another": sd_jwt(signed, joes),
        "certificate-account-twice": sd_jwt(signed, given, given),
        "certificate-that-discloses-a-record": sd_jwt(jws(knowing, typ=CERTIFICATE_TYP), given, email),
    }


def key_sets() -> Mapping[str, object]:
    """The published keys, and sets that are not to be believed."""
    published = [SigningKey(jwk_of(key)).public() for key in (RECEIPTS, TOKENS)]
    key = published[0]
    return {
        "jwks": {"keys": published},
        "jwks-key-is-private": {"keys": [{**key, **jwk_of(RECEIPTS).as_dict(private=True)}]},
        "jwks-key-twice": {"keys": [key, key]},
        "jwks-key-of-a-stranger-under-this-kid": {"keys": [{**SigningKey(jwk_of(STRANGER)).public(), "kid": KID}]},
        "jwks-key-is-symmetric": {"keys": [{"kty": "oct", "k": encode(b"k" * 32), "kid": KID}]},
        "jwks-key-on-another-curve": {"keys": [{**key, "crv": "secp256k1"}]},
        "jwks-key-off-the-curve": {"keys": [{**key, "y": key["x"]}]},
        "jwks-key-without-y": {"keys": [{name: value for name, value in key.items() if name != "y"}]},
        "jwks-key-that-signs-tokens": {"keys": [{**key, "signs": "tokens"}]},
        "jwks-key-revoked-by-nothing": {"keys": [{**key, "revoked": None}]},
        "jwks-key-revoked-at-no-place": {"keys": [{**key, "revoked": {"revoked_at": 0, "reason": "compromised"}}]},
        "jwks-without-this-key": {"keys": published[1:]},
        "jwks-of-nothing": {"keys": []},
        "jwks-as-an-object": {"keys": {KID: key}},
        "jwks-without-keys": key,
    }


def _member_twice() -> str:
    head = encode(f'{{"alg":"none","typ":"{TYP}","kid":"{KID}","alg":"ES256"}}'.encode())
    return f"{head}.{BODY}.{encode(signature(f'{head}.{BODY}'))}"


def _adds(disclosure: Disclosure) -> Callable[[Claims], object]:
    return lambda it: it["_sd"].append(disclosure.digest)


def files() -> Mapping[str, bytes]:
    """Every file of this folder that this script writes, by name."""
    receipts = {
        **truths(),
        **lies_about_the_key(),
        **lies_about_the_claims(),
        **lies_about_the_disclosures(),
        **lies_about_the_form(),
        **statements(),
        **certificates(),
    }
    sets = {f"{name}.json": json.dumps(keys, indent=2).encode() + b"\n" for name, keys in key_sets().items()}
    return {f"{name}.sd-jwt": text.encode() for name, text in receipts.items()} | sets


if __name__ == "__main__":
    for name, content in files().items():
        (FOLDER / name).write_bytes(content)
