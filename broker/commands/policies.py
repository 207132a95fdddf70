"""``broker policy check FILE``: what a document says, clause by clause, and what it would change."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill

from broker.actions.compare_policies import Turn, compare_policies
from broker.commands.opening import command, group, opened
from broker.core.compare import differences, explain
from broker.core.policy import Clause, Policy
from broker.errors import BrokerError, Unavailable
from broker.policies import SHIPPED, load_policies, load_policy
from broker.settings import read_settings

_WIDTH, _MARGIN = 100, 6
_CHECK = """\
It changes nothing. A document with a defect is refused by name, with status 1.
The differences are from the document in force for the same platform: + is a
rule that is new, - one that is gone, ~ words or a limit that changed. With a
database it also says which consents on record would be answered otherwise.

A document takes effect when it lies in BROKER_POLICIES_DIR and the broker is
started again."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``broker policy ...``."""
    policies = group(commands, "policy", "read a platform's terms, and say what a change of them would do")
    check = command(
        policies,
        "check",
        _check,
        "read a document strictly, explain it, and say what it would change",
        _CHECK,
    )
    check.add_argument("file", type=Path, help="a policy document, TOML")


def _check(asked: argparse.Namespace) -> int:
    policy = load_policy(asked.file)
    for line in (*_explained(policy), "", *_held_against(policy)):
        print(line)
    return 0


def _explained(policy: Policy) -> Iterator[str]:
    ref = policy.ref
    yield f"{policy.title} ({ref.id}, version {ref.version}, {ref.digest})"
    for clause in policy.clauses:
        yield from _clause(clause)
    yield "  limits"
    yield from (f"{'':{_MARGIN}}{name} = {number}" for name, number in policy.limits.items())


def _clause(clause: Clause) -> Iterator[str]:
    yield f"  {clause.id}"
    for text in (clause.says, explain(clause)):
        yield fill(text, _WIDTH, initial_indent=" " * _MARGIN, subsequent_indent=" " * (_MARGIN + 2))


def _held_against(policy: Policy) -> Iterator[str]:
    """The differences from the document in force, and what they would change for the consents on record."""
    in_force = _in_force(policy.platform)
    if in_force is None:
        yield f"No document for {policy.platform!r} is in force: there is nothing to hold this one against."
        return
    if in_force.ref.digest == policy.ref.digest:
        yield "This is the document in force."
        return
    changed = list(differences(in_force, policy))
    yield f"Against the document in force ({in_force.ref.id}, version {in_force.ref.version}):"
    yield from (f"  {line}" for line in changed or ["no clause decides differently"])
    if changed and in_force.ref.version == policy.ref.version:
        yield f"The version is still {policy.ref.version}: give the changed document a new one."
    yield ""
    yield from _consequences(in_force, policy)


def _in_force(platform: str) -> Policy | None:
    try:
        folder = read_settings().policies_dir or SHIPPED
    except BrokerError:
        folder = SHIPPED
    return load_policies(folder).by_platform.get(platform)


def _consequences(old: Policy, new: Policy) -> Iterator[str]:
    try:
        _settings, broker = opened()
        with broker.database.reading() as tx:
            looked_at, turns = compare_policies(tx, broker, old, new)
    except BrokerError as error:
        why = "the database does not answer" if isinstance(error, Unavailable) else error.detail
        yield f"What it would change for the consents on record cannot be said here: {why}"
        return
    yield f"Consents on record: {looked_at} live. Of these" + (":" if turns else ", none would be answered otherwise.")
    for turn, number in sorted(turns.items(), key=lambda entry: -entry[1]):
        yield f"  {_turned(turn, number)}"


def _turned(turn: Turn, number: int) -> str:
    becomes = "would be permitted" if turn.permitted else "would be refused"
    return f"{number} of {turn.client_name} {becomes} for {turn.purpose} [{', '.join(turn.clauses)}]"
