"""The words for things that have an id on the wire, in the page's language."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import LazyString, gettext
from flask_babel import lazy_gettext as _

#: What a person ticks, and what ticking it allows.
PURPOSES: Mapping[str, tuple[LazyString, LazyString]] = {
    "customer-care": (_("Customer care"), _("Recognise you when you contact them through this account.")),
    "account-management": (_("Account management"), _("Show and manage the link in your customer account.")),
    "identity-verification": (
        _("Identity verification"),
        _("Check that you are the customer you say you are."),
    ),
    "fraud-prevention": (_("Fraud prevention"), _("Notice when somebody else pretends to be you.")),
    "service-personalisation": (_("Personal service"), _("Adapt their service to you.")),
    "newsletter": (_("Newsletter"), _("Send you the newsletter you asked for.")),
    "direct-marketing": (_("Direct marketing"), _("Send you advertising.")),
    "professional-contact": (
        _("Professional contact"),
        _("Stay in touch with you about your work together."),
    ),
    "contact": (_("Automated messages"), _("Send you automated messages on this platform.")),
}

#: What a business calls the record that would be linked.
IDENTIFIER_TYPES: Mapping[str, LazyString] = {
    "email": _("e-mail address"),
    "phone": _("telephone number"),
    "customer_id": _("customer number"),
    "household_id": _("household number"),
    "device_id": _("device number"),
    "browser_id": _("browser number"),
    "other": _("record number"),
}

#: What has become of a consent.
STATUSES: Mapping[str, LazyString] = {
    "given": _("Given"),
    "refused": _("Refused"),
    "withdrawn": _("Withdrawn by you"),
    "revoked": _("Given up by the business"),
    "expired": _("Expired"),
}

#: How a consent came to its end, where that says more than its status.
ENDS: Mapping[str, LazyString] = {
    "link:receipt": _("Withdrawn by the link in the receipt"),
    "renewal": _("Replaced by a newer consent"),
}


def ending(status: str, by: str | None) -> str:
    """What has become of a consent, in words."""
    return str(ENDS.get(by or "", STATUSES[status]))


#: What each step of the check establishes, in plain words.
STEPS: Mapping[str, LazyString] = {
    "form": _("The file is a receipt."),
    "header": _("It says how it was signed, and brings no key of its own."),
    "key": _("The key it names is one of this service's."),
    "signature": _("The signature is that key's: not a letter was changed."),
    "payload": _("Everything a receipt must say is there."),
    "disclosures": _("The values shown are the ones that were signed."),
    "inclusion": _("It has its place in the public log, which nobody can take it out of unnoticed."),
    "checkpoint": _("The log with this receipt in it is signed by this service's log keys."),
}

#: What a page says above a failure, by the failure's type.
FAILURES: Mapping[str, LazyString] = {
    "flow-broken": _("This step cannot be finished"),
    "handle-mismatch": _("This is another account"),
    "platform-failed": _("The platform did not answer"),
    "not-found": _("There is nothing here"),
    "forbidden": _("This form was not accepted"),
    "malformed-request": _("This request cannot be read"),
    "refused-by-terms": _("The terms do not allow this"),
    "unavailable": _("The broker cannot answer right now"),
    "unauthorized": _("Please sign in first"),
}
_FAILED = _("Something went wrong")


def failure_title(kind: str) -> str:
    """The heading of a failure's page."""
    return str(FAILURES.get(kind, _FAILED))


def purpose_title(purpose: str, broader: str | None = None) -> str:
    """A purpose's name; a business's own is named in its own words, in quotes, after the one that it narrows."""
    if purpose in PURPOSES:
        return str(PURPOSES[purpose][0])
    own = str(gettext("“%(own)s”", own=purpose.replace("-", " ")))
    if broader is None or broader not in PURPOSES:
        return own
    return str(gettext("%(purpose)s: %(own)s", purpose=PURPOSES[broader][0], own=own))


def purpose_words(purpose: str, narrower: Mapping[str, str]) -> tuple[str, str]:
    """What a person ticks and what ticking it allows; a business's own purpose allows less than the one it narrows."""
    _title, explanation = PURPOSES[narrower.get(purpose, purpose)]
    title = purpose_title(purpose, narrower.get(purpose))
    if purpose not in narrower:
        return title, str(explanation)
    return title, gettext(
        "%(allows)s Only for this part of it; the words in quotes are the business's own.", allows=explanation
    )
