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
from core.connector import Account, Place, Platform
from core.database import Database
from core.errors import ConnectorError, Reconnect
from core.http import WayOut
from core.ledger import Ledger
from core.ledger import connections as ledger_connections
from core.ledger.connections import Connection
from core.ledger.customers import Customer, lists_of
from core.migrations import Store
from core.refusals import CannotAccept, Unknown
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
        yield stores
    finally:
        for database in stores.values():
            database.engine.dispose()


def migrate(settings: Settings) -> None:
    """Raises UnsafeDatabase, DatabaseAway, BadSettings or NotMigrated."""
    with databases(settings) as stores:
        for store, database in stores.items():
            migrations.upgrade(database, store)


@contextmanager
def opened(settings: Settings) -> Iterator[Installation]:
    """
    The installation, checked: fails closed when a key, a setting or a migration is missing.

    Raises BadKeyFile, UnsafeDatabase, DatabaseAway, BadSettings or NotMigrated.
    """
    keys = keyfile.load(settings.key_file)
    with databases(settings) as stores:
        for store, database in stores.items():
            migrations.check(database, store)
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


def connect(installation: Installation, customer: Customer, wish: Wish) -> UUID:
    """
    Prove the credential at the platform, pin its account, store the connection.

    Raises CannotAccept with the platform's reason in plain words; then nothing is stored.
    """
    settings = installation.reach.settings(wish.platform, wish.settings)
    platform = installation.reach.platform(wish.platform)
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
    )


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
            seen = ", ".join(one.id for one in visible) or "none"
            raise Unknown(
                f'{platform.title} shows no place "{place}" to this credential. It shows: {seen}.'
            )
