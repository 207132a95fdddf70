"""What a customer gave in the signup form: the papers she was told by, and a tag that says so to the broker."""

from hashlib import sha256
from typing import Any

from customers import Customer, Disclosure
from flask import render_template

PRIVACY = "privacy"
PAPER_VERSION = "2026-01"
#: What the signup form says the handle is for, and nothing else.
EXPECTED = ("customer-care",)
CHANNEL = "signup-form"

#: Where the shop may say that it has a handle from. It has them from its form; the others are here to be refused.
FROM_FORM, FROM_LIST, UNSAID = "form", "bought", "unsaid"
SAYABLE = {
    FROM_FORM: "that you gave it to us in the signup form",
    FROM_LIST: "that we bought it from somebody",
    UNSAID: "nothing of where we have it from",
}


def paper_text(which: str, *, issuer: str) -> str:
    """Return one of the papers as it is served; the digest in a tag is over these very bytes."""
    return render_template("paper.html", which=which, version=PAPER_VERSION, issuer=issuer)


def disclosure(*, shop: str, issuer: str) -> Disclosure:
    """Return where a customer who signs up now is told what her handle is for, and what is said there."""
    text = paper_text(PRIVACY, issuer=issuer)
    return Disclosure(url=f"{shop}/{PRIVACY}", version=PAPER_VERSION, sha256=sha256(text.encode()).hexdigest())


def tag_of(customer: Customer, said: str) -> dict[str, Any] | None:
    """Return the provenance tag for what the shop says of a handle; None where it says nothing."""
    if said == UNSAID or customer.told is None:
        return None
    tag = {
        "tag": "user_provided",
        "collected_at": customer.signed_up,
        "channel": CHANNEL,
        "relationship": "customer",
        "expected_purposes": list(EXPECTED),
        "disclosure": {
            "url": customer.told.url,
            "version": customer.told.version,
            "sha256": customer.told.sha256,
        },
    }
    return {**tag, "origin": "bought"} if said == FROM_LIST else tag
