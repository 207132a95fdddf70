"""Make the pictures: the broker's pages, out of the running demo, and the map of the three faces."""

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from demonstration.stage import Addresses, Stage
from playwright.sync_api import Page, sync_playwright

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
#: A width that the README shows without shrinking its letters below reading size; two dots to the pixel.
WINDOW = {"width": 800, "height": 600}
DOTS = 2
AIR = 24
JOHN_DOE = "1234567890123456789"

# --- the pages


def draw_notice(file: Path) -> None:
    """Walk from the shop to the notice, as far as the person's choice, and take its picture."""
    with visiting() as (page, at):
        go_to_notice(page, at)
        page.screenshot(path=file, full_page=True)


def draw_objection(file: Path) -> None:
    """Allow the shop one purpose, sign in at the broker, and take the picture of what can be objected to."""
    with visiting() as (page, at):
        go_to_notice(page, at)
        page.locator("input[value='customer-care']").check()
        page.locator("button[value=allow]").click()
        page.wait_for_url(f"{at.shop_url}/**")
        page.goto(f"{at.issuer}/consents")
        page.locator("form[action$='/sign-in'] button").click()
        prove(page)
        page.locator("section button[value=object]").click()
        page.get_by_role("status").wait_for()
        draw_part(page, file, first="#matching", last="ul.plain")


def draw_terms(file: Path) -> None:
    """Take the picture of the terms from their beginning, the first clause opened."""
    with visiting() as (page, at):
        page.goto(f"{at.issuer}/policies/x-developer-terms")
        page.locator("summary").first.click()
        draw_part(page, file, first="h1", last=".family .clause")


def draw_part(page: Page, file: Path, *, first: str, last: str) -> None:
    """Take the picture of a page between two elements, both within, with a little air."""
    # A window as high as the page: nothing is scrolled, and nothing is cut off.
    page.set_viewport_size({**WINDOW, "height": page.evaluate("document.documentElement.scrollHeight")})
    top, bottom = (page.locator(name).first.bounding_box() for name in (first, last))
    if top is None or bottom is None:
        raise SystemExit(f"the page shows no {first} or no {last}")
    begin, end = int(top["y"] - AIR), int(bottom["y"] + bottom["height"] + AIR)
    page.screenshot(path=file, clip={"x": 0, "y": begin, "width": WINDOW["width"], "height": end - begin})


@contextmanager
def visiting() -> Iterator[tuple[Page, Addresses]]:
    """Start the demo, and let somebody come to it while the block lasts."""
    with (
        tempfile.TemporaryDirectory(prefix="consent-broker-pictures-") as state,
        Stage(Addresses.usual(), Path(state) / "stage") as stage,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser.new_page(viewport=WINDOW, device_scale_factor=DOTS, locale="en-GB"), stage.addresses
        browser.close()


def go_to_notice(page: Page, at: Addresses) -> None:
    """Sign up, ask to link, prove an account, and wait until the buttons can be pressed."""
    page.goto(at.shop_url)
    page.locator("#name").fill("John Doe")
    page.locator("#email").fill("john.doe@example.com")
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url(f"{at.shop_url}/account")  # whole: until then a plain button stands in the place of this one
    page.get_by_role("button", name="Link your X account").click()
    prove(page)
    page.locator("button[value=allow]:enabled").wait_for()


def prove(page: Page) -> None:
    """Show at the platform whose account it is."""
    page.locator(f"input[value='{JOHN_DOE}']").click()
    page.locator("button[value=authorize]").click()


def chromium() -> str:
    """Return where Debian put Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-headless-shell")
    if found is None:
        raise SystemExit("Chromium is missing: run scripts/setup --tests")
    return found


# --- the three faces

WIDTH, HEIGHT = 900, 452
STYLE = """
    text { font: 14px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #1b1f24; }
    .name { font-size: 16px; font-weight: 600; }
    .soft { font-size: 13px; fill: #4a5460; }
    .box { fill: #ffffff; stroke: #8b96a3; stroke-width: 1.5; }
    .broker { fill: #f3f5f7; stroke: #1f4f8f; stroke-width: 2; }
    .face { fill: #1f4f8f; }
    .on-face { fill: #ffffff; }
    .way { stroke: #4a5460; stroke-width: 1.5; marker-start: url(#head); marker-end: url(#head); }
    #head path { fill: #4a5460; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e9edf1; }
      .soft { fill: #b4bec9; }
      .box { fill: #1f252c; stroke: #76828f; }
      .broker { fill: #1a2027; stroke: #a9cbf7; }
      .face { fill: #a9cbf7; }
      .on-face { fill: #10151b; }
      .way { stroke: #b4bec9; }
      #head path { fill: #b4bec9; }
    }"""
TITLE = "The three faces of the consent broker"
DESCRIPTION = (
    "The person reads the notice on the consent page and allows or refuses there, after proving the account at the"
    " platform. The business asks for consent by way of the consent page and asks the match API before each use. The"
    " person's pages show every answer and take it back."
)


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle with a name and some words under it."""

    x: int
    y: int
    width: int
    height: int
    kind: str
    name: str
    words: tuple[str, ...] = ()
    on: str = ""

    def svg(self) -> str:
        """Draw it, the words in its middle."""
        middle, line = self.x + self.width // 2, 20
        top = self.y + self.height // 2 + 5 - line * len(self.words) // 2
        lines = [text(middle, top, self.name, f"name {self.on}")]
        lines += [text(middle, top + line * n, words, f"soft {self.on}") for n, words in enumerate(self.words, 1)]
        size = f'x="{self.x}" y="{self.y}" width="{self.width}" height="{self.height}"'
        return "\n  ".join([f'<rect class="{self.kind}" {size} rx="8"/>', *(lines if self.name else [])])


@dataclass(frozen=True, kw_only=True)
class Way:
    """A level line between somebody and a face: what they bring stands above it, what they get or leave below."""

    x: int
    y: int
    middle: int
    brings: str
    gets: str
    width: int = 212

    def svg(self) -> str:
        """Draw it."""
        line = f'<path class="way" d="M{self.x} {self.y}h{self.width}"/>'
        return "\n  ".join(
            [line, text(self.middle, self.y - 9, self.brings), text(self.middle, self.y + 21, self.gets)]
        )


def text(x: int, y: int, words: str, kind: str = "soft") -> str:
    """Draw words around a middle."""
    return f'<text class="{kind.strip()}" x="{x}" y="{y}" text-anchor="middle">{escape(words)}</text>'


def face(y: int, name: str, words: str) -> Box:
    """Return one of the broker's faces."""
    return Box(x=336, y=y, width=228, height=78, kind="face", name=name, words=(words,), on="on-face")


#: The person stands at the left, the business at the right, and each meets two of the faces.
DRAWN = (
    Box(x=320, y=10, width=260, height=62, kind="box", name="Platform", words=("where the account is",)),
    Box(x=10, y=132, width=104, height=266, kind="box", name="Person", words=("in a browser",)),
    Box(x=786, y=132, width=104, height=266, kind="box", name="Business", words=("its server",)),
    Box(x=320, y=116, width=260, height=326, kind="broker", name=""),
    face(132, "1 · Consent page", "a notice, and a free choice"),
    face(226, "2 · Match API", "a decision for each use"),
    face(320, "3 · The person's pages", "receipts, and taking it back"),
    Way(x=119, y=171, middle=217, brings="reads what would be linked", gets="allows or refuses"),
    Way(x=119, y=359, middle=217, brings="sees every answer given", gets="withdraws in one click"),
    Way(x=569, y=171, middle=683, brings="asks for consent", gets="a receipt, or a refusal"),
    Way(x=569, y=265, middle=683, brings="may we match this pair?", gets="permit or deny, and why"),
)


def draw_faces(file: Path) -> None:
    """Write the map as SVG: text as text, and colours for light and dark."""
    drawn = "\n  ".join(part.svg() for part in DRAWN)
    file.write_text(
        f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"
    role="img" aria-labelledby="title what">
  <title id="title">{escape(TITLE)}</title>
  <desc id="what">{escape(DESCRIPTION)}</desc>
  <style>{STYLE}
  </style>
  <marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse">
    <path d="M0 0l8 4-8 4z"/>
  </marker>
  {drawn}
  {text(450, 426, "Consent broker", "name")}
  <path class="way" d="M450 77v50"/>
  <text class="soft" x="462" y="98">proves the account</text>
</svg>
""",
        "utf-8",
    )


DRAW = {
    "page": (draw_notice, "consent-page.png"),
    "objection": (draw_objection, "objection.png"),
    "terms": (draw_terms, "terms.png"),
    "faces": (draw_faces, "faces.svg"),
}


def main() -> None:
    """Draw what is asked for."""
    parser = argparse.ArgumentParser(prog="scripts/pictures", description=__doc__)
    parser.add_argument("--only", choices=DRAW, help="one of the pictures")
    parser.add_argument("--out", type=Path, default=PICTURES, help="where to put them")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, (draw, file) in DRAW.items():
        if arguments.only in {None, name}:
            draw(arguments.out / file)
            print(arguments.out / file)


if __name__ == "__main__":
    main()
