"""Lets coverage see requests: granian answers in threads of Rust, where threading.settrace has no say."""

import sys
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

from granian.server import mp


def coverage_init(_registry: object, _options: object) -> None:
    """Wrap what granian calls for a request; coverage calls this once in every process that it measures."""
    wrap = mp._wsgi_call_wrap  # noqa: SLF001 the one place that every WSGI call passes
    mp._wsgi_call_wrap = lambda application, *rest: wrap(traced(application), *rest)  # noqa: SLF001


def traced(application: Callable[..., Any]) -> Callable[..., Any]:
    """Give the thread the tracer that a Python thread would have been born with."""

    @wraps(application)
    def answer(*request: Any) -> Any:  # noqa: ANN401 handed through untouched
        if sys.gettrace() is None:
            sys.settrace(threading.gettrace())
        return application(*request)

    return answer
