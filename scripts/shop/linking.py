"""Asking for a link and reading what comes back."""

import json
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from authlib.common.security import generate_token
from client import BrokerClient, ShopError
from customers import Customer, Link
from werkzeug.datastructures import MultiDict

DETAIL_TYPE = "off_platform_match"
PURPOSES = ("customer-care", "newsletter")
VALID_FOR = "P1Y"
VERIFIER_LENGTH = 64


@dataclass(frozen=True, kw_only=True)
class Flow:
    """One link in the making: who began it, the verifier that only the shop knows, the window that waits for it."""

    customer_id: str
    browser: str
    verifier: str
    popup: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the person answered: a link, or None for a no; and the name of the window where they did, if any."""

    customer_id: str
    link: Link | None
    popup: str


class ForeignAnswerError(Exception):
    """A callback that does not answer what this browser asked the broker."""


class Linking:
    """The links in the making, each answered once."""

    def __init__(self, broker: BrokerClient) -> None:
        self._broker = broker
        self._flows: dict[str, Flow] = {}

    def start(self, customer: Customer, *, browser: str, locale: str, popup: str) -> str:
        """Push the request and return the address to send the browser to."""
        state = secrets.token_urlsafe(24)
        verifier = generate_token(VERIFIER_LENGTH)
        request_uri = self._broker.push(self._fields(customer, state, verifier, locale))
        self._flows[state] = Flow(customer_id=customer.id, browser=browser, verifier=verifier, popup=popup)
        query = urlencode({"client_id": self._broker.client_id, "request_uri": request_uri})
        return f"{self._broker.metadata['authorization_endpoint']}?{query}"

    def finish(self, args: MultiDict[str, str], *, browser: str) -> Answer:
        """Read the callback. State and issuer come first: until they fit, its error is nobody's word."""
        flow = self._claim(args, browser)
        if args.get("iss") != self._broker.issuer:
            raise ForeignAnswerError("This answer came from somebody else than the broker.")
        if args.get("error") == "access_denied":
            return Answer(customer_id=flow.customer_id, link=None, popup=flow.popup)
        if "error" in args or "code" not in args:
            raise ShopError("The broker could not link the account. You can try again.")
        token = self._broker.redeem(args["code"], flow.verifier)
        return Answer(customer_id=flow.customer_id, link=read_link(token), popup=flow.popup)

    def _claim(self, args: MultiDict[str, str], browser: str) -> Flow:
        if any(len(args.getlist(name)) > 1 for name in args):
            raise ForeignAnswerError("This answer says the same thing twice.")
        flow = self._flows.pop(args.get("state", ""), None)
        if flow is None or not secrets.compare_digest(flow.browser, browser):
            raise ForeignAnswerError("This answer belongs to no link that this browser began.")
        return flow

    def _fields(self, customer: Customer, state: str, verifier: str, locale: str) -> dict[str, str]:
        """Let the library write the request, then take its parameters out of the address."""
        address, _ = self._broker.session().create_authorization_url(
            self._broker.metadata["authorization_endpoint"],
            state=state,
            code_verifier=verifier,
            authorization_details=json.dumps([details_for(customer, locale)]),
        )
        return dict(parse_qsl(urlsplit(address).query))


def details_for(customer: Customer, locale: str) -> dict[str, Any]:
    """Return what the shop asks for (RFC 9396): this address, this platform, these purposes, one year."""
    details = {
        "type": DETAIL_TYPE,
        "platform": "x",
        "identifier": identifier_of(customer),
        "purposes": list(PURPOSES),
        "valid_for": VALID_FOR,
        "locale": locale,
    }
    return {**details, "handle": customer.handle} if customer.handle else details


def identifier_of(customer: Customer) -> dict[str, str]:
    """Return the shop's side of the link."""
    return {"kind": "person", "type": "email", "value": customer.email}


def read_link(token: dict[str, Any]) -> Link:
    """Read what was granted, which may be less than what was asked."""
    granted = [one for one in token.get("authorization_details", []) if one.get("type") == DETAIL_TYPE]
    if len(granted) != 1:
        raise ShopError("The broker's answer grants nothing that the shop knows.")
    details = granted[0]
    return Link(
        grant_id=details["grant_id"],
        account_id=details["account"]["id"],
        handle=details["account"]["handle"],
        purposes=tuple(details["purposes"]),
        valid_until=details["valid_until"],
        receipt=details["receipt"],
    )
