"""What the shop says in plain words."""

from typing import Any

PURPOSE_WORDS = {
    "customer-care": "Recognise you when you ask us for help on X",
    "newsletter": "Send you the newsletter",
    "direct-marketing": "Show you offers",
}
REASONS = {
    "no_basis": "nothing allows this match.",
    "purpose_not_granted": "the person did not allow this purpose, or it means something else by now: ask them again.",
    "purpose_prohibited": "nobody may match for this purpose, whatever was agreed.",
    "purpose_not_declared": "the shop never said that it wants this purpose.",
    "withdrawn": "the person has taken the consent back.",
    "expired": "the consent has run out.",
    "provenance_rejected": "where this record comes from is not good enough.",
    "suspended": "the account is gone at the platform.",
}
BASES = {"consent": "the person consented", "user_provided": "the person told us", "public": "it is public"}
# What each clause asks, for those that a shop such as this one meets.
CLAUSES = {
    "MATCH-1": "whoever ties an account to a record says which record.",
    "MATCH-2": "consent comes first, for this shop, this record, this account and this purpose.",
    "MATCH-3": "without consent a shop may do only what the person was told of.",
    "MATCH-4": "without consent there must be something the person gave or something public, and no objection.",
    "MATCH-4a": "what a person gave counts if it came straight from that person, with proof of what was said then.",
    "APPLICATION-1": "a shop says beforehand what it matches for.",
}


def decision_in_words(status: int, answer: Any) -> str:  # noqa: ANN401 - JSON from another program
    """Say what the match API decided."""
    if not isinstance(answer, dict) or "decision" not in answer:
        return f"The broker did not decide: it answered {status}."
    context = answer.get("context", {})
    if answer["decision"] is True:
        return f"Yes: {BASES.get(context.get('basis'), 'there are grounds')}."
    return f"No: {REASONS.get(context.get('reason'), str(context.get('reason')))}"


def clauses_in_words(answer: Any) -> str:  # noqa: ANN401 - JSON from another program
    """Say what the clauses that decided ask for; one that this shop has no words for is named all the same."""
    context = answer.get("context", {}) if isinstance(answer, dict) else {}
    named = context.get("clauses", [])
    return " ".join(f"{clause}: {CLAUSES[clause]}" if clause in CLAUSES else f"{clause}." for clause in named)
