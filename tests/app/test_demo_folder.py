"""The demo's folder: wiped when it is ours, left alone when it may not be."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from app.demo import folder
from app.demo.folder import MARK, CannotDemo


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "demo"


def test_it_is_made_where_nothing_is(path: Path) -> None:
    with folder.claimed(path) as place:
        assert place.platforms.is_dir()
        assert stat.S_IMODE((path / MARK).stat().st_mode) == 0o600


def test_what_an_earlier_demo_left_is_wiped(path: Path) -> None:
    with folder.claimed(path) as place:
        place.ledger.write_text("old")
        (path / "ledger.db.locks").mkdir()
        (place.platforms / "mailman").mkdir()
    with folder.claimed(path) as place:
        assert sorted(one.name for one in path.iterdir()) == [MARK, "platforms"]
        assert not list(place.platforms.iterdir())


def test_what_is_written_stays_after_the_demo(path: Path) -> None:
    with folder.claimed(path) as place:
        place.log.write_text("kept")
    assert place.log.read_text() == "kept"


def test_foreign_files_are_not_touched(path: Path) -> None:
    with folder.claimed(path):
        pass
    (path / "thesis.odt").write_text("mine")
    with pytest.raises(CannotDemo, match=r"thesis\.odt"), folder.claimed(path):
        pass
    assert (path / "thesis.odt").read_text() == "mine"


def test_a_ledger_that_no_demo_made_is_not_touched(path: Path) -> None:
    path.mkdir(parents=True)
    (path / "ledger.db").write_text("somebody's own")
    with pytest.raises(CannotDemo, match="nothing was touched"), folder.claimed(path):
        pass
    assert [one.name for one in path.iterdir()] == ["ledger.db"]


def test_a_running_demo_keeps_its_folder(path: Path) -> None:
    with folder.claimed(path) as place:
        place.ledger.write_text("in use")
        with pytest.raises(CannotDemo, match="running"), folder.claimed(path):
            pass
        assert place.ledger.read_text() == "in use"


def test_a_link_to_somewhere_else_is_not_followed(path: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path.parent.mkdir()
    path.symlink_to(elsewhere)
    with pytest.raises(CannotDemo), folder.claimed(path):
        pass
    assert not list(elsewhere.iterdir())
