"""Somebody at a shop's page who presses the button, and answers in the window that it opens."""

from playwright.sync_api import Page

#: What the strictest of shops would send, Trusted Types and all; only the file itself is let in.
STRICT = (
    "default-src 'none'; script-src {file}; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
#: Keeps what a script of the page's own, which comes after, is told, and what is said on its origin.
LISTENING = """addEventListener("DOMContentLoaded", () => {
  window.told = []; window.heard = [];
  for (const one of ["linked", "refused", "closed"])
    document.addEventListener(`consent-link:${one}`, event => {
      told.push([one, event.detail, event.target.id]);
      if (window.staying) event.preventDefault();
    });
  new BroadcastChannel("consent-link").onmessage = ({data}) => heard.push(data);
})"""
#: Without a screen every tab has the focus, always: a page is told what it is told where there is one.
BACK = "() => dispatchEvent(new Event('focus'))"


def press(page: Page, number: int = 0) -> None:
    """Press a button of the page."""
    page.get_by_role("button").nth(number).click()


def window_of(page: Page, number: int = 0) -> Page:
    """Press a button that opens a window, and return it at the broker."""
    with page.context.expect_page() as coming:
        press(page, number)
    coming.value.wait_for_url("**/ask?*")
    return coming.value


def answer(window: Page, outcome: str) -> None:
    """Answer in the window, which closes by itself."""
    with window.expect_event("close"):
        window.get_by_role("link", name=outcome).click()


def told(page: Page) -> list[str]:
    """Return the events of a page."""
    return [one for one, _, _ in page.evaluate("() => told")]
