"""What was found, as one table in plain text: every line by its section, then every target, met or not."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measuring import table

Found = Mapping[str, Any]
_BEGIN, _END = "<!-- scripts/bench match: begin -->", "<!-- scripts/bench match: end -->"
_NOTES = (
    "CPU is of all processes that work for an answer, workers, companion and database, the load maker left out.",
    "p50 and p99 are of a request, a batch or a whole stream. A ratio is taken within each round; the median counts.",
    "Budgets are counted, and set so high that none is used up.",
    "Of the links, a match reads the pairs alone; all were made in bulk, with their MACs, without receipts and leaves.",
)


def lines(found: Found) -> Iterator[str]:
    """The whole."""
    yield from _head(found)
    rows = list(found["lines"])
    yield ""
    yield from table(_HEAD, [_row(it) for it in rows], words=3)
    yield ""
    yield from table(_TARGET_HEAD, [_target(it) for it in found["targets"]], words=3)
    yield ""
    yield from _NOTES
    yield from (f"{it['what']} ({it['database']}): {it['note']}." for it in rows if it["note"])
    yield from (f"Not measured: {why}." for why in found["left_out"])
    yield from (f"FAILED: {why}" for why in found["failed"])


def _head(found: Found) -> Iterator[str]:
    began, ended, asked = found["began"], found["ended"], found["asked"]
    yield f"match: {asked['rounds']} rounds, {asked['workers']} workers, load by {found['load_maker']}"
    yield f"{began['at']} to {ended['at']}, {began['cores']} cores, load {began['load']} then {ended['load']}"
    yield f"Python {began['python']}, SQLite {began['sqlite']}" + (
        f", PostgreSQL {found['postgresql']}" if found["postgresql"] else ""
    )
    for made in found["built"]:
        took = ", ".join(f"{name} in {seconds:.0f} s" for name, seconds in made["seconds"].items())
        yield f"{made['database']}, {made['links']:,} links: {took}, database {made['mib']:,.0f} MiB"


_HEAD = ("section", "what", "database", "links", "a second", "CPU us", "p50 ms", "p99 ms")
_TARGET_HEAD = ("section", "ratio or figure", "database", "links", "measured", "target", "")


def _row(it: Found) -> list[str]:
    figures = (_number(it["rate"]), _number(it["cpu_us"]), _number(it["p50_ms"]), _number(it["p99_ms"]))
    return [it["section"], it["what"], it["database"], _links(it), *figures]


def _target(it: Found) -> list[str]:
    wanted = f"{'at most' if it['most'] else 'at least'} {_number(it['wanted'])}{it['unit']}"
    met = "met" if is_met(it) else "NOT MET"
    return [
        it["section"],
        it["what"],
        it["database"],
        _links(it),
        f"{_number(it['measured'])}{it['unit']}",
        wanted,
        met,
    ]


def is_met(it: Found) -> bool:
    """Whether a target is reached."""
    return bool(it["measured"] <= it["wanted"] if it["most"] else it["measured"] >= it["wanted"])


def _links(it: Found) -> str:
    return f"{it['links']:,}" if it["links"] else ""


def _number(value: float | None) -> str:
    """Three figures, or all of a large number."""
    if value is None:
        return ""
    if value >= 100:  # noqa: PLR2004 - three figures
        return f"{value:,.0f}"
    return f"{value:.3g}"


def write_docs(file: Path, found: Found, command: str, chart: str | None) -> None:
    """Put the table between the marks of a page of documentation, in place of the one before."""
    text = file.read_text()
    if text.count(_BEGIN) != 1 or text.count(_END) != 1:
        raise ValueError(f"{file.name} must have one block between {_BEGIN} and {_END}")
    before, _, rest = text.partition(_BEGIN)
    after = rest.partition(_END)[2]
    file.write_text(f"{before}{_BEGIN}\n{_block(found, command, chart)}\n{_END}{after}")


def _block(found: Found, command: str, chart: str | None) -> str:
    head = list(_head(found))
    parts = [f"`{command}`", "", *(f"- {line}" for line in head), ""]
    if chart:
        parts += [f"![How far each target is reached]({chart})", ""]
    parts += [*_markdown(_TARGET_HEAD, [_target(it) for it in found["targets"]]), ""]
    parts += [*_markdown(_HEAD, [_row(it) for it in found["lines"]]), ""]
    parts += [*_NOTES, *(f"{it['what']} ({it['database']}): {it['note']}." for it in found["lines"] if it["note"])]
    return "\n".join([*parts, *(f"Not measured: {why}." for why in (*found["left_out"], *found["failed"]))])


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(row)} |"
