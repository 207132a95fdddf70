"""A browser of a few lines: it follows redirects, keeps cookies and sends forms, and shows nothing."""

from dataclasses import dataclass, field
from http.cookies import Morsel, SimpleCookie
from urllib.parse import urljoin, urlsplit

import requests

from demonstration.forms import Form, Reading, read

TIMEOUT = 30
MOST_HOPS = 12
EXCERPT = 400


class BrowserError(Exception):
    """A page that is not what the visitor expected."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """What stands before the visitor."""

    address: str
    status: int
    text: str
    content: bytes = field(repr=False)
    trail: tuple[str, ...]

    @property
    def reading(self) -> Reading:
        """The page's words and forms."""
        return read(self.text)

    @property
    def words(self) -> str:
        """What the page says."""
        return self.reading.words

    def form(self, *, button: str = "", action: str = "") -> Form:
        """Return the one form with such a button and such an address."""
        fits = [form for form in self.reading.forms if action in form.action and form.has_button(button)]
        if len(fits) != 1:
            raise BrowserError(f"expected one form with the button {button!r}, found {len(fits)}")
        return fits[0]

    def excerpt(self) -> str:
        """Return where this is, with which status, and the beginning of what it says."""
        return f"HTTP {self.status} at {self.address}\n{self.words[:EXCERPT]}"


class Browser:
    """One visitor's browser.

    Chromium sends Secure cookies over http to loopback and requests does not: they are kept by hand.
    """

    def __init__(self, language: str = "en") -> None:
        self._language = language
        self._cookies: dict[tuple[str, str], str] = {}
        self.page: Page | None = None

    def open(self, address: str) -> Page:
        """Go to an address."""
        return self._go("GET", address, None)

    def send(self, form: Form, *, choice: str = "", **filled: str | list[str]) -> Page:
        """Fill a form in, press a button and go where that leads."""
        if self.page is None:
            raise BrowserError("no page is open")
        target = urljoin(self.page.address, form.action or self.page.address)
        return self._go(form.method, target, form.fill(choice=choice, filled=filled))

    def _go(self, method: str, address: str, fields: list[tuple[str, str]] | None) -> Page:
        trail = [address]
        for _ in range(MOST_HOPS):
            reply = self._request(method, address, fields)
            if not reply.is_redirect:
                self.page = Page(
                    address=address, status=reply.status_code, text=reply.text, content=reply.content,
                    trail=tuple(trail),
                )  # fmt: skip
                return self.page
            method, fields = "GET", None
            address = urljoin(address, reply.headers["Location"])
            trail.append(address)
        raise BrowserError(f"more than {MOST_HOPS} redirects, the last to {address.split('?')[0]}")

    def _request(self, method: str, address: str, fields: list[tuple[str, str]] | None) -> requests.Response:
        host = urlsplit(address).hostname or ""
        cookies = "; ".join(f"{name}={value}" for (owner, name), value in self._cookies.items() if owner == host)
        headers = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": self._language}
        if cookies:
            headers["Cookie"] = cookies
        if method == "POST":
            headers["Origin"] = "{0.scheme}://{0.netloc}".format(urlsplit(address))
        with requests.Session() as session:
            session.trust_env = False
            reply = session.request(
                method, address, data=fields, headers=headers, allow_redirects=False, timeout=TIMEOUT
            )
        self._keep(host, reply)
        return reply

    def _keep(self, host: str, reply: requests.Response) -> None:
        for line in reply.raw.headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                if name.startswith("__Host-") and not is_bound_to_host(morsel):
                    raise BrowserError(f"a browser would refuse the cookie {name}")
                self._cookies[host, name] = morsel.value
                if morsel["max-age"] == "0" or "1970" in morsel["expires"]:
                    del self._cookies[host, name]


def is_bound_to_host(morsel: "Morsel[str]") -> bool:
    """Tell whether a cookie keeps what its __Host- name promises (RFC 6265bis section 4.1.3.2)."""
    return bool(morsel["secure"]) and morsel["path"] == "/" and not morsel["domain"]
