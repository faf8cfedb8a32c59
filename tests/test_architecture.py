"""The house keeps its order: what a newcomer relies on when looking for a room."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import connectors
from app.settings import PREFIX, Settings
from tests.servers import missing

ROOT = Path(__file__).parents[1]
PACKAGES = ("core", "connectors", "workers", "app")
MODULES = sorted(
    path
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if "versions" not in path.parts
)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def first_sentence(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    return " ".join(docstring.split("\n\n")[0].split()).partition(". ")[0]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_says_in_one_sentence_what_it_is_for(path: Path) -> None:
    sentence = first_sentence(path)
    assert sentence
    assert " and " not in sentence, "two modules in one?"


@pytest.mark.parametrize("platform", connectors.installed())
def test_every_platform_has_a_test_file(platform: str) -> None:
    assert (ROOT / "tests" / "connectors" / f"test_{platform.partition('-')[0]}.py").is_file()


def test_every_setting_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [
        name for name in Settings.model_fields if f"`{PREFIX}{name.upper()}`" not in readme
    ] == []


def test_importing_everything_starts_nothing() -> None:
    modules = ", ".join(
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in MODULES
        if path.name not in {"__main__.py", "env.py"}
    )
    program = (
        f"import {modules}, threading, sys; "
        "assert threading.active_count() == 1; assert not sys.modules.get('mailman')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def test_no_file_names_a_package_index_or_a_folder_of_some_machine() -> None:
    git = shutil.which("git") or missing("git")
    command = [git, "ls-files", "-z"]
    tracked = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    # Written apart, so that this file does not find itself.
    telling = ["py" + "pi.org", "python" + "hosted", "index" + "-url", "/ro" + "ot/", "/ho" + "me/"]
    found = [
        (name, word)
        for name in tracked.decode().split("\0")
        if name and (ROOT / name).is_file()
        for word in telling
        if word in (ROOT / name).read_text(errors="replace")
        and "--no-emit-" + word not in (ROOT / name).read_text(errors="replace")
    ]
    assert found == []
