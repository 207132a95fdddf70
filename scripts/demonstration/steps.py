"""Steps with a name: a line for each that went well, the whole story for the one that did not."""

from collections.abc import Iterator
from contextlib import contextmanager

from demonstration.browser import Browser


class StepFailedError(Exception):
    """A step that failed, with what stood on the page."""


class UnexpectedError(Exception):
    """Something that a step looked at and found otherwise."""


@contextmanager
def step(name: str, browser: Browser | None = None) -> Iterator[None]:
    """Name what happens inside; any fault there is this step's."""
    try:
        yield
    except Exception as fault:
        seen = browser.page.excerpt() if browser and browser.page else ""
        raise StepFailedError(f"{name}\n{type(fault).__name__}: {fault}\n{seen}".rstrip()) from fault
    print(f"ok   {name}", flush=True)


def expect(*, that: bool, otherwise: str) -> None:
    """Fail the step unless something holds."""
    if not that:
        raise UnexpectedError(otherwise)
