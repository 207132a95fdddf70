"""What X answers an application that asks about accounts by id: users lookup, and jobs of batch compliance."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus

from api import USER_FIELDS, answer, fields_of, problem, rehearse
from flask import Blueprint, Response, request, url_for
from jobs import DOWNLOAD_LIFE, UPLOAD_LIFE, Job
from people import Person
from state import sandbox

compliance = Blueprint("compliance", __name__)
compliance.before_request(rehearse)

AT_ONCE = 100
ID = re.compile(r"[0-9]{1,19}")
#: Calls in a quarter of an hour, as X counts them for an application.
USERS_LIMIT, JOBS_LIMIT = 300, 150
NOT_FOUND = "https://api.twitter.com/2/problems/resource-not-found"


@compliance.get("/2/users", endpoint="users")
def users() -> Response:
    """Look accounts up by id: who is there under ``data``, who is not under ``errors``."""
    return counted("users", USERS_LIMIT, look_up)


@compliance.post("/2/compliance/jobs", endpoint="jobs")
def create() -> Response:
    """Create a job."""
    return counted("jobs", JOBS_LIMIT, create_job)


@compliance.get("/2/compliance/jobs/<job_id>", endpoint="job")
def look(job_id: str) -> Response:
    """Say how far a job is."""
    return counted("jobs", JOBS_LIMIT, lambda: look_at(job_id))


@compliance.put("/storage/submission/<secret>", endpoint="upload")
def upload(secret: str) -> Response:
    """Take the ids, one a line. The address is the leave: whoever sends a token as well has made a mistake."""
    job = sandbox().jobs.by_secret("upload", secret)
    if job is None or request.authorization is not None or request.mimetype != "text/plain":
        return Response("<Error>SignatureDoesNotMatch</Error>", HTTPStatus.FORBIDDEN, content_type="application/xml")
    job.ids = request.get_data().decode("ascii").split()
    return Response(status=HTTPStatus.OK)


@compliance.get("/storage/delivery/<secret>", endpoint="results")
def results(secret: str) -> Response:
    """Give the results: an object a line, for those alone whom something happened to."""
    job = sandbox().jobs.by_secret("download", secret)
    if job is None or job.ids is None or request.authorization is not None:
        return Response("<Error>NoSuchKey</Error>", HTTPStatus.NOT_FOUND, content_type="application/xml")
    lines = [line for id_ in job.ids for line in events_of(id_, sandbox().people.look_up(id_))]
    return Response("".join(lines), content_type="application/json")


def counted(endpoint: str, usual: int, call: Callable[[], Response]) -> Response:
    """Let the application alone in, and count its call."""
    given = request.authorization
    if given is None or given.type != "bearer" or not sandbox().app.bears(given.token):
        return problem(401, "Unauthorized")
    room = sandbox().limits.count(endpoint, sandbox().faults.number(f"{endpoint}_limit", usual))
    reply = problem(429, "Too Many Requests") if room.refused else call()
    reply.headers.update(room.headers())
    return reply


def look_up() -> Response:
    """Answer with 200 whoever was asked about; only a question out of form is refused."""
    ids = request.args.get("ids", "").split(",")
    fields = [field for field in request.args.get("user.fields", "").split(",") if field]
    if not 0 < len(ids) <= AT_ONCE or not all(ID.fullmatch(id_) for id_ in ids) or not set(fields) <= {*USER_FIELDS}:
        return problem(400, "Invalid Request")
    found = [(id_, sandbox().people.look_up(id_)) for id_ in ids]
    there = [fields_of(person, fields) for _, person in found if person and person.there]
    errors = [missing(id_, person) for id_, person in found if not (person and person.there)]
    return answer(200, **({"data": there} if there else {}), **({"errors": errors} if errors else {}))


def missing(id_: str, person: Person | None) -> dict[str, str]:
    """Say that somebody is not there, in X's words; the type is the same whatever the title says."""
    suspended = person is not None and person.suspended
    return {
        "value": id_,
        "detail": f"User has been suspended: [{id_}]." if suspended else f"Could not find user with ids: [{id_}].",
        "title": "Forbidden" if suspended else "Not Found Error",
        "resource_type": "user",
        "parameter": "ids",
        "resource_id": id_,
        "type": NOT_FOUND,
    }


def create_job() -> Response:
    """Open a job for users; the sandbox has no posts."""
    wanted = request.get_json(silent=True)
    if not isinstance(wanted, dict) or wanted.get("type") != "users":
        return problem(400, "Invalid Request")
    return answer(200, data=described(sandbox().jobs.create(str(wanted.get("name", "")))))


def look_at(job_id: str) -> Response:
    """Describe a job; it gets on by being looked at, as often as a rehearsal asks."""
    job = sandbox().jobs.find(job_id)
    if job is None:
        return problem(404, "Not Found")
    reply = answer(200, data=described(job))
    job.looks += 1
    return reply


def described(job: Job) -> dict[str, object]:
    """Return a job in X's form."""
    return {
        "id": job.id,
        "type": "users",
        "name": job.name,
        "resumable": False,
        "status": job.status(sandbox().faults.number("job_looks", 0)),
        "created_at": moment(job.created),
        "upload_url": url_for("compliance.upload", secret=job.upload, _external=True),
        "upload_expires_at": moment(job.created + UPLOAD_LIFE),
        "download_url": url_for("compliance.results", secret=job.download, _external=True),
        "download_expires_at": moment(job.created + DOWNLOAD_LIFE),
    }


def events_of(id_: str, person: Person | None) -> list[str]:
    """Return what must be done about an account, a line for each reason."""
    reasons = ["deleted"] if person is None else []
    if person is not None:
        happened = {"deactivated": not person.active, "suspended": person.suspended, "protected": person.protected}
        reasons = [reason for reason, it in happened.items() if it]
    now = moment(datetime.now(UTC))
    lines = [
        {"id": id_, "action": "delete", "created_at": now, "redacted_at": now, "reason": reason} for reason in reasons
    ]
    return [f"{json.dumps(line)}\n" for line in lines]


def moment(when: datetime) -> str:
    """Return a time as X writes it."""
    return when.strftime("%Y-%m-%dT%H:%M:%S.000Z")
