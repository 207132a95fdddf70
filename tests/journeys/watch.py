"""What a browser tells of the broker's pages while somebody walks: complaints, answers, and where it was sent."""

from urllib.parse import urlsplit

from harness import wire
from playwright.sync_api import BrowserContext, ConsoleMessage, Response, WebError

#: What every HTML answer carries, failures included. Each value must stand in the header of its name.
HEADERS = {
    "content-security-policy": ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "script-src 'self'"),
    "x-frame-options": ("DENY",),
    "x-content-type-options": ("nosniff",),
    "referrer-policy": ("no-referrer",),
    "cross-origin-opener-policy": ("same-origin",),
    "cross-origin-resource-policy": ("same-origin",),
    "cache-control": ("no-store",),
    "permissions-policy": ("camera=()",),
}
#: The terms are the same for everybody, and may be kept for a while.
FOR_ALL = {**HEADERS, "cache-control": ("public", "max-age=300")}
#: The verifier holds its own script, and nothing of the person's.
OF_ITSELF = {
    **FOR_ALL,
    "content-security-policy": (
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "script-src 'sha256-",
    ),
}


class Watch:
    """Listens to one browser context from its beginning."""

    def __init__(self, context: BrowserContext, issuer: str) -> None:
        self.issuer = issuer
        self.visited: list[str] = []
        self.complaints: list[str] = []
        self.pages: list[tuple[str, int, dict[str, str]]] = []
        context.on("console", self._hear)
        context.on("weberror", self._break)
        context.on("response", self._answer)

    def faults(self) -> list[str]:
        """Return everything that is wrong with what was seen of the broker."""
        return [*self.complaints, *(fault for page in self.pages for fault in bare_parts(*page))]

    def sent_to(self, start: str) -> dict[str, str]:
        """Return the query of the last address beneath *start* that the browser was sent to."""
        found = [url for url in self.visited if url.startswith(start)]
        if not found:
            raise AssertionError(f"the browser was never sent to {start}, only to {self.visited}")
        return wire.query_of(found[-1])

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"} or self._is_document(message):
            return
        self.complaints.append(f"{message.page.url if message.page else ''}: {message.type}: {message.text}")

    def _is_document(self, message: ConsoleMessage) -> bool:
        """Tell a page that is itself a 4xx, or not ours at all, from something that a page could not load."""
        said_at = message.location["url"]
        ours = wire.origin_of(said_at or (message.page.url if message.page else "")) == self.issuer
        return not ours or (message.text.startswith("Failed to load resource") and said_at in self.visited)

    def _break(self, error: WebError) -> None:
        self.complaints.append(str(error.error))

    def _answer(self, response: Response) -> None:
        if response.request.is_navigation_request():
            self.visited.append(response.url)
        kind = response.headers.get("content-type", "").partition(";")[0]
        if wire.origin_of(response.url) == self.issuer and kind == "text/html":
            self.pages.append((response.url, response.status, response.headers))


def is_for_all(url: str, status: int) -> bool:
    """Tell whether a page has nothing of the person's who reads it."""
    path = urlsplit(url).path
    return status < 400 and (path == "/policies" or path.startswith("/policies/"))


def expected(url: str, status: int) -> dict[str, tuple[str, ...]]:
    """Return the headers that a page must have."""
    if urlsplit(url).path == "/verify":
        return OF_ITSELF
    return FOR_ALL if is_for_all(url, status) else HEADERS


def bare_parts(url: str, status: int, headers: dict[str, str]) -> list[str]:
    """Return what an HTML answer lacks."""
    where = f"{urlsplit(url).path} ({status})"
    lacking = [
        f"{where} lacks {part!r} in {name}"
        for name, parts in expected(url, status).items()
        for part in parts
        if part not in headers.get(name, "")
    ]
    loose = [f"{where} lets {word} through" for word in ("unsafe-inline", "unsafe-eval")
             if word in headers.get("content-security-policy", "")]  # fmt: skip
    return lacking + loose
