"""One picture of all targets: a bar each, as far as it reaches, and the line that it should reach. No script in it."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from math import log10
from typing import Any

from benchmarks.matching.report import is_met

Target = Mapping[str, Any]
_WIDTH, _ROW, _TOP, _LEFT, _RIGHT = 960, 22, 84, 500, 70
#: The axis goes by powers of ten: from a hundredth of a target to a hundred times.
_LEAST, _MOST = 0.01, 100.0
_TICKS = ((0.01, "1/100"), (0.1, "1/10"), (1.0, "target"), (10.0, "10 times"), (100.0, "100 times"))
_STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #1b1f24; }
  .title { font-size: 16px; font-weight: 600; } .small { font-size: 11px; fill: #57606a; }
  .back { fill: #ffffff; } .grid { stroke: #d0d7de; } .aim { stroke: #1b1f24; stroke-width: 2; }
  .met { fill: #1a7f5a; } .not { fill: #c2561a; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .small { fill: #9198a1; } .back { fill: #0d1117; } .grid { stroke: #30363d; }
    .aim { stroke: #e6edf3; } .met { fill: #3fb98a; } .not { fill: #f0883e; }
  }
"""


def draw(targets: Sequence[Target], *, under: str) -> str:
    """The chart as SVG; *under* is its second line, which says what it was measured on."""
    height = _TOP + _ROW * len(targets) + 40
    met = sum(map(is_met, targets))
    said = f"{met} of {len(targets)} targets are met"
    body = [*_axis(height), *(line for at, it in enumerate(targets) for line in _bar(at, it))]
    box = f'viewBox="0 0 {_WIDTH} {height}"'
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-labelledby="title desc">',
        f'<title id="title">How far each target of matching is reached: {said}</title>',
        f'<desc id="desc">{escape("; ".join(map(_words, targets)))}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="back" width="{_WIDTH}" height="{height}"/>',
        f'<text class="title" x="16" y="28">How far each target is reached: {said}</text>',
        f'<text class="small" x="16" y="48">{escape(under)}</text>',
        *body,
        "</svg>",
        "",
    ])  # fmt: skip


def _axis(height: int) -> Iterator[str]:
    bottom = height - 34
    for value, words in _TICKS:
        x, kind = _x(value), "aim" if value == 1 else "grid"
        yield f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 8}" y2="{bottom}"/>'
        yield f'<text class="small" x="{x:.1f}" y="{_TOP - 14}" text-anchor="middle">{words}</text>'
    yield (
        f'<text class="small" x="{(_LEFT + _WIDTH - _RIGHT) / 2:.0f}" y="{height - 14}" text-anchor="middle">'
        "share of the target reached (each step is ten times), more is better</text>"
    )


def _bar(at: int, it: Target) -> Iterator[str]:
    y, end = _TOP + at * _ROW, _x(_share(it))
    kind, mark = ("met", "met") if is_met(it) else ("not", "not met")
    yield f'<text x="{_LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(_name(it))}</text>'
    long = max(1.0, end - _LEFT)
    yield f'<rect class="{kind}" x="{_LEFT}" y="{y + 4}" width="{long:.1f}" height="{_ROW - 8}" rx="2"/>'
    # Colour is not all that tells: the words stand behind the bar.
    yield f'<text class="small" x="{end + 5:.1f}" y="{y + 14}">{_share(it):.2g}, {mark}</text>'


def _share(it: Target) -> float:
    measured, wanted = max(it["measured"], 1e-9), it["wanted"]
    return float(wanted / measured if it["most"] else measured / wanted)


def _x(value: float) -> float:
    low, high = log10(_LEAST), log10(_MOST)
    within = (log10(min(max(value, _LEAST), _MOST)) - low) / (high - low)
    return _LEFT + within * (_WIDTH - _RIGHT - _LEFT)


def _name(it: Target) -> str:
    where = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}.get(it["database"], "")
    size = f" {it['links'] / 1e6:g} M" if it["links"] and it["links"] >= 100_000 else ""  # noqa: PLR2004 - in millions
    what = it["what"].replace("POST /v1/match/batch", "batch").replace("POST /v1/match", "match")
    return f"{what if len(what) < 66 else what[:64] + '…'}{f' ({where}{size})' if where else ''}"  # noqa: PLR2004


def _words(it: Target) -> str:
    aim = "at most" if it["most"] else "at least"
    return f"{_name(it)}: {it['measured']:.3g}{it['unit']}, {aim} {it['wanted']:g} is wanted"
