"""What can go wrong: typed, with the status a caller will see; rendered nowhere here.

``detail`` is for the caller. Anything the caller must not know goes to the log, never into an error.
"""

from __future__ import annotations


class BrokerError(Exception):
    """A failure with a problem type (RFC 9457), a title and an HTTP status.

    ``clauses`` names the terms that decided, where they did. ``template`` is the detail before its ``values`` were
    put in: that is what a page translates.
    """

    type = "internal-error"
    title = "The broker could not do this"
    status = 500

    def __init__(self, template: str, *, clauses: tuple[str, ...] = (), **values: str) -> None:
        self.template = template
        self.values = values
        self.detail = template % values if values else template
        self.clauses = clauses
        super().__init__(self.detail)


class MalformedRequest(BrokerError):
    """The bytes or their shape are wrong; ``detail`` says what would be right."""

    type = "malformed-request"
    title = "The request is not in the form this endpoint reads"
    status = 400


class RequestTooLarge(BrokerError):
    """More bytes than this endpoint reads."""

    type = "request-too-large"
    title = "The request is larger than this endpoint reads"
    status = 413


class Unauthorized(BrokerError):
    """No acceptable token."""

    type = "unauthorized"
    title = "A valid access token is needed"
    status = 401


class Forbidden(BrokerError):
    """The caller is known and may not do this."""

    type = "forbidden"
    title = "This is not allowed"
    status = 403


class NotFound(BrokerError):
    """Nothing of that name belongs to the caller; other people's things read the same."""

    type = "not-found"
    title = "There is nothing of that name here"
    status = 404


class FlowBroken(BrokerError):
    """A step of the linking flow came twice, too late, from another browser or with another answer."""

    type = "flow-broken"
    title = "This step cannot be finished"
    status = 400


class HandleMismatch(BrokerError):
    """The account proved is not the account that the signup form named."""

    type = "handle-mismatch"
    title = "The account you proved is another one"
    status = 409


class PlatformFailed(BrokerError):
    """The platform did not answer, or not as its protocol asks."""

    type = "platform-failed"
    title = "The platform did not answer as it should"
    status = 502


class RecheckFailed(BrokerError):
    """The platform could not be asked how accounts stand, or gave no answer that can be believed: nothing changed."""

    type = "recheck-failed"
    title = "The platform did not say how accounts stand"
    status = 502


class PolicyRefused(BrokerError):
    """The terms do not allow what was asked; ``clauses`` says which."""

    type = "refused-by-terms"
    title = "The terms do not allow this"
    status = 422


class CommandRefused(BrokerError):
    """An operator asked for something that cannot be; the detail says what could."""

    type = "command-refused"
    title = "This cannot be done"
    status = 409


class Unavailable(BrokerError):
    """The store cannot be reached or did not finish; nothing was acknowledged."""

    type = "unavailable"
    title = "The broker cannot answer right now"
    status = 503


class TooManyRequests(BrokerError):
    """A client has spent a budget of its own; nothing was done. ``retry_after`` is in whole seconds, 1 or more.

    ``left`` is what there is of each budget (RateLimit names them so), ``spent`` names those that kept it waiting.
    """

    type = "too-many-requests"
    title = "More is asked than this client's budget allows"
    status = 429

    def __init__(self, *, spent: tuple[str, ...], retry_after: int, left: tuple[int | None, ...]) -> None:
        super().__init__(
            "the budget of %(what)s is spent; nothing was done, so ask again in %(seconds)s s",
            what=" and ".join(spent),
            seconds=str(retry_after),
        )
        self.spent, self.retry_after, self.left = spent, retry_after, left


class LogForked(BrokerError):
    """The stored log does not continue what was signed: nothing is signed until an operator has looked."""

    type = "log-forked"
    title = "The log is not the one that was signed"
    status = 503


class BadConfiguration(BrokerError):
    """Settings, keys or documents that the broker refuses to run with."""

    type = "bad-configuration"
    title = "The broker will not start like this"


class PolicyDefect(BadConfiguration):
    """A policy document that says something this broker does not understand."""


def in_one_line(error: OSError) -> str:
    """What the system refused, and of which file: a line for a terminal or a log."""
    return ": ".join(str(part) for part in (error.filename, error.strerror or error) if part)
