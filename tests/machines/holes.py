"""The terms as the machines have them in force; and with a hole, past the reader that would refuse most of them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from machines.model import BREADTH, RATE

from broker.core.policy import Clause, Effect, Policy, parse_policy
from broker.policies import SHIPPED

Document = dict[str, Any]
Hole = Callable[[Document], object]


def the_document(**limits: int) -> Document:
    """The shipped document, its ceilings low enough to be reached."""
    document = tomllib.loads((SHIPPED / "x-developer-terms.toml").read_text(encoding="utf-8"))
    document["limits"].update({"contacts-per-minute": RATE, "contact-accounts-per-day": BREADTH})
    document["limits"].update({name.replace("_", "-"): number for name, number in limits.items()})
    return document


def the_terms(**limits: int) -> Policy:
    """The terms of :func:`the_document`."""
    return parse_policy(the_document(**limits), digest="sha256:of-a-test")


def with_hole(hole: Hole) -> Policy:
    """The terms with a hole, as a reader would have them that looks at nothing."""
    document = the_document()
    hole(document)
    return replace(the_terms(), clauses=tuple(_clause(**raw) for raw in document["clause"]))


def _clause(*, effect: str, when: Mapping[str, Any], **members: Any) -> Clause:  # noqa: ANN401 - a clause's
    conditions = tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in when.items())
    return Clause(effect=Effect(effect), when=conditions, **members)


def permitting(clause: str, **when: Any) -> Callable[[Document], None]:  # noqa: ANN401 - a clause's conditions
    """Add a clause that permits one thing more."""

    def change(document: Document) -> None:
        conditions = {name.replace("_", "-"): value for name, value in when.items()}
        basis = "consent" if when["act"] == ["contact"] else "public"
        added = {"id": clause, "effect": "permit", "basis": basis, "says": "A hole.", "source": "Nowhere"}
        document["clause"].append({**added, "when": conditions})

    return change


def without(condition: str, *, effect: str, match: Callable[[Document], bool] = bool) -> Callable[[Document], None]:
    """Take out the clauses about a match that ask *condition*; for permits, the condition alone."""

    def change(document: Document) -> None:
        for clause in list(document["clause"]):
            when = clause["when"]
            if when["act"] == ["match"] and condition in when and clause["effect"] == effect and match(when):
                document["clause"].remove(clause)

    return change


def careless(condition: str) -> Callable[[Document], None]:
    """Let a match ask no more for *condition*, be it to forbid or to permit."""

    def change(document: Document) -> None:
        without(condition, effect="forbid")(document)
        for clause in document["clause"]:
            if clause["when"]["act"] == ["match"]:
                clause["when"].pop(condition, None)

    return change


def a_fourth_ground(document: Document) -> None:
    """Permit what rests on nothing at all."""
    without("ground", effect="forbid", match=lambda when: when["ground"] == ["none"])(document)
    permitting("MATCH-4", act=["match"], ground=["none"], consent_status=["none"])(document)


#: Each is a document that permits more than the terms do, or less.
HOLES: dict[str, Hole] = {
    "a ground that is none": a_fourth_ground,
    "a consent for something else": permitting("MATCH-2", act=["match"], consent_status=["given"]),
    "messages without consent": permitting("CONTACT-1", act=["contact"], contact_consented=False),
    "no consent counts": without("association-recorded", effect="permit"),
}
#: Those that few histories come to; the long run looks for them.
DEEPER: dict[str, Hole] = {
    "what nobody expects": careless("purpose-expected"),
    "an expired consent": permitting("MATCH-4b1", act=["match"], consent_status=["expired"]),
    "a withdrawn consent": permitting("MATCH-4b1", act=["match"], consent_status=["withdrawn"]),
    "in spite of an objection": careless("person-objected"),
    "in spite of a no": careless("person-said-no"),
    "in spite of a refused origin": careless("pair-tainted"),
    "messages in spite of an objection": lambda it: it["clause"].remove(the_clause(it, "CONTACT-2")),
    "nothing user-provided counts": without("ground", effect="permit", match=lambda it: it["ground"] == ["public"]),
    "nothing public counts": without("ground", effect="permit", match=lambda it: it["ground"] != ["public"]),
}


def the_clause(document: Document, clause_id: str) -> Document:
    """The first rule of a clause."""
    found: Document = next(clause for clause in document["clause"] if clause["id"] == clause_id)
    return found


#: Those that a reader refuses: they permit on a ground that there is not.
FOURTH = ("a ground that is none", "a consent for something else", "messages without consent", "an expired consent",
          "a withdrawn consent")  # fmt: skip
