"""Start the broker, a shop and a sandbox platform, to try by hand or (--check) to be walked through."""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from demonstration.programs import ProgramError
from demonstration.stage import Addresses, Stage
from demonstration.steps import StepFailedError
from demonstration.walk import walk
from demonstration.words import WELCOME

STATE = Path(__file__).resolve().parents[1] / "var" / "demo"
INTERRUPTED = 130  # what a shell reports for Ctrl-C: a check that was cut short has shown nothing


def main() -> int:
    """Return 0 when all went well, 1 when a program or a step failed."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--check", action="store_true", help="walk the whole path, headless")
    parser.add_argument("--port-base", type=int, help="broker here, shop 100 above, platform 200 above")
    parser.add_argument("--fresh", action="store_true", help="forget what earlier demos left in var/demo")
    arguments = parser.parse_args()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.default_int_handler)  # all of them end the children
    try:
        if arguments.check:
            return check(arguments.port_base)
        return show(arguments.port_base, fresh=arguments.fresh)
    except KeyboardInterrupt:
        print("\nAll stopped.")
        return INTERRUPTED if arguments.check else 0


def check(port_base: int | None) -> int:
    """Walk the path in a state directory of its own, which stays only when something failed."""
    began = time.monotonic()
    state = Path(tempfile.mkdtemp(prefix="consent-broker-demo-"))
    addresses = Addresses.from_base(port_base) if port_base else Addresses.free()
    try:
        with Stage(addresses, state) as stage:
            walk(stage)
    except (ProgramError, StepFailedError) as failure:
        print(f"FAIL {failure}\n\nThe programs' logs: {state / 'logs'}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        shutil.rmtree(state)
        raise
    shutil.rmtree(state)
    print(f"The whole path works ({time.monotonic() - began:.0f} s).")
    return 0


def show(port_base: int | None, *, fresh: bool) -> int:
    """Keep the three programs running until Ctrl-C."""
    addresses = Addresses.from_base(port_base) if port_base else Addresses.usual()
    state = STATE / str(addresses.broker)  # two demos at once share nothing
    if fresh:
        shutil.rmtree(state, ignore_errors=True)
    try:
        with Stage(addresses, state) as stage:
            print(WELCOME.format(addresses=addresses, logs=stage.logs))
            stage.wait()
    except ProgramError as failure:
        print(f"{failure}\n\nThe programs' logs: {state / 'logs'}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
