"""Chromium as Debian packages it, driven by Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, expect, sync_playwright

PATIENCE_MS = 10_000

#: The sandbox of its own needs what containers rarely give.
OPTIONS = ("--no-sandbox",)


def program() -> str:
    """Return the Chromium without windows where it is there: it draws the same in a third of the time."""
    return shutil.which("chromium-headless-shell") or "/usr/bin/chromium"


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Run it."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=[*OPTIONS])
        yield browser
        browser.close()
