"""Verifies a receipt with PyPI's sd-jwt: reads {receipt, jwks}, prints the payload with what is disclosed."""

import json
import sys
from typing import Any

from jwcrypto.jwk import JWK
from sd_jwt.verifier import SDJWTVerifier


def main() -> None:
    """Verify what comes on standard input."""
    given = json.load(sys.stdin)
    keys = {key["kid"]: key for key in given["jwks"]["keys"]}

    def key_of(_: str, header: dict[str, Any]) -> JWK:
        return JWK(**keys[header["kid"]])

    verified = SDJWTVerifier(given["receipt"], key_of, None, None)
    print(json.dumps({"payload": verified.get_verified_payload()}))  # noqa: T201 (its answer)


if __name__ == "__main__":
    main()
