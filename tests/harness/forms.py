"""What a page asks of its reader: its forms, read as a browser without script reads them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin


@dataclass(frozen=True)
class Control:
    """One input or button of a form."""

    kind: str
    name: str
    value: str
    ticked: bool = False


@dataclass
class Form:
    """A form: where it goes, how, and what it holds."""

    action: str
    method: str
    controls: list[Control] = field(default_factory=list)

    def named(self, name: str) -> list[Control]:
        """Return the controls of one name."""
        return [control for control in self.controls if control.name == name]

    def value_of(self, name: str) -> str:
        """Return the value of the only control of that name."""
        (control,) = self.named(name)
        return control.value

    def filled(
        self, *, ticked: Collection[str] = (), button: tuple[str, str] | None = None,
        typed: Mapping[str, str] | None = None,
    ) -> list[tuple[str, str]]:  # fmt: skip
        """Return the pairs that a browser would send: hidden, typed, ticked, and the button pressed."""
        typed = typed or {}
        pairs = [
            (control.name, typed.get(control.name, control.value))
            for control in self.controls
            if control.name and _is_sent(control, ticked)
        ]
        return pairs + ([button] if button else [])


def _is_sent(control: Control, ticked: Collection[str]) -> bool:
    if control.kind in {"checkbox", "radio"}:
        return control.ticked or control.value in ticked
    return control.kind not in {"submit", "button", "reset", "image"}


class _Reader(HTMLParser):
    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.language: str | None = None
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._open: Form | None = None
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        if tag == "html":
            self.language = given.get("lang")
        elif tag == "a" and "href" in given:
            self.links.append(urljoin(self.address, given["href"]))
        elif tag == "form":
            self._open = Form(urljoin(self.address, given.get("action") or self.address),
                              given.get("method", "get").lower())  # fmt: skip
            self.forms.append(self._open)
        elif self._open is not None and tag in {"input", "button"}:
            self._open.controls.append(_control(tag, given))
        self._silent += tag in {"script", "style", "head"}

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        self._silent -= tag in {"script", "style", "head"}

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.extend(data.split())


def _control(tag: str, given: Mapping[str, str]) -> Control:
    kind = given.get("type", "submit" if tag == "button" else "text").lower()
    value = given.get("value", "on" if kind == "checkbox" else "")
    return Control(kind, given.get("name", ""), value, "checked" in given)


@dataclass(frozen=True)
class Reading:
    """A page as read: forms, links, language, tags and visible words."""

    forms: list[Form]
    links: list[str]
    language: str | None
    tags: list[tuple[str, dict[str, str]]]
    words: str


def read(address: str, html: str) -> Reading:
    """Read a page."""
    reader = _Reader(address)
    reader.feed(html)
    reader.close()
    return Reading(reader.forms, reader.links, reader.language, reader.tags, " ".join(reader.words))
