"""A shop that links its customers' X accounts through a consent broker. Run: serve.py --help."""

import argparse
import os
import secrets
from pathlib import Path

from client import BrokerClient
from customers import Customers
from embed import PATH, button
from events import events
from flask import Flask, Response
from linking import Linking
from pages import pages
from state import Shop, shop
from werkzeug.serving import make_server

SECRET_FILE = "session-secret"  # noqa: S105 - the name of a file
HEADERS = {
    # One file of the broker's, and no other script. No form-action: the button that links leads to the broker and on to
    # the platform.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src {script}; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def create_app(*, issuer: str, shop: str, state: Path) -> Flask:
    """Put the shop together."""
    app = Flask(__name__)
    app.secret_key = session_secret(state / SECRET_FILE)
    # Browsers share cookies between the ports of one host: each program names its own.
    app.config.update(SESSION_COOKIE_NAME="example-shop", SESSION_COOKIE_SAMESITE="Lax")
    broker = BrokerClient(issuer=issuer, shop=shop, state=state)
    app.extensions["shop"] = Shop(
        address=shop,
        broker=broker,
        customers=Customers(state / "customers.json"),
        linking=Linking(broker),
    )
    app.jinja_env.globals.update(button=button(issuer))
    app.register_blueprint(pages)
    app.register_blueprint(events)
    app.after_request(with_headers)
    return app


def session_secret(file: Path) -> str:
    """Return the key that signs the session cookie, made once."""
    if not file.exists():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(secrets.token_urlsafe(32))
    return file.read_text("utf-8")


def with_headers(response: Response) -> Response:
    """Add what every answer carries."""
    script = shop().broker.issuer + PATH
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value.format(script=script))
    return response


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--issuer", required=True, help="the broker's address")
    parser.add_argument("--state", type=Path, required=True, help="where register.py wrote the shop's files")
    arguments = parser.parse_args()
    address = f"http://{arguments.host}:{arguments.port}"
    app = create_app(issuer=arguments.issuer.rstrip("/"), shop=address, state=arguments.state)
    server = make_server(arguments.host, arguments.port, app, threaded=True)
    print(f"shop on {address}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
