"""The README's pictures: drawn by the script, and of today."""

import re
import struct
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from harness.running import CHECKOUT

DRAWN = CHECKOUT / "docs" / "pictures"
SVG = "{http://www.w3.org/2000/svg}"


def test_the_map_of_the_faces_is_the_one_that_the_script_draws(tmp_path: Path) -> None:
    script = str(CHECKOUT / "scripts" / "pictures.py")
    subprocess.run([sys.executable, script, "--only", "faces", "--out", str(tmp_path)], check=True)
    assert (tmp_path / "faces.svg").read_text() == (DRAWN / "faces.svg").read_text()


def test_the_map_can_be_read_aloud_and_in_the_dark() -> None:
    root = ET.fromstring((DRAWN / "faces.svg").read_text())  # noqa: S314 - our own file
    words = " ".join(part.text or "" for part in root.iter(f"{SVG}text"))
    for part in ("Person", "Business", "Platform", "Consent page", "Match API", "The person's pages"):
        assert part in words
    assert root.findtext(f"{SVG}title")
    assert root.findtext(f"{SVG}desc")
    assert "prefers-color-scheme: dark" in (root.findtext(f"{SVG}style") or "")


@pytest.mark.parametrize("name", sorted(path.name for path in DRAWN.iterdir()))
def test_every_picture_is_shown_with_words_in_its_place(name: str) -> None:
    pages = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
    shown = re.compile(rf"!\[[^\]]+\]\((?:docs/)?pictures/{re.escape(name)}\)")
    assert [page.name for page in pages if shown.search(page.read_text())]


@pytest.mark.parametrize("name", ["consent-page.png", "objection.png", "terms.png"])
def test_the_picture_of_a_page_has_two_dots_to_the_pixel(name: str) -> None:
    width, _height = struct.unpack(">II", (DRAWN / name).read_bytes()[16:24])
    assert width == 2 * 800
