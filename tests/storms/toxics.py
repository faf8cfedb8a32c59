"""A line to a server that can be cut, fall silent, be poisoned, be mended."""

from __future__ import annotations

import math
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

Address = tuple[str, int]
CHUNK = 65536
TICK = 0.05  # seconds between looks at connections whose time may be up
AT_ONCE = struct.pack("ii", 1, 0)  # lingering for no time makes closing a reset, not an end


@dataclass(frozen=True, slots=True)
class Toxic:
    """
    What a line does to its connections, those that were open before included.

    A piece of at most ``piece`` bytes goes on after ``pause`` seconds, each way; after ``most``
    bytes of one way, or ``lasts`` seconds, the connection is over. The server hears of that at
    once, the worker after ``lingers`` seconds. All times are seconds.
    """

    name: str
    piece: int = CHUNK
    pause: float = 0.0
    opens: bool = True  # False: whoever connects is reset
    passes: bool = True  # False: what is said stays on the way, until this is over
    most: float = math.inf
    lasts: float = math.inf
    lingers: float = 0.0
    resets: bool = False  # how a connection is over; False: in order


FAIR = Toxic("fair")
SILENT = Toxic("silent", passes=False)

TOXICS = {
    one.name: one
    for one in (
        Toxic("latency", pause=0.25),
        Toxic("bandwidth", piece=512, pause=0.05),
        Toxic("slow-close", lasts=1.5, lingers=2.0),
        Toxic("timeout", passes=False, lasts=2.0),
        Toxic("reset-before", opens=False, resets=True),
        Toxic("reset-after", most=3000, resets=True),
        Toxic("slicing", piece=7, pause=0.002),
        Toxic("data-limit", most=2500),
    )
}


@dataclass(eq=False)
class Joint:
    """One connection to the line with its own to the server."""

    near: socket.socket
    far: socket.socket
    since: float = field(default_factory=time.monotonic)
    passed: dict[socket.socket, int] = field(default_factory=dict)  # to whom, under this toxic
    over: bool = False

    def end(self, lingers: float = 0.0, *, resets: bool = False) -> None:
        if self.over:
            return
        self.over = True
        hang_up(self.far, resets=resets)
        if lingers:
            threading.Timer(lingers, hang_up, [self.near]).start()
        else:
            hang_up(self.near, resets=resets)


class Line:
    """
    Passes bytes on, both ways. Its own address stays the same, also while it is cut.

    ``target`` is an address, or the path of a socket on this machine.
    """

    def __init__(self, target: Address | str, host: str = "127.0.0.1") -> None:
        self.target = target
        self.host = host
        self.toxic = FAIR
        self._through = threading.Event()
        self._through.set()
        self._joints: set[Joint] = set()
        self._changing = threading.Lock()
        self._door = listening((host, 0))
        self.port: int = self._door.getsockname()[1]
        self._open(self._door)

    def poison(self, toxic: Toxic) -> None:
        """From now on, until ``mend`` or another."""
        with self._changing:
            self.toxic = toxic
            joints = list(self._joints)
        for joint in joints:
            joint.since, joint.passed = time.monotonic(), {}
            if not toxic.opens:
                joint.end(resets=toxic.resets)
        if toxic.passes:
            self._through.set()
        else:
            self._through.clear()
        if toxic.lasts < math.inf:
            threading.Thread(target=self._tend, args=(toxic,), daemon=True).start()

    def silence(self) -> None:
        """Connected as ever, and nothing comes through."""
        self.poison(SILENT)

    def cut(self) -> None:
        """What was connected is closed, and whoever tries again is refused."""
        hang_up(self._door)
        with self._changing:
            joints = list(self._joints)
        for joint in joints:
            joint.end()

    def mend(self) -> None:
        self.poison(FAIR)
        if self._door.fileno() == -1:
            self._open(listening((self.host, self.port)))

    def close(self) -> None:
        self.poison(FAIR)
        self.cut()

    def _open(self, door: socket.socket) -> None:
        self._door = door
        threading.Thread(target=self._answer, args=(door,), daemon=True).start()

    def _answer(self, door: socket.socket) -> None:
        while True:
            try:
                near, _ = door.accept()
            except OSError:
                return
            try:
                if not self.toxic.opens:
                    raise ConnectionResetError
                far = connected(self.target)
            except OSError:
                hang_up(near, resets=True)
                continue
            joint = Joint(near, far)
            with self._changing:
                self._joints.add(joint)
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(joint, one, other), daemon=True).start()

    def _pass(self, joint: Joint, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while said := one.recv(CHUNK):
                self._carry(joint, said, other)
        joint.end(self.toxic.lingers)
        with self._changing:
            self._joints.discard(joint)

    def _carry(self, joint: Joint, said: bytes, other: socket.socket) -> None:
        """Piece by piece, each under the toxic of its own moment."""
        while said and not joint.over:
            self._through.wait()
            toxic = self.toxic
            if toxic.pause:
                time.sleep(toxic.pause)
            so_far = joint.passed.get(other, 0)
            piece = said[: int(min(toxic.piece, toxic.most - so_far))]
            other.sendall(piece)
            said = said[len(piece) :]
            joint.passed[other] = so_far + len(piece)
            if joint.passed[other] >= toxic.most:
                joint.end(toxic.lingers, resets=toxic.resets)

    def _tend(self, toxic: Toxic) -> None:
        """Ends connections whose time is up, for as long as the toxic is on."""
        while self.toxic is toxic:
            with self._changing:
                joints = list(self._joints)
            for joint in joints:
                if time.monotonic() > joint.since + toxic.lasts:
                    joint.end(toxic.lingers, resets=toxic.resets)
            time.sleep(TICK)


def listening(address: Address) -> socket.socket:
    return socket.create_server(address, backlog=64)


def connected(target: Address | str) -> socket.socket:
    if not isinstance(target, str):
        far = socket.create_connection(target, 5)
        far.settimeout(None)
        return far
    far = socket.socket(socket.AF_UNIX)
    try:
        far.connect(target)
    except OSError:
        far.close()
        raise
    return far


def hang_up(end: socket.socket, *, resets: bool = False) -> None:
    """Whoever waits for something from it is woken, too."""
    with suppress(OSError):
        if resets:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        end.shutdown(socket.SHUT_RD if resets else socket.SHUT_RDWR)
    end.close()
