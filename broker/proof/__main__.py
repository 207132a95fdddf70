"""``python -m broker.proof FILE --jwks FILE``: an auditor's verifier; it needs cryptography and joserfc, no more."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from broker.errors import BrokerError, in_one_line
from broker.proof.checking import FAILED, HELP, add_arguments, check_file


def main(arguments: Sequence[str] | None = None) -> int:
    """Check one file; every failure is one line on standard error and a status that is not 0."""
    parser = argparse.ArgumentParser(prog="python -m broker.proof", description=HELP)
    add_arguments(parser)
    try:
        return check_file(parser.parse_args(arguments), now=datetime.now(UTC))
    except BrokerError as error:
        print(f"broker.proof: {error.detail}", file=sys.stderr)
    except OSError as error:
        print(f"broker.proof: {in_one_line(error)}", file=sys.stderr)
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
