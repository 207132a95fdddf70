"""A person's browser, small enough to be lied to: redirects and cookies by hand, every answer kept."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from http.cookies import Morsel, SimpleCookie
from urllib.parse import urljoin, urlsplit

import requests

from harness import wire
from harness.forms import Form, Reading, read

_MOST_STEPS = 12


@dataclass(frozen=True)
class Page:
    """Where the browser came to rest: a page, or the address of a place that it does not visit."""

    url: str
    answer: requests.Response

    @property
    def status(self) -> int:
        """The status of the last answer."""
        return self.answer.status_code

    @property
    def left(self) -> bool:
        """Whether the last answer sent the browser away to a place that it does not visit."""
        return 300 <= self.status < 400

    @cached_property
    def reading(self) -> Reading:
        """The page's forms, links and words."""
        return read(self.url, self.answer.text)

    @property
    def words(self) -> str:
        """The visible words."""
        return self.reading.words

    @property
    def form(self) -> Form:
        """The page's only form."""
        (form,) = self.reading.forms
        return form

    @property
    def query(self) -> dict[str, str]:
        """The query of the address where the browser came to rest."""
        return wire.query_of(self.url)


class Browser:
    """Cookies as browsers keep them for a host, `__Host-` rules kept, Fetch Metadata sent."""

    def __init__(self, *visits: str, language: str = "en") -> None:
        self.visits = set(visits)
        self.language = language
        self.cookies: dict[str, str] = {}
        self.answers: list[requests.Response] = []
        self._session = requests.Session()
        self._session.trust_env = False

    def close(self) -> None:
        """Close the browser's connections."""
        self._session.close()

    @property
    def cookie_line(self) -> str:
        """The Cookie header that this browser sends."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def open(self, url: str, *, headers: Mapping[str, str] | None = None, follow: bool = True) -> Page:
        """Open an address, as from a link on another site."""
        site = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        answer = self._send("GET", url, headers={**site, **(headers or {})})
        return self._arrive(url, answer) if follow else Page(url, answer)

    def submit(
        self, form: Form, *, ticked: Collection[str] = (), button: tuple[str, str] | None = None,
        typed: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None,
    ) -> Page:  # fmt: skip
        """Send a form as its page would."""
        return self.post(form.action, form.filled(ticked=ticked, button=button, typed=typed), headers=headers)

    def post(self, url: str, pairs: list[tuple[str, str]], *, headers: Mapping[str, str] | None = None) -> Page:
        """Send pairs to an address, as from a page of the same origin unless headers say otherwise."""
        sent = {
            "Origin": "null",  # what browsers send from a page whose Referrer-Policy is no-referrer
            "Sec-Fetch-Site": "same-origin",
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": "document",
        }
        return self._arrive(url, self._send("POST", url, headers={**sent, **(headers or {})}, data=pairs))

    def _arrive(self, url: str, answer: requests.Response) -> Page:
        for _ in range(_MOST_STEPS):
            if not answer.is_redirect:
                return Page(url, answer)
            url = urljoin(url, answer.headers["Location"])
            if wire.origin_of(url) not in self.visits:
                return Page(url, answer)
            answer = self._send("GET", url, headers={"Sec-Fetch-Site": "cross-site"})
        raise AssertionError(f"redirects without end, last to {url}")

    def _send(
        self, method: str, url: str, *, headers: Mapping[str, str], data: list[tuple[str, str]] | None = None
    ) -> requests.Response:
        sent = {"Accept": "text/html", "Accept-Language": self.language, **headers}
        if self.cookies:
            sent["Cookie"] = self.cookie_line
        self._session.cookies.clear()
        answer = self._session.request(
            method, url, headers=sent, data=data, allow_redirects=False, timeout=wire.DEADLINE
        )
        self.answers.append(answer)
        self._keep(answer)
        return answer

    def _keep(self, answer: requests.Response) -> None:
        for line in set_cookie_lines(answer):
            for name, morsel in SimpleCookie(line).items():
                self._keep_one(name, morsel)

    def _keep_one(self, name: str, morsel: "Morsel[str]") -> None:
        if name.startswith("__Host-") and not _is_host_bound(morsel):
            return
        if morsel["max-age"] == "0" or "1970" in morsel["expires"]:
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = morsel.value


def _is_host_bound(morsel: "Morsel[str]") -> bool:
    return bool(morsel["secure"]) and morsel["path"] == "/" and not morsel["domain"]


def set_cookie_lines(answer: requests.Response) -> list[str]:
    """Return the Set-Cookie headers of an answer, one a line."""
    lines: list[str] = answer.raw.headers.getlist("Set-Cookie")
    return lines


def path_of(url: str) -> str:
    """Return the path of an address."""
    return urlsplit(url).path


def explains(page: Page) -> bool:
    """Tell whether a refusal is a page for people: in a language, with a main part, and words in it."""
    kind = page.answer.headers.get("Content-Type", "").split(";")[0]
    has_main = any(tag == "main" for tag, _ in page.reading.tags)
    return kind == "text/html" and bool(page.reading.language) and has_main and len(page.words) > 20
