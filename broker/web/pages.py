"""Pages: rendered one way, never cached."""

from __future__ import annotations

from datetime import datetime

from flask import Response, make_response, render_template
from flask_babel import format_date, format_time, get_locale, gettext

from broker.errors import BrokerError, MalformedRequest, RequestTooLarge
from broker.oauth.context import current_broker
from broker.web.wording import failure_title


def render(template: str, *, status: int = 200, **values: object) -> Response:
    """Render a page."""
    answer = make_response(render_template(template, **values), status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def moment(time: datetime) -> str:
    """A day and a time of day in UTC, in the page's language."""
    return f"{day(time)}{gettext(', ')}{format_time(time, 'HH:mm')}\u00a0UTC"


def failure_page(error: BrokerError, *, back: str | None = None) -> Response:
    """A failure in the page's language, with the way back where there is one."""
    plain = isinstance(error, MalformedRequest | RequestTooLarge)
    # Of a request that cannot be read the details are for programs.
    detail = gettext("the request could not be read") if plain else gettext(error.template, **error.values)
    return render(
        "problem.html",
        status=error.status,
        title=failure_title(error.type),
        detail=detail[:1].upper() + detail[1:] + ".",
        clauses=[(clause, address) for clause in error.clauses if (address := clause_address(clause))],
        back=back,
    )


def clause_address(clause: str, platform: str | None = None) -> str | None:
    """Where a clause can be read, in a platform's terms or in any; None when none in force has one of that id."""
    policies = current_broker().policies
    for policy in policies.by_platform.values() if platform is None else (policies.governing(platform),):
        if clause in {one.id for one in policy.clauses}:
            return f"/policies/{policy.ref.id}#{clause}"
    return None


def see_other(location: str) -> Response:
    """303: whatever the method was, the next one is GET."""
    answer = Response(status=303)
    answer.headers["Location"] = location
    answer.headers["Cache-Control"] = "no-store"
    return answer


def day(moment: datetime) -> str:
    """A day in the page's language, such as 23 November 2027, that does not break over lines."""
    form = "d MMMM y" if str(get_locale()) == "en" else "long"
    return str(format_date(moment, form)).replace(" ", "\u00a0")
