"""X's OAuth 2.0 and users endpoints, as its own reference describes them."""

import json
import time

from desk import TOKEN_LIFE, TokenRefusedError
from flask import Blueprint, Response, request
from people import Person
from state import sandbox

api = Blueprint("api", __name__)

USER_FIELDS = ("id", "name", "username", "description", "protected")
ALWAYS = ("id", "name", "username")
READING = frozenset({"tweet.read", "users.read"})


@api.before_request
def rehearse() -> Response | None:
    """Fail or dawdle where a rehearsal asks for it."""
    faults = sandbox().faults
    time.sleep(faults.delay())
    failure = faults.answer(str(request.endpoint).rpartition(".")[2])
    if failure is None:
        return None
    body, status = failure
    return Response(body, status=status, content_type="application/json")


@api.post("/2/oauth2/token", endpoint="token")
def token() -> Response:
    """Exchange a code: Basic authentication, PKCE verifier, once."""
    if not caller_is_the_app():
        return no_client()
    if request.form.get("grant_type") != "authorization_code":
        return answer(400, error="unsupported_grant_type", error_description="grant_type must be authorization_code")
    try:
        value, granted = sandbox().desk.exchange(
            code=request.form.get("code", ""),
            redirect_uri=request.form.get("redirect_uri", ""),
            verifier=request.form.get("code_verifier", ""),
        )
    except TokenRefusedError as refusal:
        return answer(400, error="invalid_request", error_description=str(refusal))
    scope = " ".join(granted.scope)
    return answer(200, token_type="bearer", expires_in=TOKEN_LIFE, access_token=value, scope=scope)  # noqa: S106 - the name of a kind


@api.post("/2/oauth2/revoke", endpoint="revoke")
def revoke() -> Response:
    """End a token (RFC 7009)."""
    if not caller_is_the_app():
        return no_client()
    if not request.form.get("token"):
        return answer(400, error="invalid_request", error_description="Missing required parameter [token].")
    sandbox().desk.revoke(request.form["token"])
    return answer(200, revoked=True)


@api.get("/2/users/me", endpoint="userinfo")
def userinfo() -> Response:
    """Say whose token this is."""
    bearer = request.authorization
    known = sandbox().desk.holder(bearer.token or "") if bearer and bearer.type == "bearer" else None
    person = sandbox().people.find(known.person_id) if known else None
    if known is None or person is None:
        return problem(401, "Unauthorized")
    if not READING.issubset(known.scope):
        return problem(403, "Forbidden")
    asked = [field for field in request.args.get("user.fields", "").split(",") if field]
    if not set(asked).issubset(USER_FIELDS):
        return problem(400, "Invalid Request")
    return answer(200, data=fields_of(person, asked))


def caller_is_the_app() -> bool:
    """Tell whether the request carries the application's Basic credentials."""
    given = request.authorization
    if given is None or given.type != "basic":
        return False
    return sandbox().app.is_authentic(given.username or "", given.password or "")


def fields_of(person: Person, asked: list[str]) -> dict[str, str | bool]:
    """Return the fields that X always gives and the ones asked for."""
    return {name: getattr(person, name) for name in USER_FIELDS if name in ALWAYS or name in asked}


def no_client() -> Response:
    """Answer as X does when the Basic header is missing or wrong."""
    refusal = answer(401, error="unauthorized_client", error_description="Missing valid authorization header")
    refusal.headers["WWW-Authenticate"] = 'Basic realm="sandbox"'
    return refusal


def answer(status: int, **fields: object) -> Response:
    """Return JSON that no cache may keep (RFC 6749 section 5.1)."""
    reply = Response(json.dumps(fields), status=status, content_type="application/json; charset=utf-8")
    reply.headers["Cache-Control"] = "no-store"
    return reply


def problem(status: int, title: str) -> Response:
    """Return an RFC 9457 problem, the form in which X refuses an API call."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": title}
    return Response(json.dumps(body), status=status, content_type="application/problem+json")
