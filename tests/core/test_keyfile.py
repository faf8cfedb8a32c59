"""Without a good key file nothing starts, and the message says what to do."""

from __future__ import annotations

import base64
import errno
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from core import keyfile
from core.keyfile import BadKeyFile

ROOT = Path(__file__).parents[2]
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


# --- a newer version


def test_a_newer_version_comes_beside_the_older_ones(path: Path) -> None:
    keyfile.create(path)
    before = keyfile.load(path)
    assert [keyfile.add(path), keyfile.add(path)] == [2, 3]
    after = keyfile.load(path)
    assert after[1] == before[1]
    assert len({key.secret for key in after.values()}) == 3


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_mode_and_owner_stay_as_they_were(path: Path, mode: int) -> None:
    keyfile.create(path)
    path.chmod(mode)
    if os.getuid() == 0:
        os.chown(path, 12345, 12345)
    before = path.stat()
    keyfile.add(path)
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode, before.st_uid, before.st_gid
    )  # fmt: skip


def test_where_a_link_leads_to_the_file_the_file_changes_and_the_link_stays(
    path: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    keyfile.create(elsewhere / "real.json")
    path.symlink_to(elsewhere / "real.json")
    keyfile.add(path)
    assert path.is_symlink()
    assert sorted(keyfile.load(elsewhere / "real.json")) == [1, 2]
    assert names(elsewhere) == ["real.json"]


def test_links_that_lead_nowhere_are_refused_in_words(path: Path, tmp_path: Path) -> None:
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(BadKeyFile, match="There is no key file"):
        keyfile.add(path)
    path.unlink()
    path.symlink_to(path)
    with pytest.raises(BadKeyFile):
        keyfile.add(path)
    assert names(tmp_path) == [path.name]


def test_of_many_at_once_none_is_lost(path: Path) -> None:
    keyfile.create(path)
    first = keyfile.load(path)[1]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(keyfile.add, [path] * 16))
    assert sorted(made) == list(range(2, 18))
    assert sorted(keyfile.load(path)) == list(range(1, 18))
    assert keyfile.load(path)[1] == first


@pytest.mark.parametrize("change", [keyfile.add, lambda path: keyfile.remove(path, 1)])
def test_a_file_that_is_missing_or_no_key_file_is_left_alone(
    path: Path, change: Callable[[Path], object]
) -> None:
    with pytest.raises(BadKeyFile, match="There is no key file"):
        change(path)
    written(path, "garbage")
    with pytest.raises(BadKeyFile, match="is not a key file"):
        change(path)
    assert path.read_text() == "garbage"
    assert names(path.parent) == [path.name]


def test_an_older_version_can_be_taken_out_and_the_newest_cannot(path: Path) -> None:
    keyfile.create(path)
    keyfile.add(path)
    newest = keyfile.load(path)[2]
    with pytest.raises(BadKeyFile, match="is the newest"):
        keyfile.remove(path, 2)
    keyfile.remove(path, 1)
    assert dict(keyfile.load(path)) == {2: newest}


def test_what_was_taken_out_comes_back_from_a_copy(path: Path, tmp_path: Path) -> None:
    keyfile.create(path)
    copy = tmp_path / "copy.json"
    shutil.copy2(path, copy)
    first = keyfile.load(path)[1]
    keyfile.add(path)
    keyfile.remove(path, 1)
    assert keyfile.put_back(path, copy) == [1]
    assert keyfile.load(path)[1] == first
    assert sorted(keyfile.load(path)) == [1, 2]
    assert keyfile.put_back(path, copy) == []


def test_another_installations_file_is_no_copy(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    for one in (path, other):
        keyfile.create(one)
    keyfile.add(other)
    before = path.read_bytes()
    with pytest.raises(BadKeyFile, match="is no copy of it"):
        keyfile.put_back(path, other)
    assert path.read_bytes() == before


# --- read again


def test_a_version_that_came_later_is_found_by_who_asks_for_it(path: Path) -> None:
    keyfile.create(path)
    known = keyfile.load(path)
    keyfile.add(path)
    assert list(known) == [1]
    assert known[2] == keyfile.load(path)[2]
    assert list(known) == [1, 2]


def test_a_version_that_never_came_is_named_in_the_log(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keyfile.create(path)
    assert keyfile.load(path).get(2) is None
    assert "lacks version 2" in caplog.text


@pytest.mark.parametrize("broken", ["", '{"1": "', None])
def test_a_file_that_broke_meanwhile_takes_nothing_away(
    path: Path, broken: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    keyfile.create(path)
    known = keyfile.load(path)
    first = known[1]
    path.unlink()
    if broken is not None:
        written(path, broken)
    assert known.get(2) is None
    assert known[1] == first
    assert "cannot be read again" in caplog.text


# --- what goes wrong while it is written


class Failing:
    """The module os, whose calls are counted; the one with this number fails."""

    def __init__(self, number: int, error: int) -> None:
        self.left, self.error = number, error

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        return self.counted(real) if callable(real) and name != "fspath" else real

    def counted(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                if real is os.close:
                    real(*arguments)  # it is closed, whatever it says
                raise OSError(self.error, os.strerror(self.error))
            return real(*arguments)

        return call


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO])
def test_a_full_disk_a_folder_for_reading_only_or_any_other_refusal_loses_nothing(
    path: Path, error: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyfile.create(path)
    first = keyfile.load(path)[1]
    refused: list[str] = []
    for number in range(1, 100):
        monkeypatch.setattr(keyfile, "os", failing := Failing(number, error))
        try:
            keyfile.add(path)
        except BadKeyFile as said:
            refused.append(str(said))
        finally:
            monkeypatch.setattr(keyfile, "os", os)
        assert keyfile.load(path)[1] == first
        assert names(path.parent) == [path.name]
        if failing.left > 0:
            break
    assert len(refused) >= 7  # as many calls as there are at least
    assert all("cannot be changed here" in one for one in refused)
    assert all(os.strerror(error) in one for one in refused)


DYING = dedent(
    """
    import json, os, resource, signal, sys
    from pathlib import Path
    from core import keyfile

    class Dying:
        def __init__(self, number):
            self.left = number

        def __getattr__(self, name):
            real = getattr(os, name)
            return self.counted(real) if callable(real) else real

        def counted(self, real):
            def call(*arguments):
                self.step()
                result = real(*arguments)
                self.step()
                return result
            return call

        def step(self):
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def in_place(file, keys):
        file.write_bytes(b"")
        keyfile.os.fsync
        keyfile.os.stat(file)
        file.write_bytes(keyfile.content(keys))

    def full(number):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (number, number))

    def child(prepare):
        if (pid := os.fork()) == 0:
            try:
                prepare()
                keyfile.add(path)
            except keyfile.BadKeyFile:
                os._exit(3)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def dies(number):
        keyfile.os = Dying(number)

    path, planted = Path(sys.argv[1]), sys.argv[2:] == ["planted"]
    keyfile.create(path)
    first = keyfile.load(path)[1]
    if planted:
        keyfile.replace = in_place
    ends, lost = [], 0
    tries = [lambda n=n: dies(n) for n in range(1, 60)] + [lambda n=n: full(n) for n in (0, 9, 99)]
    for prepare in tries:
        ends.append(child(prepare))
        try:
            kept = keyfile.load(path)
            lost += kept[1] != first or path.stat().st_mode & 0o777 != 0o600
        except keyfile.BadKeyFile:
            lost += 1
            path.write_bytes(keyfile.content({1: first}))
    version = keyfile.add(path)
    left = [one.name for one in path.parent.iterdir()]
    print(json.dumps({"ends": ends, "lost": lost, "left": left, "holds": len(keyfile.load(path)),
                      "version": version}))
    """
)


def killed(path: Path, *planted: str) -> dict[str, Any]:
    command = [sys.executable, "-c", DYING, str(path), *planted]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=60)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_killed_at_any_step_the_older_versions_are_there(path: Path) -> None:
    found = killed(path)
    assert found["ends"].count(-signal.SIGKILL) >= 14
    assert found["ends"][-3:] == [3, 3, 3]  # no room
    assert found["lost"] == 0
    assert found["left"] == [path.name]
    assert found["holds"] == found["version"]


def test_writing_in_place_would_be_found_out(path: Path) -> None:
    assert killed(path, "planted")["lost"] > 0


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())
