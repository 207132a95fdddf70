"""Make the shop's key and the registration that the broker's operator takes in. Run: register.py --help."""

import argparse
import json
import os
from pathlib import Path

from joserfc.jwk import ECKey

KEY_FILE = "key.json"
REGISTRATION_FILE = "registration.json"
CLIENT_FILE = "client.json"  # what the broker printed at registration, with the client_id in it
AGREED = "2026-01-15"


def make_key(file: Path) -> ECKey:
    """Return the shop's key, made once; the private half is readable by the shop alone."""
    if file.exists():
        return ECKey.import_key(json.loads(file.read_text("utf-8")))
    key = ECKey.generate_key("P-256", auto_kid=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump(key.as_dict(private=True), out)
    return key


def registration(shop: str, key: ECKey) -> dict[str, object]:
    """Return the client metadata: RFC 7591 names, and what the platform's terms ask of an application."""
    public = {**key.as_dict(private=False), "use": "sig", "alg": "ES256"}
    return {
        "client_name": "Example Shop",
        "client_uri": shop,
        "redirect_uris": [f"{shop}/callback"],
        "jwks": {"keys": [public]},
        "contacts": ["privacy@shop.example"],
        "policy_uri": f"{shop}/privacy",
        "tos_uri": f"{shop}/terms",
        "scope": "match consent ssf.read ssf.manage",
        "owner": "Example Shop GmbH",
        "environment": "prod",
        "use_case": "Recognise our customers when they ask for help on X; newsletter for those who want it",
        "purposes": ["customer-care", "newsletter"],
        "platforms": ["x"],
        "agreements": {
            "terms_of_service": AGREED,
            "privacy_policy": AGREED,
            "developer_agreement": AGREED,
            "developer_policy": AGREED,
        },
    }


def main() -> None:
    """Write both files and say what comes next."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issuer", required=True, help="the broker's address")
    parser.add_argument("--shop", required=True, help="the shop's own address")
    parser.add_argument("--state", type=Path, required=True, help="where the shop keeps its files")
    arguments = parser.parse_args()
    arguments.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = make_key(arguments.state / KEY_FILE)
    file = arguments.state / REGISTRATION_FILE
    file.write_text(json.dumps(registration(arguments.shop.rstrip("/"), key), indent=2), "utf-8")
    print(f"Give {file} to the operator of {arguments.issuer}:")
    print(f"  broker clients register {file} > {arguments.state / CLIENT_FILE}")


if __name__ == "__main__":
    main()
