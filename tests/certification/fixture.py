"""The fixture of the OpenID Foundation's certification scenario for AuthZEN 1.0, as a world of the broker's own.

Source: openid/authzen, certification/authorization-api-1_0-scenario.md, sections 1.1 to 1.5. Its users are accounts of
a platform of that name, its records are records, and what somebody may do with one, by its rules 1 to 8, is a purpose
that they consented to: so the decisions are this broker's own, from rows, by a policy document, in the verb that
answers every match. Only the names are the scenario's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from builders import a_broker, consented, registered

from broker.actions.broker import Broker
from broker.actions.gather_facts import Question
from broker.core.client import Client
from broker.core.identifiers import Identifier, PlatformAccount, ProvenAccount
from broker.errors import MalformedRequest
from broker.platforms.client import Credentials
from broker.platforms.oidc import OpenIdProvider
from broker.policies import Policies, read_policy
from broker.store.database import Database
from broker.web.authzen_names import Names
from broker.web.authzen_wire import ActionWire, EntityWire, EvaluationWire

USER, RECORD = "user", "record"
TERMS = """
id = "authzen-certification"
version = "1"
platform = "user"
title = "Who may do what with a record, for the certification scenario alone"

[[clause]]
id = "RECORD-1"
effect = "forbid"
reason = "purpose_not_declared"
says = "Nothing is done with a record but what is known."
source = "Certification scenario, 1.3"
when = { act = ["match"], purpose-declared = false }

[[clause]]
id = "RECORD-2"
effect = "permit"
basis = "consent"
says = "A user does with a record what is theirs to do."
source = "Certification scenario, 1.4"
[clause.when]
act = ["match"]
consent-status = ["given"]
consent-covers-purpose = true
association-recorded = true
account-gone = false
"""
#: What a record and a user are, where a request does not say it: section 1.1 and 1.2.
ADMINS = {"bob"}
STATUSES = {"record-1": "active", "record-2": "archived"}
#: Which purpose each action is, by what the request says of it beside its name.
PURPOSES = ("read", "write", "write-archived", "administer", "delete", "delete-softly")
#: Rules 1 to 8: who may do what with which record. What is not here is denied.
MAY: Sequence[tuple[str, str, tuple[str, ...]]] = (
    ("alice", "record-1", ("read", "write", "delete-softly")),
    ("bob", "record-1", ("read",)),
    ("bob", "record-2", ("administer",)),
)


class ScenarioNames(Names):
    """The scenario's names for accounts, records and purposes."""

    def question(self, broker: Broker, asked: EvaluationWire) -> Question:
        """A question about a user, a record, and the purpose that the properties make of the action."""
        account = self.account(broker, asked.subject)
        return Question(
            platform=account.platform,
            account_id=account.id,
            handle=None,
            identifier=self.record(asked.resource),
            purpose=_purpose(asked),
        )

    def purpose(self, action: ActionWire) -> str:
        """Every name is a purpose, known or not."""
        return action.name

    def account(self, broker: Broker, subject: EntityWire) -> PlatformAccount:
        """A user."""
        return PlatformAccount(platform=broker.platform(subject.type).name, id=subject.id)

    def record(self, resource: EntityWire) -> Identifier:
        """A record."""
        if resource.type != RECORD:
            raise MalformedRequest("there are records only")
        return a_record(resource.id)

    def subject(self, account: PlatformAccount) -> EntityWire:
        """A user again, with what is known of them."""
        return EntityWire(type=account.platform, id=account.id)

    def resource(self, record: Identifier) -> EntityWire:
        """A record again, with what is known of it."""
        return EntityWire(type=RECORD, id=record.value)

    def actions(self, client: Client) -> Sequence[ActionWire]:  # noqa: ARG002 - as Names has it
        """The actions by name; an action search has no properties for them (section 1.5)."""
        return [ActionWire(name=name) for name in ("read", "write", "delete")]


def _purpose(asked: EvaluationWire) -> str:
    """What an action amounts to, by the properties of the request and by what is known where it says nothing."""
    name, user, record = asked.action.name, asked.subject, asked.resource
    if name == "delete":
        return "delete-softly" if asked.action.properties.get("soft") is True else "delete"
    archived = record.properties.get("status", STATUSES.get(record.id)) == "archived"
    if name != "write" or not archived:
        return name
    admin = user.properties.get("role", "admin" if user.id in ADMINS else None) == "admin"
    return "administer" if admin else "write-archived"


def a_record(name: str) -> Identifier:
    return Identifier(kind="other", type="other", name="record", value=name)


def a_world(database: Database) -> tuple[Broker, Client]:
    """Give a broker that lives by these terms, whose users have consented to what the rules let them do."""
    policy = read_policy(TERMS)
    provider = OpenIdProvider(
        credentials=Credentials(client_id="an application", client_secret="its secret"),
        issuer="https://users.example", name=USER, label="Users", loopback=False,
    )  # fmt: skip
    policies = Policies({"x": policy, USER: policy}, {policy.ref.digest: TERMS})
    broker = replace(a_broker(database), policies=policies, platforms={USER: provider})
    narrower: Mapping[str, str] = dict.fromkeys(PURPOSES, "customer-care")
    client = registered(broker, purposes=PURPOSES, narrower=narrower, platforms=(USER,))
    for user, record, purposes in MAY:
        account = ProvenAccount(account=PlatformAccount(platform=USER, id=user), handle=user)
        asked = {"platform": USER, "identifier": a_record(record), "purposes": purposes}
        consented(broker, client, account, *purposes, **asked)
    return broker, client
