"""
What is delivered, looked at from outside: pins, code, bill of materials, wheel, known holes.

    make supply                  # known holes are told where a list of them can be asked
    make supply AUDIT=required   # and it fails where none can

Reads what is committed. Ends with 1 when one of the five is not as it should be.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PINS = ROOT / "requirements"
OUTPUT = ROOT / "dist"
BILL = OUTPUT / "bill-of-materials.json"
PACKAGES = ("app", "connectors", "core", "workers")
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==\S+")
HASHED = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")
ELSEWHERE = re.compile(
    r"^\s*-(?:i\b|f\b|-(?:extra-)?index|-find-links|-trusted-host)|://", re.MULTILINE
)
BUILDS = (("one", 0o022), ("a folder of another name", 0o077))


class Wrong(Exception):
    """The message says what is wrong, and what to do."""


def run(*command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    beside = Path(sys.executable).parent / command[0]
    program = str(beside) if beside.exists() else command[0]
    return subprocess.run(
        [program, *command[1:]],
        cwd=options.pop("cwd", ROOT),
        text=True,
        capture_output=True,
        check=False,
        **options,
    )


def blocks(text: str) -> Iterator[str]:
    """Each requirement with its options; comments left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    yield from filter(str.strip, re.split(r"\n(?=\S)", "\n".join(lines).strip()))


def flaws(name: str, text: str) -> Iterator[str]:
    """What keeps a list of pins from naming exactly the files that it means."""
    code = "\n".join(line.partition(" #")[0] for line in blocks(text))
    if ELSEWHERE.search(code):
        yield f"{name} names an index or an address"
    for block in blocks(text):
        if not PINNED.match(block):
            yield f"{name}: {block.splitlines()[0]:.60} is no pin"
        elif not HASHED.search(block):
            yield f"{name}: {block.split()[0]} has no hash"


def pins() -> str:
    lists = sorted(PINS.glob("*.txt"))
    found = [flaw for path in lists for flaw in flaws(path.name, path.read_text())]
    if found or not lists:
        raise Wrong(f"{'; '.join(found) or 'no pins'}. Make them anew: make pins")
    return f"{len(lists)} lists, every file by hash, no index named"


def code() -> str:
    done = run("bandit", "--quiet", "--recursive", *PACKAGES, "--severity-level", "medium")
    if done.returncode:
        raise Wrong(f"bandit objects. Mend it, or say in that line why not.\n{done.stdout}")
    return "bandit has no objection of high or medium severity"


def bill() -> str:
    OUTPUT.mkdir(exist_ok=True)
    source, project = PINS / "run.txt", ROOT / "pyproject.toml"
    done = run(
        *("cyclonedx-py", "requirements", str(source), "--pyproject", str(project)),
        *("--output-reproducible", "--validate", "--of", "JSON", "--output-file", str(BILL)),
    )
    if done.returncode:
        raise Wrong(f"The bill of materials was not made.\n{done.stderr}")
    listed = {one["name"] for one in json.loads(BILL.read_text())["components"]}
    pinned = {one[1] for block in blocks(source.read_text()) if (one := PINNED.match(block))}
    if listed != pinned:
        raise Wrong(f"The bill and run.txt differ: {', '.join(sorted(listed ^ pinned))}.")
    return f"{len(listed)} components in {BILL.relative_to(ROOT)} (CycloneDX)"


def built(tree: Path, epoch: str) -> Path:
    """A wheel of what lies in ``tree``."""
    done = run(
        *("hatchling", "build", "--target", "wheel"),
        cwd=tree,
        env={**os.environ, "SOURCE_DATE_EPOCH": epoch},
    )
    if done.returncode:
        raise Wrong(f"The wheel was not built.\n{done.stderr}")
    [wheel] = (tree / "dist").glob("*.whl")
    return wheel


def wheel() -> str:
    epoch = run("git", "log", "-1", "--format=%ct").stdout.strip()
    packed = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True)
    sums = set()
    with tempfile.TemporaryDirectory() as folder:
        for name, mask in BUILDS:
            before = os.umask(mask)
            tree = Path(folder) / name
            with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
                archive.extractall(tree, filter="data")
            made = built(tree, epoch)
            os.umask(before)
            sums.add(hashlib.sha256(made.read_bytes()).hexdigest())
            OUTPUT.mkdir(exist_ok=True)
            (OUTPUT / made.name).write_bytes(made.read_bytes())
    if len(sums) > 1:
        raise Wrong(f"Two builds of one commit differ: {', '.join(sorted(sums))}.")
    return f"two builds of the last commit are alike: {made.name}, sha256 {sums.pop()}"


def audit() -> str:
    """Raises Wrong for a known hole; for what nobody could ask about only with AUDIT=required."""
    answers = {path.name: asked(path) for path in sorted(PINS.glob("*.txt"))}
    every = {(one["name"], one.get("version")): one for some in answers.values() for one in some}
    holes = [
        f"{one['name']} {one['version']}: {', '.join(hole['id'] for hole in one['vulns'])}"
        for one in every.values()
        if one.get("vulns")
    ]
    if holes:
        raise Wrong(f"Known holes: {'; '.join(holes)}. Renew these: make pins")
    unasked = [name for (name, _), one in every.items() if "vulns" not in one]
    unasked += [name for name, some in answers.items() if not some]
    if unasked:
        said = (
            f"NOT AUDITED: of {len(unasked)} packages or lists ({unasked[0]}, …) nobody could be "
            "asked for known holes from this machine. Nothing is known about them. Run it where "
            "the package index's advisories can be reached."
        )
        if os.environ.get("AUDIT") == "required":
            raise Wrong(said)
        return said
    return f"no known hole in {len(every)} packages"


def asked(path: Path) -> Sequence[Mapping[str, Any]]:
    """An answer per package; one without ``vulns`` could not be asked about. Empty: none at all."""
    done = run(
        *("pip-audit", "--disable-pip", "--require-hashes", "--requirement", str(path)),
        *("--format", "json", "--progress-spinner", "off", "--timeout", "10"),
    )
    try:
        found: Sequence[Mapping[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return ()
    return found


LOOKS: Sequence[Callable[[], str]] = (pins, code, bill, wheel, audit)


def main() -> int:
    wrong = 0
    for look in LOOKS:
        try:
            said = look()
        except Wrong as error:
            wrong, said = 1, f"WRONG. {error}"
        sys.stdout.write(f"{look.__name__}: {said}\n")
        sys.stdout.flush()
    return wrong


if __name__ == "__main__":
    sys.exit(main())
