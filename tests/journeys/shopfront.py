"""Shops of every kind around the broker's button: pages of one's own, on two sites, with the headers one likes."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask.testing import FlaskClient

#: One machine under two names is two sites.
SHOP, BROKER = "127.0.0.1", "localhost"
COOP = {"Cross-Origin-Opener-Policy": "same-origin"}
FORM = '<form method="post" action="/start"><input type="hidden" name="csrf" value="c"><button>Plain</button></form>'
LINK = '<a href="/start?from=here">Plain</a>'
Answer = tuple[int, Mapping[str, str], str]


class Street(ThreadingHTTPServer):
    """A shop whose pages a test writes, and a broker that cuts every tie between windows, unless it is asked not to."""

    daemon_threads = True

    def __init__(self, broker: FlaskClient) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        self.started: list[dict[str, str]] = []
        answer = broker.get("/embed.js")
        self.file, self.file_headers = answer.text, dict(answer.headers)

    @property
    def shop(self) -> str:
        """The shop's address."""
        return f"http://{SHOP}:{self.server_port}"

    @property
    def broker(self) -> str:
        """The broker's address."""
        return f"http://{BROKER}:{self.server_port}"

    def answer(self, host: str, path: str, fields: dict[str, str]) -> Answer:
        """Answer a request to one of the two."""
        if host.startswith(BROKER):
            return self._ask(fields) if path == "/ask" else (200, self.file_headers, self.file)
        if path == "/start":
            self.started.append(fields)
            return 303, {"Location": f"{self.broker}/ask?{urlencode(fields)}"}, ""
        if path == "/answer":
            told = " ".join(f'{name}="{value}"' for name, value in fields.items())
            return self._page(f"<consent-link {told}><p>Your answer has arrived.</p></consent-link>")
        return self._page(self.pages[path]) if path in self.pages else (404, {}, "")

    def button(self, attributes: str = "", inside: str = FORM) -> str:
        """Return the markup of a button."""
        return f"<consent-link {attributes}>{inside}</consent-link>"

    def _ask(self, fields: dict[str, str]) -> Answer:
        popup = {"popup": fields["popup"]} if "popup" in fields else {}
        ways = "".join(
            f'<a href="{self.shop}/answer?{urlencode({"outcome": outcome, **popup})}">{outcome}</a> '
            for outcome in ("linked", "refused")
        )
        cut = {} if "loose" in fields else COOP
        return 200, {**_HTML, **cut}, f"<!doctype html><title>Broker</title><h1>Broker</h1>{ways}"

    def _page(self, written: str) -> Answer:
        script = f'<script type="module" src="{self.broker}/embed.js" crossorigin="anonymous"></script>'
        whole = written if "<html" in written else f'<!doctype html><html lang="en"><title>Shop</title>{written}</html>'
        taken_in = whole if "/embed.js" in whole else whole.replace("</title>", f"</title>{script}", 1)
        return 200, {**_HTML, **self.headers}, taken_in


_HTML = {"Content-Type": "text/html; charset=utf-8"}


class _Handler(BaseHTTPRequestHandler):
    server: Street

    def do_GET(self) -> None:
        """Answer what is asked in the address."""
        self._answer({})

    def do_POST(self) -> None:
        """Answer what is asked in a form."""
        sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._answer(dict(parse_qsl(sent)))

    def _answer(self, fields: dict[str, str]) -> None:
        address = urlsplit(self.path)
        fields = {**dict(parse_qsl(address.query)), **fields}
        status, headers, text = self.server.answer(self.headers["Host"], address.path, fields)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(text.encode()))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def open_street(broker: FlaskClient) -> Iterator[Street]:
    """Serve while the block lasts, with the broker's own file and its headers."""
    with Street(broker) as street:
        thread = threading.Thread(target=street.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield street
        finally:
            street.shutdown()
            thread.join()
