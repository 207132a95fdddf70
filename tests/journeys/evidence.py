"""What a receipt says of the notice."""

import base64
import hashlib

from harness.evidence import decoded, disclosures_of, payload_of

WORDS = "notice_words"


def digest_of(receipt: str, name: str) -> str:
    """Return the RFC 9901 digest of the one disclosure of that name."""
    (part,) = [part for part in receipt.split("~")[1:] if part and decoded(part)[1] == name]
    return base64.urlsafe_b64encode(hashlib.sha256(part.encode()).digest()).rstrip(b"=").decode()


def signed_words(receipt: str) -> str:
    """Return the notice's words, once it is sure that the signed digest in the record is theirs."""
    notice = payload_of(receipt)["record"]["notice"]
    if notice["sha256"] != digest_of(receipt, WORDS):
        raise AssertionError("the record's notice is not the one disclosed")
    words: str = disclosures_of(receipt)[WORDS]
    return words
