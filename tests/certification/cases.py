"""What the certification scenario for AuthZEN 1.0 sends, and what it looks at in the answer.

Source: openid/authzen, certification/authorization-api-1_0-scenario.md of June 2026, sections 2 to 4; each case bears
the number of its section there. ``None`` stands where the scenario looks at the form of a decision, not at its value.
"""

from __future__ import annotations

from typing import Any

Body = dict[str, Any]
ALICE, BOB = {"type": "user", "id": "alice"}, {"type": "user", "id": "bob"}
ADMIN = {**BOB, "properties": {"role": "admin"}}
FIRST, SECOND = {"type": "record", "id": "record-1"}, {"type": "record", "id": "record-2"}
ACTIVE, ARCHIVED = (
    {**one, "properties": {"status": status}} for one, status in ((FIRST, "active"), (SECOND, "archived"))
)
USERS, RECORDS = {"type": "user"}, {"type": "record"}
READ, WRITE = {"name": "read"}, {"name": "write"}
THEN = {"time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1"}


def asked(subject: Any, action: Any, resource: Any, **more: Any) -> Body:  # noqa: ANN401 - well formed or not
    """Return a request; what is None is left out."""
    whole = {"subject": subject, "action": action, "resource": resource, **more}
    return {name: value for name, value in whole.items() if value is not None}


def deleted(*, soft: bool) -> Body:
    return {"name": "delete", "properties": {"soft": soft}}


#: 2.2: one evaluation, one decision.
BASIC: dict[str, tuple[Body, bool]] = {
    "2.2.1 a permit": (asked(ALICE, READ, FIRST), True),
    "2.2.2 a denial": (asked(BOB, WRITE, FIRST), False),
    "2.2.3 a context": (asked(ALICE, READ, FIRST, context=THEN), True),
    "2.2.4 a property of the resource denies": (asked(ALICE, WRITE, ARCHIVED), False),
    "2.2.5 a property of the subject permits": (asked(ADMIN, WRITE, ARCHIVED), True),
    "2.2.6 a property of the action permits": (asked(ALICE, deleted(soft=True), FIRST), True),
    "2.2.7 a property of the action denies": (asked(ALICE, deleted(soft=False), FIRST), False),
    "2.2.8 more properties": (
        asked(
            {**ALICE, "properties": {"department": "Sales", "role": "manager"}},
            {**READ, "properties": {"method": "GET"}},
            {**FIRST, "properties": {"status": "active", "owner": "bob"}},
        ),
        True,
    ),
    "2.2.9 unknown members": (asked(ALICE, READ, FIRST, foo="bar", futureField={"nested": True}), True),
    "1.4 rule 2": (asked(ALICE, WRITE, FIRST), True),
    "1.4 rule 3": (asked(BOB, READ, FIRST), True),
}

#: 2.4.1, 2.4.2 and 2.4.6: what is no evaluation is 400.
MALFORMED: dict[str, Body] = {
    "2.4.1 no subject": asked(None, READ, FIRST),
    "2.4.1 no action": asked(ALICE, None, FIRST),
    "2.4.1 no resource": asked(ALICE, READ, None),
    "2.4.2 no subject.type": asked({"id": "alice"}, READ, FIRST),
    "2.4.2 no subject.id": asked(USERS, READ, FIRST),
    "2.4.2 no action.name": asked(ALICE, {}, FIRST),
    "2.4.2 no resource.type": asked(ALICE, READ, {"id": "record-1"}),
    "2.4.2 no resource.id": asked(ALICE, READ, RECORDS),
    "2.4.6 the subject is text": asked("alice", READ, FIRST),
    "2.4.6 the name is a number": asked(ALICE, {"name": 123}, FIRST),
}


def several(*entries: Body, **more: Any) -> Body:  # noqa: ANN401 - any member
    return {**more, "evaluations": list(entries)}


#: 3.2 and 3.4.1: several evaluations, in their order.
BATCH: dict[str, tuple[Body, list[bool | None]]] = {
    "3.2.1 a list": (several({"resource": FIRST}, {"resource": SECOND}, subject=ALICE, action=READ), [None, None]),
    "3.2.2 decisions in order": (
        several({"action": READ}, {"action": WRITE}, subject=BOB, resource=FIRST),
        [True, False],
    ),
    "3.2.3 properties of resources": (
        several({"resource": ACTIVE}, {"resource": ARCHIVED}, subject=ALICE, action=WRITE),
        [True, False],
    ),
    "3.2.4 properties of subjects": (
        several({"subject": ALICE}, {"subject": ADMIN}, action=WRITE, resource=ARCHIVED),
        [False, True],
    ),
    "3.2.5 no defaults": (several(asked(ALICE, READ, FIRST), asked(BOB, WRITE, FIRST)), [True, False]),
    "3.2.6 a context of one's own": (
        several(
            {"resource": FIRST},
            {"resource": SECOND, "context": {"time": "2025-06-27T19:00-07:00", "source": "batch-override"}},
            subject=ALICE, action=READ, context={"time": "2025-06-27T18:03-07:00"},
        ),
        [None, None],
    ),
    "3.2.7 everything by default": (
        several({}, {"resource": ARCHIVED}, subject=ALICE, action=WRITE, resource=ACTIVE),
        [True, False],
    ),
    "3.4.1 one that lacks something": (
        several(
            {"resource": FIRST}, {}, subject=ALICE, action=READ, options={"evaluations_semantic": "execute_all"}
        ),
        [True, False],
    ),
}  # fmt: skip

#: 3.4.2 and 3.4.3: without a list it is a single evaluation.
SINGLE: dict[str, Body] = {
    "3.4.2 no list": asked(ALICE, READ, FIRST),
    "3.4.3 an empty list": asked(ALICE, READ, FIRST, evaluations=[]),
}

#: 4.2 to 4.4: what is searched, with what, and what must be among the results.
SEARCHES: dict[str, tuple[str, Body, list[str]]] = {
    "4.2.1 subjects": ("subject", asked(USERS, READ, FIRST), ["alice", "bob"]),
    "4.2.2 subjects, with a context": ("subject", asked(USERS, READ, FIRST, context=THEN), ["alice", "bob"]),
    "4.2.3 subjects, with an id that is ignored": ("subject", asked(ALICE, READ, FIRST), ["alice", "bob"]),
    "4.2.4 subjects, by properties": ("subject", asked(USERS, WRITE, ARCHIVED), ["bob"]),
    "4.3.1 resources": ("resource", asked(ALICE, READ, RECORDS), ["record-1"]),
    "4.3.2 resources, with a context": ("resource", asked(ALICE, READ, RECORDS, context=THEN), ["record-1"]),
    "4.3.3 resources, with an id that is ignored": ("resource", asked(ALICE, READ, FIRST), ["record-1"]),
    "4.3.4 resources, by properties": ("resource", asked(ADMIN, WRITE, RECORDS), ["record-2"]),
    "4.4.1 actions": ("action", asked(ALICE, None, FIRST), ["read", "write"]),
    "4.4.2 actions, with a context": ("action", asked(ALICE, None, FIRST, context=THEN), ["read", "write"]),
    "4.4.3 actions, by properties": ("action", asked(ADMIN, None, ARCHIVED), ["write"]),
}
#: Searches whose results must not differ from those of another.
ALIKE = (
    ("4.2.1 subjects", "4.2.2 subjects, with a context"),
    ("4.2.1 subjects", "4.2.3 subjects, with an id that is ignored"),
    ("4.3.1 resources", "4.3.2 resources, with a context"),
    ("4.3.1 resources", "4.3.3 resources, with an id that is ignored"),
    ("4.4.1 actions", "4.4.2 actions, with a context"),
)

NOBODY, SHIP = {"type": "user", "id": "nonexistent-user"}, {"type": "spaceship"}
NO_RECORD = {"type": "record", "id": "nonexistent-record"}
#: 4.6, on every endpoint as it asks: nothing found is an answer.
EMPTY: dict[str, tuple[str, Body]] = {
    "4.6.1 nobody's actions": ("action", asked(NOBODY, None, FIRST)),
    "4.6.1 nobody's resources": ("resource", asked(NOBODY, READ, RECORDS)),
    "4.6.1 subjects of no record": ("subject", asked(USERS, READ, NO_RECORD)),
    "4.6.2 subjects of no type": ("subject", asked(SHIP, READ, FIRST)),
    "4.6.2 resources of no type": ("resource", asked(ALICE, READ, SHIP)),
    "4.6.2 actions of no type": ("action", asked({**SHIP, "id": "alice"}, None, FIRST)),
    "4.6.2 actions on no type": ("action", asked(ALICE, None, {**SHIP, "id": "record-1"})),
}

#: 4.7: what is no search is 400.
MALFORMED_SEARCHES: dict[str, tuple[str, Body]] = {
    "4.7.1 subjects without an action": ("subject", asked(USERS, None, FIRST)),
    "4.7.1 resources without a subject": ("resource", asked(None, READ, RECORDS)),
    "4.7.1 actions without a resource": ("action", asked(ALICE, None, None)),
    "4.7.2 subjects of a resource without id": ("subject", asked(USERS, READ, RECORDS)),
    "4.7.2 resources of a subject without id": ("resource", asked(USERS, READ, RECORDS)),
    "4.7.2 actions of a subject without id": ("action", asked(USERS, None, FIRST)),
}
