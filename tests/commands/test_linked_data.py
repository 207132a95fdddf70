"""``broker dpv``: a receipt that was checked, as linked data."""

import json
from pathlib import Path

import pytest
from vectors.make import FOLDER, JWKS

from broker.cli import main

KEYS = ["--jwks", str(FOLDER / JWKS)]


@pytest.mark.parametrize(
    ("name", "keys", "code"),
    [("receipt-given.sd-jwt", KEYS, 0), ("bundle-given.bundle", KEYS, 0), ("receipt-refused.sd-jwt", [], 3)],
)
def test_a_receipt_that_holds_is_told(
    name: str, keys: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code == main(["dpv", str(FOLDER / name), *keys])
    told = capsys.readouterr()
    assert ("dpv:ConsentReceipt", "") == (json.loads(told.out)["@type"], told.err)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("receipt-claims-changed.sd-jwt", "step 4 (signature) failed"),
        ("bundle-longer-proof.bundle", "step 7 (inclusion) failed"),
        ("statement-given.sd-jwt", "only a consent receipt can be told"),
    ],
)
def test_what_does_not_hold_or_is_no_receipt_is_not_told(
    name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1 == main(["dpv", str(FOLDER / name), *KEYS])
    told = capsys.readouterr()
    assert ("", True) == (told.out, said in told.err)


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == main(["dpv", str(tmp_path / "none.sd-jwt")])
    assert "none.sd-jwt" in capsys.readouterr().err
