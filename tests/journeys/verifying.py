"""Somebody at the page that checks evidence: files are chosen, dropped or pasted, and the verdict is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.verifier import ADDRESS
from playwright.sync_api import Page, expect
from vectors.bundles import VKEYS
from vectors.make import FOLDER, JWKS

KEY_SET, LOG_KEYS = FOLDER / JWKS, FOLDER / VKEYS
BUNDLE, RECEIPT = FOLDER / "bundle-given.bundle", FOLDER / "receipt-given.sd-jwt"
STANDS = FOLDER / "status-stands.jwt"
_DROP = """([target, files]) => {
  const carried = new DataTransfer();
  for (const [name, text] of files) carried.items.add(new File([text], name));
  const drop = new DragEvent("drop", {dataTransfer: carried, bubbles: true, cancelable: true});
  document.querySelector(target).dispatchEvent(drop);
}"""


@contextmanager
def opened_anew(desk: Page) -> Iterator[Page]:
    """Give the page as it was opened; it must neither ask for anything nor complain."""
    asked: list[str] = []
    desk.on("request", lambda request: asked.append(request.url))
    desk.on("console", lambda message: asked.append(message.text))
    desk.on("pageerror", lambda error: asked.append(str(error)))
    desk.goto(ADDRESS)
    yield desk
    assert {ADDRESS} == {url for url in asked if not url.startswith("data:image")}


def verdict(page: Page) -> str:
    """Return the words that are read out, once there are some."""
    expect(page.locator("#verdict > div")).to_be_visible()
    return page.get_by_role("status").inner_text()


def choose(page: Page, *files: Path) -> str:
    """Choose files and return the verdict."""
    page.locator("#evidence-choice").set_input_files(list(files))
    return verdict(page)


def drop(page: Page, target: str, *files: Path) -> None:
    """Drop files somewhere."""
    page.evaluate(_DROP, [target, [[path.name, path.read_text()] for path in files]])


def paste(page: Page, text: str) -> str:
    """Paste a file's text beside the keys, and check."""
    page.locator("#jwks-text").fill(KEY_SET.read_text())
    page.locator("#evidence-text").fill(text)
    page.get_by_role("button", name="Check").click()
    return verdict(page)
