"""Reading a receipt without the broker's own code: RFC 9901 by hand, enough for tests."""

import base64
import hashlib
import json
from typing import Any


def decoded(part: str) -> Any:  # noqa: ANN401 (JSON is what it is)
    """Return the JSON of a base64url part."""
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def evidence_in(file: str) -> str:
    """Return the receipt that a file is: a bundle's, or the file itself."""
    found: str = json.loads(file)["evidence"] if file.lstrip().startswith("{") else file.strip()
    return found


def header_of(token: str) -> dict[str, Any]:
    """Return the header of a JWT, or of a receipt's JWT, in a bundle or by itself."""
    found: dict[str, Any] = decoded(evidence_in(token).split("~", maxsplit=1)[0].split(".", maxsplit=1)[0])
    return found


def payload_of(token: str) -> dict[str, Any]:
    """Return the payload of a JWT, or of a receipt's JWT, in a bundle or by itself, unverified."""
    found: dict[str, Any] = decoded(evidence_in(token).split("~", maxsplit=1)[0].split(".")[1])
    return found


def disclosures_of(receipt: str) -> dict[str, Any]:
    """Return the disclosed claims whose digests stand in the receipt's payload."""
    listed = payload_of(receipt)["_sd"]
    parts = [part for part in evidence_in(receipt).split("~")[1:] if part]
    digests = {part: base64.urlsafe_b64encode(hashlib.sha256(part.encode()).digest()).rstrip(b"=").decode()
               for part in parts}  # fmt: skip
    return {name: value for part in parts if digests[part] in listed for _, name, value in [decoded(part)]}
