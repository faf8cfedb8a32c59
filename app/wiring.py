"""Where everything is composed, by plain calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import connectors
from app.settings import Settings
from core import keyfile, migrations
from core.connector import Account, Place, Platform, Text
from core.database import Database
from core.errors import ConnectorError, Reconnect
from core.http import WayOut, origin_of
from core.ledger import Ledger, pulse, wrapping
from core.ledger import connections as ledger_connections
from core.ledger.connections import Connection
from core.ledger.customers import Customer, lists_of
from core.migrations import Store, pairing
from core.refusals import CannotAccept, Unknown
from core.report.condition import conditions
from core.safe import Safe
from workers.reach import Reach


@dataclass(frozen=True, slots=True)
class Installation:
    """One deployment of the product: its books, and its way to the platforms."""

    settings: Settings
    ledger: Ledger
    reach: Reach

    @property
    def platforms(self) -> Mapping[str, Platform]:
        return {name: kind.platform for name, kind in self.reach.connectors.items()}


@contextmanager
def databases(settings: Settings) -> Iterator[dict[Store, Database]]:
    """Both databases, found safe to use. Raises UnsafeDatabase, DatabaseAway or BadSettings."""
    urls = {Store.LEDGER: settings.database_url, Store.SAFE: settings.safe_database_url}
    stores = {store: Database(url) for store, url in urls.items()}
    try:
        for database in stores.values():
            database.check()
        pairing.apart(stores[Store.LEDGER], stores[Store.SAFE])
        yield stores
    finally:
        for database in stores.values():
            database.engine.dispose()


def migrate(settings: Settings) -> None:
    """Raises UnsafeDatabase, DatabaseAway, BadSettings or NotMigrated."""
    with databases(settings) as stores:
        for store, database in stores.items():
            migrations.upgrade(database, store)
        pairing.pair(stores[Store.LEDGER], stores[Store.SAFE])


@contextmanager
def opened(settings: Settings, *, in_step: bool = True) -> Iterator[Installation]:
    """
    The installation, checked: fails closed when a key, a setting or a migration is missing, or
    one of the databases was put back from a backup (unless ``in_step`` does not matter).

    Raises BadKeyFile, CannotOpen, UnsafeDatabase, DatabaseAway, BadSettings or NotMigrated.
    """
    keys = keyfile.load(settings.key_file)
    with databases(settings) as stores:
        for store, database in stores.items():
            migrations.check(database, store)
        pairing.check(stores[Store.LEDGER], stores[Store.SAFE])
        if in_step:
            pulse.check(stores[Store.LEDGER], stores[Store.SAFE])
        with stores[Store.LEDGER].read() as tx:
            wrapping.check(tx, keys)
        way_out = WayOut(insecure=settings.allow_insecure_hosts)
        ledger = Ledger(stores[Store.LEDGER], Safe(stores[Store.SAFE]), keys)
        reach = Reach(connectors.installed(), way_out, settings.platform_urls)
        try:
            yield Installation(settings, ledger, reach)
        finally:
            way_out.close()


@dataclass(frozen=True, slots=True)
class Wish:
    """A connection as a customer asks for it; ``places`` maps list keys to place ids."""

    platform: str
    title: str
    settings: Mapping[str, Any]
    places: Mapping[str, str]
    fields: Sequence[str] = ("first_name", "last_name")
    outside_eu_accepted: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What a credential proved that it can see."""

    account: str  # its title
    places: Sequence[Place]


class NoPlace(Unknown):
    """``shown`` says what the credential does see; ``key`` is the list that went elsewhere."""

    def __init__(self, platform: Platform, key: str, place: str, visible: Sequence[Place]) -> None:
        seen = ", ".join(one.id for one in visible) or "none"
        super().__init__(
            f'{platform.title} shows no place "{place}" to this credential. It shows: {seen}.'
        )
        self.key = key
        self.shown = Text(
            nl=f"{platform.title} toont deze plaats niet. Wel: {seen}.",
            en=f"{platform.title} shows no such place to this credential. It shows: {seen}.",
        )


def connect(installation: Installation, customer: Customer, wish: Wish) -> UUID:
    """
    Prove the credential at the platform, pin its account, store the connection.

    Raises CannotAccept with the platform's reason in plain words; then nothing is stored.
    """
    settings = installation.reach.settings(wish.platform, wish.settings)
    platform = installation.reach.platform(wish.platform)
    if platform.in_eu is False and not wish.outside_eu_accepted:
        raise CannotAccept(
            f"{platform.title} stores data outside the European Union "
            f"({platform.stores_in.en}). Nothing was stored. Whoever may decide that for your "
            "school accepts it with --accept-outside-eu (accept_outside_eu over the API); we "
            "keep when."
        )
    account, places = proved(installation, platform, settings)
    check_places(installation, customer, platform, wish.places, places)
    return ledger_connections.add(
        installation.ledger,
        customer.id,
        platform=wish.platform,
        title=wish.title,
        settings=wish.settings,
        account=account,
        places=wish.places,
        fields=wish.fields,
        keep_refusal=bool(getattr(settings, "keep_refusal", False)),
        outside_eu_accepted=wish.outside_eu_accepted,
        host=host_of(installation, platform, settings),
    )


def host_of(installation: Installation, platform: Platform, settings: Any) -> str | None:
    """Where it is reached; None where nothing is called that could show whether it answers."""
    if not platform.can_look:
        return None
    return origin_of(installation.reach.connect(platform.name, settings).http)


def check(installation: Installation, connection: Connection) -> Shown:
    """
    Prove the credential that is stored once more; nothing is changed by it.

    Raises CannotAccept with the platform's reason in plain words.
    """
    if not connection.is_open:
        raise CannotAccept(f'"{connection.title}" is closed for good. Connect the account anew.')
    platform = installation.reach.platform(connection.platform)
    with installation.ledger.read() as tx:
        rests_until = conditions(tx, [connection.id])[connection.id].rests_until
        given = ledger_connections.settings_of(installation.ledger, tx, connection)
    if rests_until is not None:
        raise CannotAccept(
            f'"{connection.title}" asked us to wait until {rests_until:%Y-%m-%d %H:%M} UTC. '
            "Nothing was tried. Check it after that."
        )
    settings = installation.reach.settings(connection.platform, given)
    account, places = proved(installation, platform, settings)
    with installation.ledger.read() as tx:
        same = ledger_connections.is_account(installation.ledger, tx, connection, account)
    if not same:
        raise CannotAccept(
            f'The credential of "{connection.title}" belongs to another account now. Give one '
            "of the account that you connected: courseflow-sync connection renew"
        )
    return Shown(account.title, places)


def renew(installation: Installation, connection: Connection, given: Mapping[str, Any]) -> None:
    """
    Prove new credentials of the same account, and let the work go on that waited for them.

    Raises CannotAccept; then nothing is changed.
    """
    settings = installation.reach.settings(connection.platform, given)
    platform = installation.reach.platform(connection.platform)
    account, _ = proved(installation, platform, settings)
    ledger_connections.renew(installation.ledger, connection, given, account)


def proved(
    installation: Installation, platform: Platform, settings: Any
) -> tuple[Account, Sequence[Place]]:
    try:
        account = installation.reach.connect(platform.name, settings).check()
        if not platform.can_look:
            return account, ()
        return account, installation.reach.connect(platform.name, settings).places()
    except Reconnect as error:
        raise CannotAccept(
            f"{platform.title} does not accept these credentials ({error.detail}). Nothing was "
            "stored. Check user, password or key at the platform and try again."
        ) from None
    except ConnectorError as error:
        raise CannotAccept(
            f"{platform.title} could not be tried ({error.detail}). Nothing was stored. "
            "Check the address and whether the platform is up, then try again."
        ) from None


def check_places(
    installation: Installation,
    customer: Customer,
    platform: Platform,
    wanted: Mapping[str, str],
    visible: Sequence[Place],
) -> None:
    """Every list is the customer's, and every place is one that the credential sees."""
    with installation.ledger.read() as tx:
        known = lists_of(tx, customer.id)
    for key, place in wanted.items():
        if key not in known:
            raise Unknown(
                f'There is no list "{key}". Known: {", ".join(known) or "none yet"}. '
                "Make one with: courseflow-sync list put"
            )
        if platform.can_look and place not in {one.id for one in visible}:
            raise NoPlace(platform, key, place, visible)
