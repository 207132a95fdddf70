"""A fresh process that puts the faces on a broker, asks it whether it is ready, and says when that was answered."""

import json
import time

from broker.app import create_app, open_to_serve
from broker.settings import read_settings

#: That the log is kept is seen to by a process of its own.
_OWN = ("store", "keys", "schema", "erasures")


def main() -> None:
    """Start, once."""
    app = create_app(open_to_serve(read_settings()))
    said = app.test_client().get("/health/ready").get_json()
    ready_at = time.monotonic()  # the same clock in every process
    if not all(said["checks"][name] for name in _OWN):
        raise SystemExit(f"not ready: {said}")
    print(json.dumps({"ready_at": ready_at}))


if __name__ == "__main__":
    main()
