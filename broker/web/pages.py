"""Pages: rendered one way, never cached."""

from __future__ import annotations

from datetime import datetime

from flask import Response, make_response, render_template
from flask_babel import format_date, format_time, get_locale, gettext

from broker.errors import BrokerError, MalformedRequest, RequestTooLarge
from broker.web.wording import failure_title


def render(template: str, *, status: int = 200, **values: object) -> Response:
    """Render a page."""
    answer = make_response(render_template(template, **values), status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def moment(time: datetime) -> str:
    """A day and a time of day in UTC, in the page's language."""
    return f"{day(time)}, {format_time(time, 'HH:mm')}\u00a0UTC"


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
        back=back,
    )


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
