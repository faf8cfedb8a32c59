"""
One worker process of ours, as ``courseflow-sync work`` runs it.

With --single it declines bulk calls, so that every operation is two calls of its own.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from app import wiring
from app.running import working
from app.settings import from_environment
from connectors.mailchimp import Mailchimp


class OneByOne(Mailchimp):
    def at_most(self) -> int:
        return 0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--single", action="store_true")
    given = parser.parse_args()
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    with wiring.opened(from_environment()) as found:
        if given.single:
            found.reach.connectors = {**found.reach.connectors, "mailchimp": OneByOne}
        with working(found, threads=given.threads):
            sys.stdout.write("working\n")
            sys.stdout.flush()
            told.wait()


if __name__ == "__main__":
    main()
