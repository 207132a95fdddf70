"""The house: what imports what, one home per effect, and code that fits on a few screens.

Each rule below is a function from source to findings, shown to find a seeded fault before it is trusted.
"""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BROKER = ROOT / "broker"
MODULES = sorted(BROKER.rglob("*.py"))
MAX_MODULE, MAX_FUNCTION = 300, 40
Function = ast.FunctionDef | ast.AsyncFunctionDef
Rule = Callable[[ast.Module], Iterator[str]]


def functions(tree: ast.AST) -> Iterator[Function]:
    """Yield every function of a module, inner ones too."""
    yield from (node for node in ast.walk(tree) if isinstance(node, Function))


def dotted(node: ast.AST) -> str:
    """Return ``a.b.c`` for names and attributes; ``?`` stands for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    return f"{dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else "?"


def uses(tree: ast.AST, pattern: str, *, imported: bool = True) -> Iterator[str]:
    """Yield names and attributes that match, and what is imported by such a name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and imported:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            names = [dotted(node)] if isinstance(node, ast.Name | ast.Attribute) else []
        yield from (f"line {node.lineno}: {name}" for name in names if re.fullmatch(pattern, name))


def commits(tree: ast.Module) -> Iterator[str]:
    """What ends or begins a transaction."""
    yield from uses(tree, r".*\.(commit|rollback)|(.*\.)?engine\.(begin|connect)", imported=False)


def clocks(tree: ast.Module) -> Iterator[str]:
    """What asks for the time; a stopwatch (``perf_counter``) is none, it knows no date."""
    yield from uses(tree, r"(.*\.)?(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|localtime|gmtime))")


def environments(tree: ast.Module) -> Iterator[str]:
    """What reads the environment."""
    yield from uses(tree, r"os\.(environ|environb|getenv|getenvb|putenv)")


def randomness(tree: ast.Module) -> Iterator[str]:
    """What draws chance."""
    yield from uses(tree, r"(secrets|random|uuid)\..*|os\.urandom")


def plain_comparisons(tree: ast.Module) -> Iterator[str]:
    """``==`` on a secret: how long it takes tells how much of a guess was right."""
    secret = re.compile(r"(?i).*(token|secret|[_.]mac|csrf|verifier|capability|signature)")
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops):
            names = [dotted(side).rpartition(".")[2] for side in (node.left, *node.comparators)]
            yield from (f"line {node.lineno}: {name}" for name in names if secret.fullmatch(name))


def long_functions(tree: ast.Module) -> Iterator[str]:
    """Functions that do not fit on a screen."""
    for function in functions(tree):
        length = (function.end_lineno or 0) - function.lineno + 1
        if length > MAX_FUNCTION:
            yield f"{function.name}: {length} lines"


def undocumented(tree: ast.Module) -> Iterator[str]:
    """Public functions, methods and classes without a docstring, and a module without its opening line."""
    if ast.get_docstring(tree) is None:
        yield "the module"
    for holder in [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]:
        private = isinstance(holder, ast.ClassDef) and holder.name.startswith("_")
        for node in holder.body:
            if isinstance(node, Function | ast.ClassDef) and not private and not node.name.startswith("_"):
                yield from [node.name] if ast.get_docstring(node) is None else []


#: Each effect, and the only files where it is at home.
HOMES: dict[str, tuple[Rule, set[str]]] = {
    "transactions": (commits, {"store/database.py"}),
    # The verifier for who has no broker starts by itself.
    "the clock": (clocks, {"app.py", "proof/__main__.py"}),
    "the environment": (environments, {"settings.py"}),
    "randomness": (randomness, {"app.py", "custody.py", "store/migrations/versions/0003_the_evidence.py"}),
}
RULES: dict[str, Rule] = {
    "no function is longer than a screen": long_functions,
    "what is public is documented": undocumented,
    "secrets are compared in constant time": plain_comparisons,
}


def name_of(path: Path) -> str:
    """Return a module's name as the tables have it."""
    return path.relative_to(BROKER).as_posix()


def found(rule: Rule, *, outside: set[str] = frozenset()) -> dict[str, list[str]]:  # type: ignore[assignment] # read only
    """Return what a rule finds in the broker, by module."""
    inside = {name: tree for name, tree in trees().items() if name not in outside}
    return {name: findings for name, tree in inside.items() if (findings := list(rule(tree)))}


@cache
def trees() -> dict[str, ast.Module]:
    """Return every module of the broker, read once for all rules."""
    return {name_of(path): ast.parse(path.read_text()) for path in MODULES}


@pytest.mark.parametrize(("rule", "homes"), HOMES.values(), ids=HOMES.keys())
def test_every_effect_has_one_home(rule: Rule, homes: set[str]) -> None:
    assert {} == found(rule, outside=homes)


@pytest.mark.parametrize(("rule", "homes"), HOMES.values(), ids=HOMES.keys())
def test_every_home_has_its_effect(rule: Rule, homes: set[str]) -> None:
    """A home without its effect is a rule that finds nothing."""
    assert homes == found(rule).keys()


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_the_code_keeps_the_rule(rule: Rule) -> None:
    generated = {name_of(path) for path in MODULES if "migrations" in path.parts}
    assert {} == found(rule, outside=generated)


def test_no_module_is_longer_than_a_few_screens() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {} == {name: length for name, length in lengths.items() if length > MAX_MODULE}


FAULTS: dict[str, tuple[Rule, str]] = {
    "a commit": (commits, "def f(tx):\n    tx.commit()"),
    "a transaction of one's own": (commits, "with database.engine.begin() as tx: pass"),
    "the time": (clocks, "import datetime\nx = datetime.datetime.now()"),
    "the time under its own name": (clocks, "from time import time"),
    "today": (clocks, "x = date.today()"),
    "the environment": (environments, "import os\nx = os.environ['A']"),
    "the environment imported": (environments, "from os import getenv"),
    "a random number": (randomness, "import random\nx = random.random()"),
    "a secret of one's own": (randomness, "from secrets import token_urlsafe"),
    "a random name": (randomness, "import uuid\nx = uuid.uuid4()"),
    "bytes from the system": (randomness, "x = os.urandom(3)"),
    "a token compared": (plain_comparisons, "x = given == row.access_token"),
    "a form's token compared": (plain_comparisons, "if csrf != expected: pass"),
    "a long function": (long_functions, "def f():\n" + "    x = 1\n" * 40),
    "a long inner function": (long_functions, "def f():\n  def g():\n" + "    x = 1\n" * 40),
    "a function without a word": (undocumented, '"""M."""\ndef f(): pass'),
    "a method without a word": (undocumented, '"""M."""\nclass C:\n  """C."""\n  def f(self): pass'),
    "a module without a word": (undocumented, "x = 1"),
}


@pytest.mark.parametrize(("rule", "source"), FAULTS.values(), ids=FAULTS.keys())
def test_a_rule_finds_the_fault_it_is_made_for(rule: Rule, source: str) -> None:
    assert list(rule(ast.parse(source)))


def test_no_template_trusts_what_it_is_given() -> None:
    templates = sorted((BROKER / "web" / "templates").glob("*.html"))
    assert templates
    assert [] == [path.name for path in templates if re.search(r"\|\s*safe\b|autoescape\s+false", path.read_text())]
    assert {} == found(lambda tree: uses(tree, r"(.*\.)?(Markup|render_template_string)"))


def contracts(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the checkout or a copy of it."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Give a copy of the broker that a test may spoil."""
    shutil.copytree(BROKER, tmp_path / "broker", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_import_contracts_hold() -> None:
    done = contracts(ROOT)
    assert 0 == done.returncode, done.stdout


IMPORTS = {
    "core reads a clock": ("core/decide.py", "import time", "The rules touch nothing"),
    "core looks at the store": ("core/decide.py", "from broker.store import clients", "Imports point one way"),
    "proof looks at the store": ("proof/verify.py", "from broker.store import clients", "Imports point one way"),
    "proof needs pydantic": ("proof/verify.py", "import pydantic", "Evidence needs no server"),
    "a verb writes SQL": ("actions/sign_in.py", "import sqlalchemy", "Rows live in the store"),
    "the store answers requests": ("store/clients.py", "import flask", "Flask is a matter of the faces"),
    "a verb counts by itself": ("actions/sign_in.py", "import prometheus_client", "What is counted has one home"),
    "a face brings the extra": ("web/home.py", "import opentelemetry", "Tracing is an extra"),
    "a face speaks Authlib": ("web/home.py", "import authlib", "Authlib stays"),
    "oauth looks at the faces": ("oauth/tokens.py", "from broker.web import home", "Imports point one way"),
}


@pytest.mark.parametrize(("module", "line", "contract"), IMPORTS.values(), ids=IMPORTS.keys())
def test_an_import_against_the_contracts_is_found(copy: Path, module: str, line: str, contract: str) -> None:
    path = copy / "broker" / module
    path.write_text(path.read_text() + f"\n{line}\n")
    done = contracts(copy)
    assert 1 == done.returncode, done.stdout
    assert re.search(rf"{contract}.* BROKEN", done.stdout)


#: What names a machine: folders that only one has, and hosts that packages came from.
MACHINE = re.compile(
    r"(?<![\w.$}])/(?:work|root|home|Users)/[\w.-]+|(?<![\w.$}])/tm" + r"p/\w+|py" + r"pi\.org|npm" + r"js\.org"
)
SKIPPED = re.compile(r"\.git|\.venv|node_modules|var|dist|build|\.hypothesis|__pycache__|.*_cache")


def committed() -> Iterator[Path]:
    """Yield the checkout's text files, without what git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    names = listed.stdout.split("\0") if listed.returncode == 0 else [str(it) for it in ROOT.rglob("*")]
    for path in (ROOT / name for name in names if name):
        if path.is_file() and not any(SKIPPED.fullmatch(part) for part in path.relative_to(ROOT).parts):
            yield path


def machines(text: str) -> list[str]:
    """Name what only one machine has."""
    return MACHINE.findall(text)


def test_no_file_names_the_machine_it_was_written_on() -> None:
    texts = {path.relative_to(ROOT).as_posix(): path.read_bytes().decode(errors="ignore") for path in committed()}
    assert "broker/app.py" in texts
    assert {} == {name: names for name, text in texts.items() if (names := machines(text))}


@pytest.mark.parametrize("folders", [("home", "jane", "broker"), ("tm" + "p", "broker"), ("root", ".cache")])
def test_a_path_of_a_machine_is_noticed(folders: tuple[str, ...]) -> None:
    path = "/" + "/".join(folders)
    assert [True, True] == [bool(machines(text)) for text in (f'"{path}"', f"cd {path}")]
