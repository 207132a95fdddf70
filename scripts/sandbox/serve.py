"""A sandbox platform that speaks X's OAuth 2.0 for people who do not exist. Run: serve.py --port 8200."""

import argparse
import os
import secrets
from pathlib import Path

from api import api
from asking import App
from compliance import compliance
from desk import Desk
from faults import Faults
from flask import Flask, Response
from jobs import Jobs
from limits import Limits
from pages import pages
from people import People
from state import Sandbox
from werkzeug.serving import make_server

HEADERS = {
    # X sends it, and it cuts window.opener: whoever links through a popup must live with that.
    "Cross-Origin-Opener-Policy": "same-origin",
    # No form-action: browsers apply it to the redirect after Authorize too, which leads to the application.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def create_app(app: App, state: Path | None = None) -> Flask:
    """Put the platform together."""
    flask_app = Flask(__name__)
    flask_app.extensions["sandbox"] = Sandbox(
        app=app, people=People(state), desk=Desk(), faults=Faults(), limits=Limits(), jobs=Jobs()
    )
    flask_app.register_blueprint(api)
    flask_app.register_blueprint(compliance)
    flask_app.register_blueprint(pages)
    flask_app.after_request(with_headers)
    return flask_app


def with_headers(response: Response) -> Response:
    """Add what every answer carries."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response


def read_arguments() -> argparse.Namespace:
    """Read the command line. The secret may stand in the environment, hidden from process lists."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8200)
    parser.add_argument("--state", type=Path, help="keeps renamed handles over a restart")
    parser.add_argument("--client-name", default="Consent broker")
    parser.add_argument("--client-id", default=os.environ.get("SANDBOX_CLIENT_ID", "sandbox-client"))
    parser.add_argument("--client-secret", default=os.environ.get("SANDBOX_CLIENT_SECRET"))
    parser.add_argument("--bearer-token", default=os.environ.get("SANDBOX_BEARER_TOKEN"))
    parser.add_argument(
        "--redirect-uri",
        action="append",
        help="may be given more than once",
        default=os.environ.get("SANDBOX_REDIRECT_URI", "").split(),
    )
    return parser.parse_args()


def main() -> None:
    """Serve until stopped."""
    arguments = read_arguments()
    app = App(
        client_id=arguments.client_id,
        client_secret=arguments.client_secret or secrets.token_urlsafe(32),
        name=arguments.client_name,
        redirect_uris=frozenset(arguments.redirect_uri),
        bearer_token=arguments.bearer_token or secrets.token_urlsafe(48),
    )
    server = make_server(arguments.host, arguments.port, create_app(app, arguments.state), threaded=True)
    print(f"sandbox platform on http://{arguments.host}:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
