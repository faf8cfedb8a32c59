"""Without a good key file nothing starts, and the message says what to do."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest

from core import keyfile
from core.keyfile import BadKeyFile

GOOD = base64.b64encode(b"k" * 32).decode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "key.json"


def written(path: Path, content: str | bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def test_a_fresh_key_file_is_its_owners_only_and_loads(path: Path) -> None:
    keyfile.create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(keyfile.load(path)) == [1]


def test_two_key_files_never_hold_the_same_key(tmp_path: Path) -> None:
    for name in ("a", "b"):
        keyfile.create(tmp_path / name)
    assert keyfile.load(tmp_path / "a") != keyfile.load(tmp_path / "b")


def test_the_folder_of_a_new_key_file_is_made(tmp_path: Path) -> None:
    keyfile.create(tmp_path / "var" / "keys" / "key.json")
    assert keyfile.load(tmp_path / "var" / "keys" / "key.json")


def test_an_existing_key_file_is_never_overwritten(path: Path) -> None:
    keyfile.create(path)
    before = path.read_bytes()
    with pytest.raises(BadKeyFile, match="choose another name"):
        keyfile.create(path)
    assert path.read_bytes() == before


def test_a_key_file_that_cannot_be_written_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadKeyFile, match="cannot be written"):
        keyfile.create(tmp_path / "file" / "keys" / "key.json")


def test_a_missing_key_file_says_how_to_make_one(path: Path) -> None:
    with pytest.raises(BadKeyFile, match="courseflow-sync key create"):
        keyfile.load(path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o620, 0o610, 0o601])
def test_a_key_file_that_others_can_touch_is_refused(path: Path, mode: int) -> None:
    with pytest.raises(BadKeyFile, match="chmod 600"):
        keyfile.load(written(path, json.dumps({"1": GOOD}), mode))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "garbage",
        b"\xff\xfe\x00",
        "[]",
        "null",
        "{}",
        '"1"',
        '{"1": null}',
        '{"1": 5}',
        '{"1": ["a"]}',
        '{"one": "' + GOOD + '"}',
        '{"1": "not base64!"}',
        '{"1": "ééé"}',
        json.dumps({"1": base64.b64encode(b"short").decode()}),
        json.dumps({"1": GOOD, "2": base64.b64encode(b"k" * 33).decode()}),
        "[" * 100_000,
    ],
)
def test_a_file_that_is_no_key_file_is_refused_in_words(path: Path, content: str | bytes) -> None:
    with pytest.raises(BadKeyFile, match="Put back the file"):
        keyfile.load(written(path, content))


def test_a_folder_is_no_key_file(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(BadKeyFile, match="is not a key file"):
        keyfile.load(tmp_path)


def test_no_message_holds_the_content(path: Path) -> None:
    with pytest.raises(BadKeyFile) as refused:
        keyfile.load(written(path, json.dumps({"1": GOOD[:-4]})))
    assert GOOD[:8] not in str(refused.value)


def test_every_version_loads_by_its_number(path: Path) -> None:
    keys = keyfile.load(written(path, json.dumps({"1": GOOD, "12": GOOD})))
    assert sorted(keys) == [1, 12]
