"""Sets the demo's stage: five platforms that run, one school connected to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from app import wiring
from app.demo.folder import Folder
from app.demo.mailman_server import HOST, MailmanServer, make_lists
from app.demo.sandbox_server import SandboxServer
from app.settings import Settings
from app.wiring import Installation, Wish
from core import keyfile
from core.ledger import customers
from core.ledger.customers import Customer, MailingList, Purpose

SCHOOL = "De Verfschuur"
NEWSLETTER, COURSE_INFO, FORMER = "nieuwsbrief", "cursusinfo", "oud-leden"
MAIL_HOST = "lijst.example.nl"
LISTS = (
    MailingList(NEWSLETTER, Purpose.NEWSLETTER, "Nieuwsbrief"),
    MailingList(COURSE_INFO, Purpose.COURSE_INFO, "Cursusinformatie"),
    MailingList(FORMER, Purpose.NEWSLETTER, "Oud-leden"),
)
# Which list goes where, as its place is called there. Mailman has everybody.
MAILMAN = "mailman"
BY_HAND = "sandbox-by-hand"
PLACES: Mapping[str, Mapping[str, str]] = {
    MAILMAN: {key: f"{key}.{MAIL_HOST}" for key in (NEWSLETTER, COURSE_INFO)},
    "sandbox-archives": {COURSE_INFO: COURSE_INFO},
    "sandbox-thirty-days": {NEWSLETTER: NEWSLETTER},
    "sandbox-flaky": {NEWSLETTER: NEWSLETTER},  # the slowest, so not for the longer list
    BY_HAND: {FORMER: FORMER},
}
TITLES: Mapping[str, str] = {
    MAILMAN: "Mailman van de school",
    "sandbox-archives": "Platform dat alleen archiveert",
    "sandbox-thirty-days": "Platform dat na 30 dagen verwijdert",
    "sandbox-flaky": "Platform met kuren",
    BY_HAND: "Platform zonder API",
}


@dataclass(frozen=True, slots=True)
class Stage:
    folder: Folder
    mailman: MailmanServer
    sandboxes: Mapping[str, SandboxServer]  # by platform
    installation: Installation
    customer: Customer
    connections: Mapping[str, UUID]  # by platform


@contextmanager
def staged(folder: Folder, mailman_python: Path) -> Iterator[Stage]:
    """
    Everything up and connected for the length of the block; nobody works yet.

    Raises MailmanFailed or SandboxFailed.
    """
    with ExitStack() as stack:
        mailman = MailmanServer(mailman_python, folder.platforms / "mailman")
        sandboxes = {
            platform: sandbox(platform, folder) for platform in PLACES if platform != MAILMAN
        }
        boot(stack, [mailman, *sandboxes.values()])
        ports = [mailman.port, *(server.port for server in sandboxes.values())]
        settings = settings_of(folder, ports)
        keyfile.create(folder.key)
        wiring.migrate(settings)
        installation = stack.enter_context(wiring.opened(settings))
        make_lists(mailman, MAIL_HOST, list(PLACES[MAILMAN]))
        customer = open_school(installation)
        given = {platform: sandbox_settings(server) for platform, server in sandboxes.items()}
        given[MAILMAN] = mailman_settings(mailman)
        connected = {
            platform: wiring.connect(
                installation,
                customer,
                Wish(platform, TITLES[platform], given[platform], PLACES[platform]),
            )
            for platform in PLACES
        }
        yield Stage(folder, mailman, sandboxes, installation, customer, connected)


def boot(stack: ExitStack, servers: list[MailmanServer | SandboxServer]) -> None:
    """All at the same time; what did start is ended when another does not."""
    for server in servers:
        stack.callback(server.stop)
    with ThreadPoolExecutor(len(servers)) as pool:
        for _ in pool.map(lambda server: server.start(), servers):
            pass


def sandbox(platform: str, folder: Folder) -> SandboxServer:
    titles = {one.key: one.title for one in LISTS}
    lists = {place: titles[key] for key, place in PLACES[platform].items()}
    return SandboxServer(platform.removeprefix("sandbox-"), folder.platforms, lists)


def settings_of(folder: Folder, ports: list[int]) -> Settings:
    """Every setting is given, so that nothing of the environment reaches a real installation."""
    return Settings(
        database_url=f"sqlite:///{folder.ledger}",
        safe_url=f"sqlite:///{folder.safe}",
        broker_url="memory:",
        key_file=folder.key,
        platform_urls={},
        allow_insecure_hosts=tuple(f"{HOST}:{port}" for port in ports),
        log_level="DEBUG",
    )


def open_school(installation: Installation) -> Customer:
    customer = customers.create(installation.ledger, SCHOOL)
    for one in LISTS:
        customers.put_list(installation.ledger, customer, one)
    return customer


def mailman_settings(mailman: MailmanServer) -> Mapping[str, str]:
    return {"base_url": mailman.url, "user": mailman.user, "password": mailman.password}


def sandbox_settings(server: SandboxServer) -> Mapping[str, str]:
    if server.habit == "by-hand":
        return {"title": f"{SCHOOL} ({server.habit})"}
    return {"base_url": server.url, "api_key": server.key}
