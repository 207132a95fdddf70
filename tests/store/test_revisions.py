"""The names of migrations are what Alembic takes them for: a start reads the names alone."""

from __future__ import annotations

from alembic.script import ScriptDirectory

from broker.store.migrating import _config, _revisions


def test_the_files_names_tell_the_revisions_in_their_order() -> None:
    known = ScriptDirectory.from_config(_config()).walk_revisions()
    assert tuple(script.revision for script in known) == _revisions()
