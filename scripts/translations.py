"""Collect the sentences of the pages, and compare or update the languages with them."""

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from broker.core.conditions import ACTS, CONDITIONS

BROKER = Path(__file__).resolve().parents[1] / "broker"
FOLDER = BROKER / "web" / "translations"
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
#: What marks a sentence: gettext's own names, and the failures whose text a page shows.
MARKS = (
    *("_", "gettext", "lazy_gettext"),
    *(
        "FlowBroken",
        "HandleMismatch",
        "PlatformFailed",
        "NotFound",
        "Unauthorized",
        "Forbidden",
        "Unavailable",
        "PolicyRefused",
    ),
)


def sentences() -> Iterator[str]:
    """Yield every sentence that a page can show, once."""
    found = extract_from_dir(BROKER, METHODS, keywords=dict.fromkeys(MARKS))
    marked = (message if isinstance(message, str) else message[0] for _, _, message, _, _ in found)
    yield from dict.fromkeys([*marked, *vocabulary()])


def vocabulary() -> Iterator[str]:
    """Yield the words of the terms' own vocabulary, which the core keeps and pages translate."""
    yield from ACTS.values()
    for name, condition in CONDITIONS.items():
        # The act is no condition on a page: it says what a clause is looked at for.
        yield from () if name == "act" else condition.words


def read(path: Path) -> Catalog:
    """Read one language."""
    with path.open("rb") as file:
        return read_po(file, locale=path.stem)


def update(path: Path) -> list[str]:
    """Write the language anew in the code's order; return what has no translation yet."""
    known = read(path)
    fresh = Catalog(locale=path.stem, header_comment=known.header_comment)
    for sentence in sentences():
        entry = known.get(sentence)
        fresh.add(sentence, entry.string if entry else "")
    with path.open("wb") as file:
        write_po(file, fresh, width=0, omit_header=False)
    kept = [line for line in path.read_text().splitlines() if not line.startswith(_NOISE)]
    path.write_text("\n".join(kept) + "\n")
    return [message.id for message in fresh if message.id and not message.string]


#: Header lines that change with every run.
_NOISE = tuple(
    f'"{name}' for name in ("POT-", "PO-", "Project-Id", "Last-", "Report-", "Language-Team", "Generated-By")
)

if __name__ == "__main__":
    missing = {path.stem: update(path) for path in sorted(FOLDER.glob("*.po"))}
    for language, lines in missing.items():
        print(f"{language}: {len(lines)} without a translation", *lines, sep="\n  ")
    sys.exit(1 if any(missing.values()) else 0)
