"""Serves one of the faces as `broker serve` serves the broker; its workers load the face for themselves."""

import argparse

from broker.serving import serve
from broker.web.logs import log_config

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=("bare", "flask", "select_one", "sqlmodel"))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    asked = parser.parse_args()
    serve(
        target=f"benchmarks.matching.faces:{asked.name}",
        host="127.0.0.1",
        port=asked.port,
        workers=asked.workers,
        log_config=log_config("info"),
    )
