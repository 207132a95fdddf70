"""Measure how fast the broker is: ratios within one run, never a time that a slower machine would fail."""

import argparse
import json
import signal
from collections.abc import Sequence
from pathlib import Path

from benchmarks import isolation, log, match, withdrawal
from benchmarks.measuring import machine

#: One module a benchmark, each with HELP, add_arguments, run and lines.
BENCHMARKS = {"isolation": isolation, "log": log, "match": match, "withdrawal": withdrawal}
INTERRUPTED = 130  # what a shell reports for Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one benchmark and print what it found."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    chosen = parser.add_subparsers(dest="benchmark", required=True)
    for name, module in BENCHMARKS.items():
        one = chosen.add_parser(name, help=module.HELP, description=module.__doc__)
        one.add_argument("--json", type=Path, metavar="FILE", help="write every number there too, as JSON")
        module.add_arguments(one)
    asked = parser.parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # what was written is taken away then too
    try:
        began, found = machine(), BENCHMARKS[asked.benchmark].run(asked)
    except KeyboardInterrupt:
        return INTERRUPTED
    whole = {"benchmark": asked.benchmark, "began": began, "ended": machine(), **found}
    if asked.json:
        asked.json.write_text(json.dumps(whole, indent=2) + "\n")
    print("\n".join(BENCHMARKS[asked.benchmark].lines(whole)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
