"""Kill workers again and again while businesses ask and people say yes, and look whether all that was told is there."""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.person import Person
from harness.postgres import PostgresCluster
from harness.programs import free_port
from harness.running import RunningBroker, RunningSandbox
from kills.afterwards import faults
from kills.fire import Fire, Size

#: However long it goes on, nobody is told to wait for it: nearly all that is asked about is nobody's customer.
_NO_LIMITS = {f"BROKER_{name}_BUDGET": "0" for name in ("REQUEST", "ITEM", "MISS")}


def report(fire: Fire) -> Iterator[str]:
    """What was done, in lines."""
    yield f"{fire.kills} workers killed in {fire.size.seconds:g} s; the broker was begun again {fire.begun_again} times"
    yield ", ".join(f"{number} {what}" for what, number in sorted(fire.told.seen.items()))
    yield f"{len(fire.told.batches)} batches came whole, {len(fire.told.consents)} consents were acknowledged"


@contextmanager
def under_fire(size: Size, *, on_postgres: bool) -> Iterator[Fire]:
    """A broker of two workers with a platform, a business and people; nothing is left of it."""
    with tempfile.TemporaryDirectory(prefix="consent-broker-kills-") as folder:
        home, port = Path(folder), free_port()
        sandbox = RunningSandbox(home, [f"http://127.0.0.1:{port}/link/x/callback"])
        server = PostgresCluster() if on_postgres else None
        try:
            url = server.fresh_database() if server else f"sqlite:///{home / 'broker.db'}"
            broker = RunningBroker(home, port=port, database_url=url, platforms=sandbox.section(), settings=_NO_LIMITS)
            try:
                yield Fire(broker, broker.business(), [Person(broker, sandbox) for _ in range(size.people)], size)
            finally:
                broker.stop()
        finally:
            sandbox.stop()
            if server:
                server.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a campaign; end with 1 when something that was told is not there."""
    parser = argparse.ArgumentParser(prog="scripts/kills", description=__doc__)
    whole = Size()
    parser.add_argument("--seconds", type=float, default=whole.seconds, help="how long (%(default)s)")
    parser.add_argument("--pause", type=float, default=whole.pause, help="seconds between two kills (%(default)s)")
    parser.add_argument("--items", type=int, default=whole.items, help="items of a batch (%(default)s)")
    parser.add_argument("--lines", type=int, default=whole.lines, help="lines of a stream (%(default)s)")
    parser.add_argument("--each", type=int, default=whole.each, help="who ask in each way (%(default)s)")
    parser.add_argument("--people", type=int, default=whole.people, help="who say yes (%(default)s)")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL of its own in place of SQLite")
    asked = vars(parser.parse_args(arguments))
    with under_fire(Size(**{name: asked[name] for name in vars(whole)}), on_postgres=asked["postgres"]) as fire:
        fire.run()
        sys.stdout.writelines(f"{line}\n" for line in report(fire))
        found = list(faults(fire))
    sys.stdout.writelines(f"{line}\n" for line in found or ["all of it is there"])
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
