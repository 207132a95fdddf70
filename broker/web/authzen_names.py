"""How accounts, records and purposes are called in AuthZEN, which knows subjects, resources and actions only.

The subject is the account, since it is who is asked about: ``{"type": "account", "id": "x:2244994945"}``. The resource
is the record: ``{"type": "person", "id": "email:jane@example.com"}``, of kind ``other`` with its name in between. The
action is ``associate``, for the purpose in its properties. To AuthZEN an id is any text, so what cannot be read here is
no fault of the request's form: nothing is permitted about it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from broker.actions.broker import Broker
from broker.actions.gather_facts import Question
from broker.core.client import Client
from broker.core.identifiers import Identifier, PlatformAccount, read_identifier
from broker.errors import MalformedRequest
from broker.web.authzen_wire import ActionWire, EntityWire, EvaluationWire
from broker.web.tag_wire import MatchWire
from broker.web.wire import parse

ACCOUNT, ASSOCIATE = "account", "associate"
_OTHER = "other"


class Names:
    """The names of this broker. Each method raises :class:`MalformedRequest` for what it cannot read."""

    def question(self, broker: Broker, asked: EvaluationWire) -> Question:
        """An evaluation as the match that it stands for, read by the same model; a tag is a property of the record."""
        properties = asked.resource.properties
        tag = {"provenance": properties["provenance"]} if "provenance" in properties else {}
        match = {
            "account": _account(asked.subject),
            "identifier": _record(asked.resource),
            "purpose": self.purpose(asked.action),
            **tag,
        }
        return parse(MatchWire, match).to_core(broker)

    def purpose(self, action: ActionWire) -> str:
        """What is to be done with the link."""
        if action.name != ASSOCIATE:
            raise MalformedRequest(f"action.name must be {ASSOCIATE}")
        purpose = action.properties.get("purpose")
        if not isinstance(purpose, str):
            raise MalformedRequest("action.properties.purpose must name a purpose")
        return purpose

    def account(self, broker: Broker, subject: EntityWire) -> PlatformAccount:
        """An account by its permanent id."""
        named = _account(subject)
        platform = broker.platform(named["platform"])
        if not platform.grammar.id.fullmatch(named["id"]):
            raise MalformedRequest("subject.id does not hold an id of this platform")
        return PlatformAccount(platform=platform.name, id=named["id"])

    def record(self, resource: EntityWire) -> Identifier:
        """A record, normalised."""
        return read_identifier(**_record(resource))

    def subject(self, account: PlatformAccount) -> EntityWire:
        """What :meth:`account` reads."""
        return EntityWire(type=ACCOUNT, id=f"{account.platform}:{account.id}")

    def resource(self, record: Identifier) -> EntityWire:
        """What :meth:`record` reads."""
        words = (record.type, record.name, record.value)
        return EntityWire(type=record.kind, id=":".join(word for word in words if word is not None))

    def actions(self, client: Client) -> Sequence[ActionWire]:
        """Everything that the client could be permitted: one action for each purpose that it declared."""
        return [ActionWire(name=ASSOCIATE, properties={"purpose": purpose}) for purpose in client.registration.purposes]


def _account(subject: EntityWire) -> Mapping[str, str]:
    platform, colon, number = subject.id.partition(":")
    if subject.type != ACCOUNT or not colon:
        raise MalformedRequest(f"subject must be of type {ACCOUNT}, its id written platform:id")
    return {"platform": platform, "id": number}


def _record(resource: EntityWire) -> dict[str, str]:
    kind, colon, value = resource.id.partition(":")
    name, second, rest = value.partition(":") if kind == _OTHER else ("", ":", value)
    if not colon or not second:
        raise MalformedRequest("resource.id must be written type:value, of type other as other:name:value")
    return {"kind": resource.type, "type": kind, "value": rest, **({"name": name} if kind == _OTHER else {})}
