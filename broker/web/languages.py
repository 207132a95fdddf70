"""The languages of the pages: one ``.po`` file each, read as it is. A further language is one more file."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, request
from flask_babel import Babel, Domain, get_locale

FOLDER = Path(__file__).parent / "translations"
SOURCE = "en"
#: Written from right to left.
_RIGHT_TO_LEFT = {"ar", "fa", "he", "ur"}


class Catalogs(Domain):  # type: ignore[misc] # Flask-Babel is untyped
    """Every ``.po`` file of a folder, compiled in memory at start."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.catalogs = {path.stem: _compiled(path) for path in sorted(folder.glob("*.po"))}

    def get_translations(self) -> NullTranslations:
        """The catalog of the page's language; the source's words where there is none."""
        return self.catalogs.get(str(get_locale()), NullTranslations())

    @property
    def languages(self) -> list[str]:
        """What a page can be shown in."""
        return [SOURCE, *self.catalogs]


class _Babel(Babel):  # type: ignore[misc] # Flask-Babel is untyped
    """Flask-Babel on these catalogs."""

    def __init__(self, catalogs: Catalogs) -> None:
        super().__init__()
        self.catalogs = catalogs

    @property
    def domain_instance(self) -> Catalogs:
        """Where every page finds its words."""
        return self.catalogs


def speak(app: Flask) -> None:
    """Let the pages speak the person's language."""
    catalogs = Catalogs(FOLDER)
    _Babel(catalogs).init_app(app, default_locale=SOURCE, locale_selector=lambda: _selected(catalogs.languages))
    app.extensions.update(languages=catalogs.languages, catalogs=catalogs.catalogs)
    app.jinja_env.globals.update(language=language, direction=direction)


def prefer(locale: str | None) -> None:
    """Let this request speak *locale*, where we can."""
    g.locale = locale


def language() -> str:
    """The page's language, as a BCP 47 tag."""
    return str(get_locale()).replace("_", "-")


def direction() -> str:
    """``rtl`` or ``ltr``, of the page."""
    return direction_of(language())


def direction_of(code: str) -> str:
    """``rtl`` or ``ltr``, of a language."""
    return "rtl" if code.replace("_", "-").split("-")[0] in _RIGHT_TO_LEFT else "ltr"


def _selected(languages: list[str]) -> str:
    wanted = request.args.get("lang") or g.get("locale")
    if wanted and wanted.replace("_", "-").split("-")[0].lower() in languages:
        return wanted.replace("_", "-").split("-")[0].lower()
    return request.accept_languages.best_match(languages) or SOURCE


def _compiled(path: Path) -> Translations:
    with path.open("rb") as file:
        catalog = read_po(file, locale=path.stem)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Translations(compiled)
