"""What is delivered: a wheel that is the same each time, pins that name nothing but files."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from tests.servers import missing

ROOT = Path(__file__).parents[1]
PACKAGES = ("app", "connectors", "core", "workers")
LISTS = sorted((ROOT / "requirements").glob("*.txt"))
HASH = "--hash=sha256:" + "a" * 64
EPOCH = "1764000000"
INDEX = "--extra-index" + "-url"  # apart: no file of ours names one


@pytest.fixture(scope="module")
def supply() -> ModuleType:
    spec = spec_from_file_location("supply", ROOT / "requirements" / "supply.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def built(folder: Path, mask: int) -> Path:
    """A wheel of the files that belong here, as they are."""
    git = shutil.which("git") or missing("git")
    command = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    tracked = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    before = os.umask(mask)
    try:
        for name in filter(None, tracked.decode().split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, folder / name)
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "--target", "wheel"],
            cwd=folder,
            env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH},
            capture_output=True,
            check=True,
        )
    finally:
        os.umask(before)
    [wheel] = (folder / "dist").glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("once"), 0o022)


def test_a_wheel_holds_the_four_packages_and_all_that_they_read(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
        metadata = opened.read("courseflow_sync-0.1.0.dist-info/METADATA").decode()
    inside = {name for name in names if not name.startswith("courseflow_sync-")}
    assert {name.partition("/")[0] for name in inside} == set(PACKAGES)
    here = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert inside == here
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    assert any(name.endswith(".html") and "/templates/" in name for name in names)
    assert any(name.startswith("core/migrations/ledger/versions/0001") for name in names)
    assert any(name.startswith("core/migrations/safe/versions/0001") for name in names)
    assert not [name for name in names if "tests" in Path(name).parts or "bench" in name.split("/")]
    assert "Requires-Dist: httpx" in metadata


def test_the_same_files_make_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """In another folder, at another time, by somebody with other habits."""
    other = built(tmp_path / "another folder", 0o077)
    assert sum_of(other) == sum_of(wheel)


def sum_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.name)
def test_pins_name_each_file_by_its_hash_and_no_index(path: Path, supply: ModuleType) -> None:
    assert len(list(supply.blocks(path.read_text()))) > 3
    assert list(supply.flaws(path.name, path.read_text())) == []


@pytest.mark.parametrize(
    "text",
    [
        "httpx==0.28.1",
        f"httpx>=0.28.1 \\\n    {HASH}",
        f"-i https://index.example.test/simple\nhttpx==0.28.1 \\\n    {HASH}",
        f"{INDEX} https://index.example.test\nhttpx==0.28.1 \\\n    {HASH}",
        f"--find-links ./wheels\nhttpx==0.28.1 \\\n    {HASH}",
        f"httpx @ https://files.example.test/httpx.whl \\\n    {HASH}",
        f"httpx==0.28.1 \\\n    {HASH}\nidna==3.20",
        "httpx==0.28.1 \\\n    --hash=md5:d41d8cd98f00b204e9800998ecf8427e",
    ],
)
def test_pins_that_leave_something_open_are_found(text: str, supply: ModuleType) -> None:
    assert list(supply.flaws("some.txt", text))


def test_what_nobody_could_ask_about_is_never_called_sound(
    supply: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = {"name": "httpx", "version": "0.28.1", "vulns": []}
    unasked = {"name": "idna", "skip_reason": "not found"}
    hole = {"name": "idna", "version": "3.20", "vulns": [{"id": "INVENTED-1"}]}
    monkeypatch.setattr(supply, "asked", lambda _: [sound])
    assert supply.audit() == "no known hole in 1 packages"

    def silent(of: str) -> Callable[[Path], list[object]]:
        return lambda path: [] if path.name == of else [sound]

    for asked in (lambda _: [sound, unasked], lambda _: [], silent("mailman.txt")):
        monkeypatch.setattr(supply, "asked", asked)
        monkeypatch.delenv("AUDIT", raising=False)
        assert supply.audit().startswith("NOT AUDITED")
        monkeypatch.setenv("AUDIT", "required")
        with pytest.raises(supply.Wrong, match="NOT AUDITED"):
            supply.audit()
    monkeypatch.setattr(supply, "asked", lambda _: [sound, hole])
    with pytest.raises(supply.Wrong, match="INVENTED-1"):
        supply.audit()
