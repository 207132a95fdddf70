"""What a visitor sees: the page that asks to authorize an application, and the people with their handles."""

from asking import Ask, BadAskError, RefusedAskError, read_ask
from desk import CODE_LIFE
from flask import Blueprint, Response, redirect, render_template, request, url_for
from people import HandleRefusedError
from state import sandbox
from werkzeug.wrappers import Response as AnyResponse

pages = Blueprint("pages", __name__)

SEE_OTHER = 303
BAD_REQUEST = 400
UNFIT = 422
SCOPE_WORDS = {
    "tweet.read": "See the posts that you can see",
    "users.read": "See your profile: name, handle and permanent id",
    "users.email": "See your email address",
    "offline.access": "Keep access until you take it back",
}
Page = AnyResponse | tuple[str, int] | str


@pages.get("/")
def home() -> Page:
    """Say what this is."""
    return render_template("home.html")


@pages.get("/i/oauth2/authorize")
def authorize() -> Page:
    """Show who asks and let the visitor choose whom to be."""
    ask = asked()
    return ask if not isinstance(ask, Ask) else authorize_page(ask)


@pages.post("/i/oauth2/authorize")
def decide() -> Page:
    """Go back to the application. Nobody is signed in, so a foreign form has no session to ride."""
    ask = asked()
    if not isinstance(ask, Ask):
        return ask
    if request.form.get("choice") != "authorize":
        return redirect(ask.answer(**rehearsed(), error="access_denied"), SEE_OTHER)
    person = sandbox().people.find(request.form.get("person", ""))
    if person is None:
        return authorize_page(ask, message="Choose an account first."), UNFIT
    code = sandbox().desk.give_code(ask, person.id, life=sandbox().faults.code_life(CODE_LIFE))
    return redirect(ask.answer(**rehearsed(), code=code), SEE_OTHER)


@pages.get("/people")
def people() -> Page:
    """Show everybody and their handles."""
    return people_page()


@pages.post("/people/rename")
def rename() -> Page:
    """Give an account another handle."""
    try:
        sandbox().people.rename(request.form.get("person", ""), request.form.get("handle", ""))
    except HandleRefusedError as refusal:
        return people_page(message=str(refusal), unfit=request.form.get("person")), UNFIT
    return redirect(url_for("pages.people"), SEE_OTHER)


@pages.post("/people/mark")
def mark() -> Page:
    """Deactivate, suspend or protect an account, or undo it."""
    person, name = request.form.get("person", ""), request.form.get("mark", "")
    sandbox().people.set_mark(person, name, on=request.form.get("on") == "yes")
    return redirect(url_for("pages.people"), SEE_OTHER)


@pages.get("/sandbox/tokens")
def tokens() -> dict[str, int | list[str]]:
    """Count tokens, so that a caller's promise to revoke its own can be checked."""
    return sandbox().desk.counts()


@pages.route("/sandbox/faults", methods=["GET", "POST"])
def faults() -> Response | tuple[dict[str, object], int] | dict[str, object]:
    """Set the failures to rehearse: a JSON object, which replaces the last one."""
    if request.method == "POST":
        wanted = request.get_json()
        unknown = sandbox().faults.replace(wanted) if isinstance(wanted, dict) else ["not an object"]
        sandbox().limits.forget()
        if unknown:
            return {"unknown": unknown}, BAD_REQUEST
    return sandbox().faults.current()


def asked() -> Ask | Page:
    """Read the authorization request in the address, or answer its fault."""
    try:
        return read_ask(request.args, sandbox().app)
    except BadAskError as fault:
        return render_template("fault.html", fault=str(fault)), BAD_REQUEST
    except RefusedAskError as refusal:
        return redirect(refusal.location, SEE_OTHER)


def authorize_page(ask: Ask, message: str = "") -> str:
    """Render the request for one visitor."""
    return render_template(
        "authorize.html",
        app=sandbox().app,
        people=sandbox().people.present(),
        scopes=[(scope, SCOPE_WORDS.get(scope, scope)) for scope in ask.scope],
        back=ask.redirect_uri,
        message=message,
    )


def people_page(message: str = "", unfit: str | None = None) -> str:
    """Render everybody; a refused handle is explained beside its form."""
    everybody = sandbox().people
    return render_template(
        "people.html",
        people=everybody.everybody(),
        released=everybody.released(),
        message=message,
        unfit=unfit,
    )


def rehearsed() -> dict[str, str]:
    """Return what a rehearsal adds to the next callback."""
    issuer = sandbox().faults.take_issuer()
    return {"iss": issuer} if issuer else {}
