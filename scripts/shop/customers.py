"""The shop's customers, and what a customer has linked; kept in one file, as befits a shop of this size."""

import json
import secrets
import threading
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Link:
    """What came back with a consent."""

    grant_id: str
    account_id: str
    handle: str
    purposes: tuple[str, ...]
    valid_until: str
    receipt: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Disclosure:
    """What a customer was told when she gave her handle: the paper's address, its version, its SHA-256."""

    url: str
    version: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Customer:
    """One customer of the shop; ``signed_up`` is a day, ``told`` what stood in the papers on it."""

    id: str
    name: str
    email: str
    handle: str = ""
    signed_up: str = ""
    told: Disclosure | None = None
    link: Link | None = None

    @property
    def gave_handle(self) -> bool:
        """Whether the handle is all there is, and it is known what she was told when she gave it."""
        return bool(self.handle and self.told) and self.link is None


class Customers:
    """Everybody with an account at the shop."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._customers: dict[str, Customer] = {}
        if file.exists():
            kept = json.loads(file.read_text("utf-8"))
            self._customers = {entry["id"]: read_customer(entry) for entry in kept}

    def find(self, customer_id: str) -> Customer | None:
        """Return a customer by id."""
        return self._customers.get(customer_id)

    def sign_up(self, *, name: str, email: str, handle: str, told: Disclosure) -> Customer:
        """Open an account, or the one that this address has: a demo shop keeps no passwords."""
        today = datetime.now(UTC).date().isoformat()
        with self._lock:
            known = next((one for one in self._customers.values() if one.email.lower() == email.lower()), None)
            customer = Customer(
                id=known.id if known else secrets.token_hex(8),
                name=name,
                email=email,
                handle=handle,
                signed_up=today,
                told=told,
                link=known.link if known else None,
            )
            return self._keep(customer)

    def set_link(self, customer_id: str, link: Link | None) -> None:
        """Keep what was linked, or forget it."""
        with self._lock:
            self._keep(replace(self._customers[customer_id], link=link))

    def forget(self, grant_id: str) -> None:
        """Forget what was linked by one grant, whoever linked it."""
        with self._lock:
            for customer in list(self._customers.values()):
                if customer.link and customer.link.grant_id == grant_id:
                    self._keep(replace(customer, link=None))

    def _keep(self, customer: Customer) -> Customer:
        self._customers[customer.id] = customer
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps([asdict(one) for one in self._customers.values()], indent=1), "utf-8")
        draft.replace(self._file)
        return customer


def read_customer(entry: dict[str, Any]) -> Customer:
    """Read one customer back from the file."""
    link, told = entry["link"], entry.get("told")  # a file of an earlier shop says nothing of what was told
    return Customer(
        **{
            **entry,
            "told": Disclosure(**told) if told else None,
            "link": Link(**{**link, "purposes": tuple(link["purposes"])}) if link else None,
        }
    )
