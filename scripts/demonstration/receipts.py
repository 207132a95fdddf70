"""What a holder does with a receipt: keep it, have it checked without the broker, follow its link back."""

import base64
import json
from pathlib import Path
from typing import Any

from demonstration.browser import Browser
from demonstration.programs import ProgramError
from demonstration.stage import Stage
from demonstration.steps import UnexpectedError


def download(browser: Browser, address: str, file: Path) -> str:
    """Save what an address offers, as text."""
    page = browser.open(address)
    file.write_bytes(page.content)
    return page.content.decode()


def expect_refused(stage: Stage, receipt: Path, keys: Path) -> None:
    """Expect that a changed receipt does not verify."""
    if not refusal(stage, receipt, keys):
        raise UnexpectedError("a changed receipt was accepted")


def refusal(stage: Stage, evidence: Path, keys: Path, **more: Path) -> str:
    """Return what was said of evidence that does not verify, and nothing of evidence that does."""
    try:
        stage.verify(evidence, keys, **more)
    except ProgramError as failure:
        return str(failure)
    return ""


def status_address(bundle: Path) -> str:
    """Return where the status list is that a receipt names."""
    evidence: str = json.loads(bundle.read_text("utf-8"))["evidence"]
    uri: str = payload_of(evidence)["status"]["status_list"]["uri"]
    return uri


def payload_of(receipt: str) -> dict[str, Any]:
    """Return what the issuer signed (RFC 9901: the part before the first tilde is a JWT)."""
    payload: dict[str, Any] = json.loads(signed_bytes(receipt))
    return payload


def signed_bytes(receipt: str) -> bytes:
    """Return the payload as it was signed."""
    middle = receipt.split(".")[1]
    return base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4))


def with_other_end(receipt: str) -> str:
    """Return the receipt with a later end of the consent in what was signed, and nothing else touched."""
    signed = signed_bytes(receipt)
    end: str = payload_of(receipt)["record"]["event"]["valid_until"]
    longer = signed.replace(end.encode(), f"{int(end[:4]) + 9}{end[4:]}".encode())
    if longer == signed:
        raise UnexpectedError("the receipt names no end of the consent")
    middle = base64.urlsafe_b64encode(longer).rstrip(b"=").decode()
    header, _, rest = receipt.split(".", 2)
    return f"{header}.{middle}.{rest}"


def withdrawal_link(receipt: str) -> str:
    """Return the address at which this one grant can be taken back."""
    uri: str = payload_of(receipt)["record"]["withdrawal"]["uri"]
    return uri
