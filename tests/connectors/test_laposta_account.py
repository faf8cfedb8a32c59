"""Which account a key of Laposta belongs to, from the form that the customer fills in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app import wiring
from app.settings import Settings
from app.wiring import Installation, Wish
from connectors.laposta import Laposta
from core.ledger import Ledger, connections
from core.refusals import CannotAccept, Taken, Unknown
from tests.connectors.laposta_server import KEY, NARROW_KEY, NEWS, Listing, Platform, Town
from tests.school import NEWS as NEWSLETTER
from tests.school import School
from workers.reach import Reach

NEW_KEY = "renewed0renewed0renew"


@dataclass
class Office:
    """A school at its desk, with an account at Laposta."""

    installation: Installation
    school: School

    def connect(self, title: str = "Laposta", **given: Any) -> UUID:
        wish = Wish("laposta", title, {"api_key": KEY, **given}, {NEWSLETTER: NEWS.id})
        return wiring.connect(self.installation, self.school.customer, wish)

    def renew(self, connection: UUID, key: str) -> None:
        with self.installation.ledger.read() as tx:
            known = connections.one(tx, connection)
        wiring.renew(self.installation, known, {"api_key": key})

    def key(self, connection: UUID) -> object:
        with self.installation.ledger.read() as tx:
            known = connections.one(tx, connection)
            return connections.settings_of(self.installation.ledger, tx, known)["api_key"]


@pytest.fixture
def office(
    ledger: Ledger, school: School, laposta_town: Town, laposta: Platform, tmp_path: Path
) -> Office:
    reach = Reach({"laposta": Laposta}, laposta_town.way_out(laposta), {"laposta": laposta.url})
    settings = Settings(database_url="sqlite://", key_file=tmp_path / "key.json")
    return Office(Installation(settings, ledger, reach), school)


def test_a_renewed_key_of_the_same_account_passes(office: Office, laposta: Platform) -> None:
    connection = office.connect()
    laposta.keys = {NEW_KEY: set(laposta.lists)}
    office.renew(connection, NEW_KEY)
    assert office.key(connection) == NEW_KEY


def test_it_passes_though_no_list_of_then_is_left(office: Office, laposta: Platform) -> None:
    connection = office.connect()
    laposta.lists = {"brandnew01": Listing("Nieuwsbrief 2027")}
    laposta.keys = {NEW_KEY: set(laposta.lists)}
    office.renew(connection, NEW_KEY)
    assert office.key(connection) == NEW_KEY


def test_a_key_of_another_account_is_refused(office: Office, laposta: Platform) -> None:
    connection = office.connect()
    laposta.account = "another001"
    with pytest.raises(Taken, match="another account"):
        office.renew(connection, KEY)


def test_a_second_connection_to_the_account_is_refused(office: Office, laposta: Platform) -> None:
    office.connect()
    laposta.keys[NEW_KEY] = set(laposta.lists)
    with pytest.raises(Taken, match='connected already, as "Laposta"'):
        office.connect("Nog eens", api_key=NEW_KEY)


def test_a_wrong_key_says_what_to_do(office: Office) -> None:
    with pytest.raises(CannotAccept, match="Check user, password or key"):
        office.connect(api_key="forged0forged0forged")


def test_what_is_no_key_is_refused_without_being_repeated(
    office: Office, laposta: Platform
) -> None:
    with pytest.raises(CannotAccept, match="copy it again") as caught:
        office.connect(api_key="my password")
    assert "my password" not in str(caught.value)
    assert laposta.calls == []


def test_a_list_that_the_key_does_not_see_cannot_be_mapped(
    office: Office, laposta: Platform
) -> None:
    laposta.keys[NARROW_KEY] = set()
    with pytest.raises(CannotAccept, match="make one in Laposta"):
        office.connect(api_key=NARROW_KEY)
    laposta.keys[KEY] -= {NEWS.id}
    with pytest.raises(Unknown, match="shows no place"):
        office.connect()
