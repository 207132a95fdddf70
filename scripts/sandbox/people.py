"""The made-up people: a permanent id never moves, a handle may be given up and taken by another."""

import json
import re
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path

# The platform's own grammar, ASCII only: \w would let in look-alikes from other alphabets.
MARKS = ("active", "protected", "suspended")
HANDLE = re.compile(r"[A-Za-z0-9_]{1,15}")


@dataclass(frozen=True, kw_only=True)
class Person:
    """One account at the platform."""

    id: str
    username: str
    name: str
    description: str = ""
    protected: bool = False
    active: bool = True
    suspended: bool = False

    @property
    def there(self) -> bool:
        """Whether others see the account at all."""
        return self.active and not self.suspended


class HandleRefusedError(Exception):
    """A handle that nobody can have, or that somebody has."""


# The longest and the shortest id, a private account, and a name that a careless page would print as markup.
FIRST_PEOPLE = (
    Person(id="2244994945", username="XDevelopers", name="Developers", description="Building things."),
    Person(id="1234567890123456789", username="johndoe", name="John Doe", description="Coffee and trains."),
    Person(id="987654321", username="jane_doe", name="Jane Doe", description="Gardener."),
    Person(id="1780000000000000042", username="mustermann", name="Erika Mustermann", protected=True),
    Person(id="55501", username="li_wei", name="Li Wei"),
    Person(id="1690000000000000007", username="zoe_writes", name="Zoë <b>Ohara</b>"),
    Person(id="1450000000000000314", username="ana_pires", name="Ana Pires", description="Tulips."),
)


class People:
    """Everybody the sandbox knows, kept in a file when one is named."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._released: list[str] = []
        self._people = {person.id: person for person in FIRST_PEOPLE}
        if file and file.exists():
            self._read(file)

    def everybody(self) -> list[Person]:
        """Return all accounts, deactivated ones too."""
        return list(self._people.values())

    def present(self) -> list[Person]:
        """Return the accounts that can sign in."""
        return [person for person in self.everybody() if person.there]

    def released(self) -> list[str]:
        """Return handles that somebody gave up and nobody has taken since."""
        return list(self._released)

    def find(self, person_id: str) -> Person | None:
        """Return the account with this permanent id, if it can sign in."""
        person = self._people.get(person_id)
        return person if person and person.there else None

    def look_up(self, person_id: str) -> Person | None:
        """Return the account with this permanent id, whatever has become of it."""
        return self._people.get(person_id)

    def rename(self, person_id: str, handle: str) -> None:
        """Give an account another handle; its old one is free from then on."""
        wanted = handle.strip().removeprefix("@")
        with self._lock:
            person = self._people.get(person_id)
            if person is None:
                raise HandleRefusedError("There is no such account.")
            self._refuse_unfit(wanted, person_id)
            self._released = [old for old in self._released if old.lower() != wanted.lower()]
            if person.username.lower() != wanted.lower():
                self._released.append(person.username)
            self._people[person_id] = replace(person, username=wanted)
            self._write()

    def set_mark(self, person_id: str, name: str, *, on: bool) -> None:
        """Change what an account is: active or not, protected, suspended; it keeps its handle meanwhile."""
        with self._lock:
            if person_id in self._people and name in MARKS:
                self._people[person_id] = replace(self._people[person_id], **{name: on})
                self._write()

    def _refuse_unfit(self, wanted: str, person_id: str) -> None:
        if not HANDLE.fullmatch(wanted):
            raise HandleRefusedError("A handle is 1 to 15 letters, digits or underscores.")
        for other in self._people.values():
            if other.id != person_id and other.username.lower() == wanted.lower():
                raise HandleRefusedError(f"@{wanted} belongs to {other.name}. Rename that account first.")

    def _read(self, file: Path) -> None:
        kept = json.loads(file.read_text("utf-8"))
        self._people = {entry["id"]: Person(**entry) for entry in kept["people"]}
        self._released = kept["released"]

    def _write(self) -> None:
        if self._file is None:
            return
        kept = {"people": [asdict(person) for person in self._people.values()], "released": self._released}
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps(kept, ensure_ascii=False, indent=1), "utf-8")
        draft.replace(self._file)
