"""A process that runs commands one after the other, as starting one for each takes a second."""

from __future__ import annotations

import json
import sys

from typer.testing import CliRunner

from app import logs
from app.cli import app


def serve() -> None:
    logs.guard()
    for line in sys.stdin:
        asked = json.loads(line)
        done = CliRunner().invoke(app, asked["arguments"], input=asked["given"])
        sys.stdout.write(json.dumps([done.stdout, done.stderr, repr(done.exception)]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
