"""A file is cut into whole lines, all of them, and can be cut from behind any chunk."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.files import lines as module
from broker.files.lines import MAX_LINE, Chunk, cut, split_lines

texts = st.lists(st.sampled_from([b"", b"a", b"bb\r", b'"c', b"d" * 40]), max_size=30)


def chunks_of(raw: bytes, size: int = 3, *, at: int = 0, first: int = 1) -> list[Chunk]:
    """Every chunk of a file."""
    file = BytesIO(raw)
    file.seek(at)
    return list(cut(file, size, first=first, at=at))


@given(lines=texts, ended=st.booleans(), size=st.integers(1, 7), block=st.sampled_from([1, 3, 64, 4096]))
def test_chunks_hold_every_line_once_and_in_order(lines: list[bytes], size: int, block: int, *, ended: bool) -> None:
    raw = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK", block)
        chunks = chunks_of(raw, size)
    assert raw == b"".join(chunk.raw for chunk in chunks)
    counts = [len(split_lines(chunk.raw)) for chunk in chunks]
    assert [size] * (len(counts) - 1) == counts[:-1]
    assert all(1 <= count <= size + 1 for count in counts)
    assert [1 + sum(counts[:at]) for at in range(len(counts))] == [chunk.first for chunk in chunks]


@given(lines=texts, size=st.integers(1, 7))
def test_what_is_behind_a_chunk_is_cut_as_it_would_have_been(lines: list[bytes], size: int) -> None:
    raw = b"\n".join(lines)
    chunks = chunks_of(raw, size)
    for done, chunk in enumerate(chunks, 1):
        first = chunk.first + len(split_lines(chunk.raw))
        assert chunks[done:] == chunks_of(raw, size, at=chunk.end, first=first)


@pytest.mark.parametrize("ended", [True, False])
def test_a_line_without_an_end_is_cut_short_and_spoils_no_other(
    monkeypatch: pytest.MonkeyPatch, *, ended: bool
) -> None:
    monkeypatch.setattr(module, "MAX_CHUNK", 4 * MAX_LINE)
    monkeypatch.setattr(module, "_BLOCK", MAX_LINE)
    raw = b"first\n" + b"x" * (20 * MAX_LINE) + (b"\nlast\nand one\n" if ended else b"")
    chunks = chunks_of(raw, 5)
    lines = [line for chunk in chunks for line in split_lines(chunk.raw)]
    assert [b"first", b"x" * (MAX_LINE + 1), *([b"last", b"and one"] if ended else [])] == lines
    assert len(raw) == chunks[-1].end
    assert [1, 2, *([3] if ended else [])] == [chunk.first for chunk in chunks]
    assert all(len(chunk.raw) <= 6 * MAX_LINE for chunk in chunks)
