"""What could not leave in time never leaves: not when the line is mended, with nobody waiting."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

from tests.core.http.loopback import Loopback, answer, says
from tests.machines import IN_NAMESPACE, machines

ROOT = Path(__file__).parents[3]
LATER = 5.0  # seconds after the call began, at which its first packets would be sent again

CALLER = dedent(
    """
    import sys
    from datetime import timedelta
    from core.errors import ConnectorError
    from core.http import WayOut

    origin = sys.argv[1]
    way_out = WayOut(insecure=[origin])

    def client():
        return way_out.client(
            base_url=f"http://{origin}", hosts=[origin], deadline=timedelta(seconds=2)
        )

    client().get("/before")
    print("connected", flush=True)
    sys.stdin.readline()
    try:
        client().post("/change", json={})
    except ConnectorError as error:
        print(type(error).__name__, flush=True)
    sys.stdin.readline()
    """
)


def test_a_change_that_did_not_get_through_is_not_delivered_when_the_line_is_mended() -> None:
    with machines(1) as network, Loopback(says(answer()), host=network.address) as platform:
        [machine] = network.those
        command = [*IN_NAMESPACE, machine.name, sys.executable, "-c", CALLER, platform.origin]
        with subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        ) as caller:
            assert caller.stdin is not None
            assert caller.stdout is not None
            assert caller.stdout.readline() == "connected\n"
            machine.cut_off()
            caller.stdin.write("change\n")
            began = time.monotonic()
            assert caller.stdout.readline() == "OutcomeUnknown\n"
            time.sleep(max(0.0, began + LATER - time.monotonic()))
            machine.connect()
            time.sleep(LATER)
            caller.stdin.write("end\n")
    assert [request.split()[1] for request in platform.requests] == [b"/before"]
