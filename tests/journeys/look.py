"""Looking at one page as people with different eyes and windows do."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.strangers import STRANGERS
from playwright.sync_api import Page

#: CSS pixels: a desktop, a small telephone, and a desktop at 200 % zoom, which halves them and doubles the dots.
WINDOWS = {"desktop": (1280, 800, 1), "narrow": (320, 640, 1), "zoomed": (640, 400, 2)}
SCHEMES = ("light", "dark")
HOME_WINDOW = "desktop"

_AXE_RUN = """async () => {
  const found = await axe.run(document, {preload: false, rules: {"target-size": {enabled: true}}});
  return found.violations.map(v => v.id + ": " + v.nodes.map(n => n.target.join(" ")).join(", "));
}"""
_BEYOND_THE_EDGE = """() => {
  const root = document.documentElement, found = [];
  if (root.scrollWidth > root.clientWidth) found.push(`the page is ${root.scrollWidth} wide`);
  for (const one of document.body.querySelectorAll("*:not(.sr-only, .sr-only *)")) {
    const box = one.getBoundingClientRect();
    if (box.width && (box.right > root.clientWidth + 0.5 || box.left < -0.5))
      found.push(`${one.tagName} from ${box.left} to ${box.right}`);
  }
  return found;
}"""
# WCAG 2.5.8 lets off a link within a sentence; one that stands alone is a target.
_TOO_SMALL = """() => [...document.querySelectorAll("a, button, input:not([type=hidden]), select")]
  .filter(one => !(one.tagName === "A" && one.parentElement.textContent.trim() !== one.textContent.trim()))
  .map(one => [one, one.getBoundingClientRect()])
  .filter(([one, box]) => box.width < 24 || box.height < 24)
  .map(([one, box]) => `${one.outerHTML.slice(0, 80)} is ${box.width} x ${box.height}`)"""
# Sentences of three and more Latin words, outside what is marked as English, a name, or code.
_ENGLISH = """() => {
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, inside = node.parentElement;
    const aside = inside.closest("bdi, code, option, [lang]:not(html):not([lang=ar]), script, style");
    const text = node.textContent.replace(/\u2068[^\u2069]*\u2069/g, "");
    if (!aside && /[A-Za-z]{2,}(?:[\\s,]+[A-Za-z]{2,}){2,}/.test(text)) found.push(text.trim().slice(0, 80));
  }
  return found;
}"""


@dataclass
class Look:
    """What was seen of one page."""

    name: str
    language: str
    address: str
    headings: list[str]
    title: str
    axe: dict[str, list[str]] = field(default_factory=dict)
    beyond_the_edge: dict[str, list[str]] = field(default_factory=dict)
    too_small: list[str] = field(default_factory=list)
    direction: str = ""
    english: list[str] = field(default_factory=list)


def axe(page: Page) -> list[str]:
    """Return axe's violations: its rules of WCAG 2.2 A and AA, and its best practices."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate((STRANGERS / "node_modules/axe-core/axe.min.js").read_text())
    found: list[str] = page.evaluate(_AXE_RUN)
    return found


def look_at(
    page: Page,
    name: str,
    *,
    pictures: Path,
    windows: Collection[str] = tuple(WINDOWS),
    schemes: Collection[str] = SCHEMES,
) -> Look:
    """Look at a page in every window, and with axe in both colour schemes, unless less is enough."""
    page.wait_for_load_state("load")  # its style sheet, too: before that nothing has its size
    seen = Look(
        name=name,
        language=page.locator("html").get_attribute("lang") or "",
        address=page.url,
        headings=page.locator("h1").all_inner_texts(),
        title=page.title(),
        direction=page.locator("html").get_attribute("dir") or "",
        english=page.evaluate(_ENGLISH),
    )
    for window in windows:
        with_window(page, window)
        seen.beyond_the_edge[window] = page.evaluate(_BEYOND_THE_EDGE)
        seen.too_small += page.evaluate(_TOO_SMALL)
        page.screenshot(path=pictures / f"{name}-{window}.png", full_page=True)
    with_window(page, HOME_WINDOW)
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        seen.axe[scheme] = axe(page)
    if "dark" in schemes:
        page.screenshot(path=pictures / f"{name}-dark.png", full_page=True)
        page.emulate_media(color_scheme="light")
    return seen


def with_window(page: Page, window: str) -> None:
    """Give a page another window."""
    width, height, dots = WINDOWS[window]
    page.set_viewport_size({"width": width, "height": height})
    devtools: Any = page.context.new_cdp_session(page)
    devtools.send(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": dots, "mobile": False},
    )
    devtools.detach()
