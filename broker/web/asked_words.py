"""What a business asked about a person, and what it was told, in plain words and in the page's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flask_babel import LazyString, gettext
from flask_babel import lazy_gettext as _

from broker.actions.list_questions import QuestionView
from broker.core.purposes import OTHER_PURPOSE
from broker.web.wording import purpose_title

#: What was asked.
ASKED: Mapping[str, LazyString] = {
    "match": _("Asked whether this account belongs to one of its records."),
    "contact": _("Asked whether it may send this account an automated message."),
    "associate": _("Said that this account belongs to one of its records."),
}

#: Why it was told yes, by what the answer rests on.
ALLOWED: Mapping[str, LazyString] = {
    "consent": _("Yes: you had allowed it."),
    "user_provided": _("Yes: it says that you gave it your details yourself."),
    "public": _("Yes: it says that it found you in public data."),
}

#: Why it was told no, by the clause where that says more than the reason.
BY_CLAUSE: Mapping[str, LazyString] = {
    "SIGNAL-1": _("No: your browser signals that nothing about you be sold or shared."),
    "CONTACT-2": _("No: you had objected."),
    "CONTACT-3": _("No: it had sent too many messages."),
    "CONTACT-4": _("No: nearly the same message had gone to others."),
}
REFUSED: Mapping[str, LazyString] = {
    "no_basis": _("No: there was neither a consent of yours nor another ground that counts."),
    "purpose_not_granted": _("No: not for this purpose."),
    "purpose_prohibited": _("No: the terms forbid this to everybody, whatever a person allows."),
    "purpose_not_declared": _("No: it is not registered for this purpose."),
    "withdrawn": _("No: you had withdrawn your consent."),
    "expired": _("No: your consent had expired."),
    "provenance_rejected": _("No: what it offered as a ground does not count."),
    "notice_changed": _("No: what you had allowed means something else by now, so it has to ask you again."),
    "suspended": _("No: the account could not be found at the platform."),
}
_NOBODYS = _("a purpose that nobody knows")


def asked_words(question: QuestionView) -> str:
    """What was asked."""
    return str(ASKED[question.told.act])


def told_words(question: QuestionView) -> str:
    """What the business was told, and why."""
    told = question.told
    if told.permitted:
        return str(ALLOWED[told.basis or ""])
    decisive = next((BY_CLAUSE[clause] for clause in told.clauses if clause in BY_CLAUSE), None)
    return str(decisive or REFUSED[told.reason or ""])


def asked_purpose(question: QuestionView) -> str:
    """What for; nothing of an offer, which names no purpose."""
    purpose = question.told.purpose
    if question.told.act == "associate":
        return ""
    return str(_NOBODYS) if purpose == OTHER_PURPOSE else purpose_title(purpose, question.narrower.get(purpose))


def listed(words: Iterable[str]) -> str:
    """Several words in a row, divided as the page's language does."""
    return str(gettext(", ")).join(words)
