"""Documents on disk: each platform's terms once, and the strictest for a platform without any."""

import hashlib
from pathlib import Path

import pytest

from broker.errors import PolicyDefect
from broker.policies import FALLBACK, SHIPPED, load_policies, load_policy

SHIPPED_X = SHIPPED / "x-developer-terms.toml"


def test_a_document_is_named_by_the_digest_of_its_bytes() -> None:
    expected = "sha256:" + hashlib.sha256(SHIPPED_X.read_bytes()).hexdigest()
    assert expected == load_policy(SHIPPED_X).ref.digest


def test_a_changed_comment_is_another_digest(tmp_path: Path) -> None:
    changed = tmp_path / "some-terms.toml"
    changed.write_bytes(SHIPPED_X.read_bytes() + b"# one more line\n")
    assert load_policy(SHIPPED_X).ref.digest != load_policy(changed).ref.digest


def test_a_platform_has_its_own_document_and_others_the_fallback(tmp_path: Path) -> None:
    shipped = SHIPPED_X.read_text()
    (tmp_path / "x-terms.toml").write_text(shipped)
    (tmp_path / "y-terms.toml").write_text(shipped.replace('platform = "x"', 'platform = "y"').replace('"x-', '"y-', 1))
    policies = load_policies(tmp_path)
    assert ("y-developer-terms", "x-developer-terms") == (
        policies.governing("y").ref.id,
        policies.governing("a platform without terms").ref.id,
    )


def test_two_documents_for_one_platform_are_refused(tmp_path: Path) -> None:
    for name in ("one-terms.toml", "two-terms.toml"):
        (tmp_path / name).write_bytes(SHIPPED_X.read_bytes())
    with pytest.raises(PolicyDefect, match="two documents for one platform"):
        load_policies(tmp_path)


def test_a_folder_without_the_fallback_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyDefect, match=f"no document for '{FALLBACK}'"):
        load_policies(tmp_path)


NOT_TOML = {"no TOML": b"id = ", "no UTF-8": b'id = "\xff"', "a name twice": b'id = "a"\nid = "b"\n'}


@pytest.mark.parametrize("raw", NOT_TOML.values(), ids=NOT_TOML.keys())
def test_what_is_not_toml_is_refused_by_name(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "some-terms.toml").write_bytes(raw)
    with pytest.raises(PolicyDefect, match=r"some-terms\.toml is not TOML"):
        load_policies(tmp_path)


def test_a_defect_names_the_document(tmp_path: Path) -> None:
    (tmp_path / "some-terms.toml").write_bytes(SHIPPED_X.read_bytes().replace(b"[[clause]]", b"[[rule]]"))
    with pytest.raises(PolicyDefect, match=r"some-terms\.toml: the document has the unknown key 'rule'"):
        load_policies(tmp_path)
