"""Reading a page as a browser without script does: its words, its language, its forms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

SILENT = frozenset({"script", "style", "title", "datalist"})


@dataclass
class Control:
    """One thing in a form that may be sent."""

    kind: str
    name: str
    value: str
    on: bool = False
    options: list[str] = field(default_factory=list)


@dataclass
class Form:
    """Where a form goes and what it holds."""

    action: str
    method: str
    controls: list[Control] = field(default_factory=list)

    def has_button(self, value: str) -> bool:
        """Tell whether a button of this value is here; every form has the empty one."""
        return not value or any(one.kind == "submit" and one.value == value for one in self.controls)

    def choices(self, name: str) -> list[Control]:
        """Return the boxes or radio buttons of one name."""
        return [one for one in self.controls if one.name == name and one.kind in {"checkbox", "radio"}]

    def fill(self, *, choice: str, filled: Mapping[str, str | list[str]]) -> list[tuple[str, str]]:
        """Return what a browser would send after the visitor filled the form in and pressed a button."""
        unknown = set(filled) - {one.name for one in self.controls}
        if unknown:
            raise ValueError(f"the form has no field {', '.join(sorted(unknown))}")
        sent: list[tuple[str, str]] = []
        for one in self.controls:
            sent.extend(pairs_of(one, filled.get(one.name), choice))
        return sent


def pairs_of(control: Control, given: str | list[str] | None, choice: str) -> list[tuple[str, str]]:
    """Return what one control adds to the form's data."""
    pair = (control.name, control.value)
    if not control.name:
        return []
    if control.kind == "submit":
        return [pair] if choice and control.value == choice else []
    if control.kind in {"checkbox", "radio"}:
        wanted = [given] if isinstance(given, str) else given
        return [pair] if (control.on if wanted is None else control.value in wanted) else []
    return [(control.name, given)] if isinstance(given, str) else [pair]


@dataclass
class Reading:
    """What a page holds."""

    language: str = ""
    words: str = ""
    forms: list[Form] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    marked: dict[str, str] = field(default_factory=dict)


class Reader(HTMLParser):
    """Collects words, forms, links, and the text of elements that have an id and hold text alone."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = Reading()
        self._words: list[str] = []
        self._silent = 0
        self._form: Form | None = None
        self._select: Control | None = None
        self._mark = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take in what opens."""
        given = {name: value or "" for name, value in attrs}
        self._silent += tag in SILENT
        self._mark = given.get("id", "")
        if tag == "html":
            self.reading.language = given.get("lang", "")
        elif tag == "a":
            self.reading.links.append(given.get("href", ""))
        elif tag == "form":
            self._form = Form(action=given.get("action", ""), method=given.get("method", "get").upper())
            self.reading.forms.append(self._form)
        elif self._form:
            self._control(tag, given, self._form)

    def handle_endtag(self, tag: str) -> None:
        """Take in what closes."""
        self._silent -= tag in SILENT
        self._mark = ""
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        """Take in words."""
        if self._silent:
            return
        self._words.append(data)
        if self._mark:
            self.reading.marked[self._mark] = data.strip()

    def finish(self) -> Reading:
        """Return what was read."""
        self.close()
        self.reading.words = " ".join(" ".join(self._words).split())
        return self.reading

    def _control(self, tag: str, given: dict[str, str], form: Form) -> None:
        name, value = given.get("name", ""), given.get("value", "")
        if tag == "input":
            kind = given.get("type", "text")
            form.controls.append(Control(kind, name, value or "on" * (kind == "checkbox"), "checked" in given))
        elif tag == "button" and given.get("type", "submit") == "submit":
            form.controls.append(Control("submit", name, value))
        elif tag == "select":
            self._select = Control("select", name, "")
            form.controls.append(self._select)
        elif tag == "option" and self._select:
            self._select.options.append(value)
            if len(self._select.options) == 1 or "selected" in given:
                self._select.value = value


def read(text: str) -> Reading:
    """Read a page."""
    reader = Reader()
    reader.feed(text)
    return reader.finish()
