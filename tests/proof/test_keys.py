"""Signing keys: one algorithm, one kind of token per signature, and nothing private in what is published."""

import json

import pytest
from builders import the_keys
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey
from vectors.make import RECEIPTS, TOKENS, jwk_of

from broker.errors import BadConfiguration
from broker.proof.keys import SigningKey, generate_signing_key, import_signing_key, thumbprint
from broker.proof.sdjwt import encode, header_of

KEY, OTHER = SigningKey(jwk_of(RECEIPTS)), SigningKey(jwk_of(TOKENS))


def test_a_signature_says_algorithm_type_and_key() -> None:
    signed = KEY.sign(b"{}", typ="at+jwt")
    assert {"alg": "ES256", "typ": "at+jwt", "kid": KEY.kid} == header_of(signed)
    assert b"{}" == jws.deserialize_compact(signed, KEY.key, algorithms=["ES256"]).payload


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(JoseError):
        jws.deserialize_compact(KEY.sign(b"{}", typ="at+jwt"), OTHER.key, algorithms=["ES256"])


def test_a_keys_name_is_its_thumbprint() -> None:
    """RFC 7638: of the public members alone, so that both halves bear one name."""
    public = ECKey.import_key({name: it for name, it in KEY.public().items() if name in {"kty", "crv", "x", "y"}})
    assert KEY.kid == public.thumbprint() == thumbprint(KEY.public())


def test_the_name_of_an_ed25519_key_is_the_standards() -> None:
    """RFC 8037 appendix A.3."""
    jwk = {"crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" == thumbprint({**jwk, "use": "sig"})


def test_keys_do_not_show_themselves() -> None:
    keys = the_keys()
    assert isinstance(keys.receipts, SigningKey)
    private = str(keys.receipts.key.as_dict(private=True)["d"])
    secrets = (private, encode(keys.blinding), repr(keys.blinding), repr(keys.storage[1]))
    assert [] == [secret for secret in secrets if secret in repr(keys)]


def test_a_new_key_is_a_new_key() -> None:
    assert generate_signing_key().kid != generate_signing_key().kid


def test_a_key_comes_back_as_it_was_written() -> None:
    made = generate_signing_key()
    assert made.kid == import_signing_key(json.loads(json.dumps(made.key.as_dict(private=True)))).kid


NO_SIGNING_KEYS = {
    "a public key": KEY.key.as_dict(private=False),
    "a key on another curve": ECKey.import_key(ec.derive_private_key(7, ec.SECP384R1())).as_dict(private=True),
    "a symmetric key": OctKey.import_key("k" * 32).as_dict(private=True),
    "nothing": {},
    "half a key": {"kty": "EC", "crv": "P-256"},
    "a point off the curve": {**KEY.key.as_dict(private=True), "y": KEY.public()["x"]},
}


@pytest.mark.parametrize("jwk", NO_SIGNING_KEYS.values(), ids=NO_SIGNING_KEYS.keys())
def test_what_is_no_signing_key_is_refused(jwk: dict[str, object]) -> None:
    with pytest.raises(BadConfiguration, match="private key on P-256"):
        import_signing_key(jwk)
