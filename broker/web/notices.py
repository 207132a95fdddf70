"""The notice in the page's language: the same sentences for the screen, the receipt and the archive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import gettext as _

from broker.actions.broker import Broker
from broker.actions.linking import ConsentRequest, Proved
from broker.core.client import Client
from broker.core.notice import Notice, OfferedPurpose
from broker.core.purposes import purpose_family
from broker.errors import FlowBroken
from broker.web.languages import language
from broker.web.pages import day
from broker.web.wording import IDENTIFIER_TYPES, purpose_words


@dataclass(frozen=True, kw_only=True)
class Personal:
    """The values in a notice that are about one person."""

    handle: str
    identifier: str
    until: str


#: The same notice with those values left open, as it is archived.
OPEN = Personal(handle="{handle}", identifier="{identifier}", until="{until}")


def notice_for(broker: Broker, client: Client, proved: Proved) -> tuple[Notice, str]:
    """Return the notice to show, and its text with the personal values left open."""
    request = proved.request
    if request is None or proved.valid_until is None:
        raise FlowBroken("nobody asked for a consent here")
    personal = Personal(
        handle=proved.proven.handle, identifier=request.identifier.masked(), until=day(proved.valid_until)
    )
    signalled = broker.policies.governing(request.platform).signalled if proved.gpc else frozenset()
    shown, left_open = (_notice(broker, client, request, values, signalled) for values in (personal, OPEN))
    return shown, left_open.words()


def _notice(
    broker: Broker, client: Client, request: ConsentRequest, personal: Personal, signalled: frozenset[str]
) -> Notice:
    name = client.registration.client_name
    values = {
        "business": _("%(brand)s (%(client)s)", brand=request.brand, client=name) if request.brand else name,
        "platform": broker.label_of(request.platform),
        "type": str(IDENTIFIER_TYPES[request.identifier.type]),
        "contact": client.registration.contacts[0],
        "page": broker.url("/consents"),
        **vars(personal),
    }
    return Notice(
        language=language(),
        heading=_("%(business)s asks to link your %(platform)s account to its record about you", **values),
        sentences=_opening(values),
        purposes_heading=_("What may the link be used for? Tick what you agree to; nothing is ticked for you."),
        purposes=tuple(_offered(purpose, client.registration.narrower, signalled) for purpose in request.purposes),
        closing=_closing(values),
    )


def _opening(values: dict[str, str]) -> tuple[str, ...]:
    return (
        _(
            "If you allow it, %(business)s ties @%(handle)s on %(platform)s to the %(type)s %(identifier)s"
            " in its records.",
            **values,
        ),
        _("Signing in has shown that the account is yours. It allows nothing by itself: your choice below does."),
    )


def _closing(values: dict[str, str]) -> tuple[str, ...]:
    return (
        _("Your consent holds until %(until)s, for the purposes you tick and no others.", **values),
        _(
            "You can take it back at any time, as easily as you give it: at %(page)s or by the link in your receipt.",
            **values,
        ),
        _("If you say no, nothing new is linked, and %(business)s does not learn which account said no.", **values),
        _(
            "%(business)s is responsible for what it does with the link. You can reach it at %(contact)s, and"
            " you can complain to your data protection authority.",
            **values,
        ),
    )


def _offered(purpose: str, narrower: Mapping[str, str], signalled: frozenset[str]) -> OfferedPurpose:
    """One box; below a purpose that the browser signals against it says so, and ticks nothing and hides nothing."""
    title, explanation = purpose_words(purpose, narrower)
    signal = _("Your browser signals that nothing about you be sold or shared. If you tick this, your yes counts here.")
    against = purpose_family(purpose, narrower) & signalled
    return OfferedPurpose(id=purpose, title=title, explanation=explanation, signal=signal if against else "")
