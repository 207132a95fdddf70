"""The control: the same broker with nobody going first. Programs may hold every thread, and nothing waits for its turn.

The bench starts it on the settings of the broker beside it.
"""

import argparse

from flask import Flask

from broker.app import create_app, open_to_serve
from broker.serving import serve
from broker.settings import read_settings
from broker.tending import Companion
from broker.web.front import Front
from broker.web.logs import log_config, start_logging


def wsgi() -> Flask:
    """The application without what stands before it."""
    settings = read_settings()
    start_logging(settings.log_level)
    app = create_app(open_to_serve(settings))
    if not isinstance(app.wsgi_app, Front):
        raise TypeError("nothing stands before the faces: this would be no control")
    app.wsgi_app = app.wsgi_app.inner
    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    asked = parser.parse_args()
    with Companion():
        serve(
            target="benchmarks.unordered:wsgi",
            host="127.0.0.1",
            port=asked.port,
            workers=asked.workers,
            log_config=log_config("info"),
        )
