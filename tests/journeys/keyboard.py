"""Hands that never leave the keyboard, and the wish to see at every step where one is."""

from playwright.sync_api import Locator, Page

#: More steps than any page here has stops; whoever needs more is caught in a trap.
MOST_TABS = 40
_HAS_FOCUS = "one => one === one.getRootNode().activeElement"  # the root of a custom element is its own
_OUTLINE = """one => {
  const style = getComputedStyle(one);
  return style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth);
}"""


class Keyboard:
    """Tab, Space, Enter and the arrows."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def to(self, target: Locator) -> None:
        """Press Tab until the target has the focus and shows it, and back again where that has led past it.

        Behind the last stop of a page come those of the browser, which has none here: the way round is the way back.
        """
        for key in ("Tab",) * MOST_TABS + ("Shift+Tab",) * MOST_TABS:
            self.page.keyboard.press(key)
            if target.evaluate(_HAS_FOCUS):
                if target.evaluate(_OUTLINE) < 1:
                    raise AssertionError(f"{target} has the focus and does not show it")
                return
        raise AssertionError(f"{MOST_TABS} presses of Tab do not reach {target}")

    def press(self, target: Locator) -> None:
        """Go to a button or link and press Enter."""
        self.to(target)
        self.page.keyboard.press("Enter")

    def tick(self, box: Locator) -> None:
        """Go to a box and press Space."""
        self.to(box)
        self.page.keyboard.press("Space")

    def type(self, field: Locator, text: str) -> None:
        """Go to a field and type."""
        self.to(field)
        self.page.keyboard.type(text)

    def choose(self, group: Locator, wanted: Locator) -> None:
        """Go to a group of radio buttons, which is one stop, and on with the arrows."""
        self.to(group.first)
        self.page.keyboard.press("Space")
        for _ in range(group.count()):
            if wanted.is_checked():
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"the arrows do not reach {wanted}")
