"""From a connection's settings to a connector, over the one way out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import httpx
import pytest
from pydantic import BaseModel, Field, SecretStr

from core.connector import Account, Connector, Identity, Person, Place, Trace
from core.errors import Refused
from core.refusals import CannotAccept, Unknown
from core.testing.imitation import HONEST
from workers.reach import Reach

SECRET = "key-of-anna@example.nl"


class Login(BaseModel):
    base_url: str
    api_key: SecretStr = Field(min_length=8)
    region: Literal["eu", "us"] = "eu"


class Hosted(Connector[Login]):
    platform = replace(HONEST, name="hosted", hosts=("api.example.test",))
    settings_model = Login

    @classmethod
    def base_url(cls, settings: Login) -> str:
        if not settings.base_url.startswith("https://"):
            raise Refused("the address must begin with https://")
        return settings.base_url

    def check(self) -> Account:
        return Account("1", "One")

    def places(self) -> list[Place]:
        return []

    def translate(self, person: Person) -> Mapping[str, str]:
        return {"email": person.email}

    def find(self, who: Identity) -> list[Trace]:
        return []

    def subscribe(self, *_: Any) -> None: ...

    def update(self, *_: Any) -> None: ...

    def unsubscribe(self, *_: Any) -> None: ...

    def erase(self, who: Identity) -> None: ...


class SelfHosted(Hosted):
    platform = replace(HONEST, name="self-hosted")


class Recorder:
    """A way out that only remembers what was asked of it."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}
        self.http = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200)))

    def client(self, **asked: Any) -> httpx.Client:
        self.asked = asked
        return self.http


@pytest.fixture
def way_out() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.http.close()


def reach(way_out: Recorder, **addresses: str) -> Reach:
    connectors = {"hosted": Hosted, "self-hosted": SelfHosted}
    named = {name.replace("_", "-"): url for name, url in addresses.items()}
    return Reach(connectors, way_out, named)  # type: ignore[arg-type]  # it is used like one


def login(base_url: str = "https://mail.example.test/api") -> Login:
    return Login(base_url=base_url, api_key=SecretStr(SECRET))


def test_an_unknown_platform_names_those_there_are(way_out: Recorder) -> None:
    with pytest.raises(Unknown, match="Choose one of: hosted, self-hosted"):
        reach(way_out).kind("mailer")


def test_settings_are_checked_by_field_and_never_shown(way_out: Recorder) -> None:
    given = {"api_key": "anna", "region": "anna@example.nl"}
    with pytest.raises(CannotAccept) as refusal:
        reach(way_out).settings("hosted", given)
    told = str(refusal.value)
    assert all(field in told for field in ("base_url", "api_key", "region"))
    assert "anna" not in told
    assert refusal.value.__cause__ is None


def test_good_settings_come_back_parsed_with_the_secret_hidden(way_out: Recorder) -> None:
    given = {"base_url": "https://mail.example.test", "api_key": SECRET}
    parsed = reach(way_out).settings("hosted", given)
    assert isinstance(parsed, Login)
    assert parsed.api_key.get_secret_value() == SECRET
    assert SECRET not in repr(parsed)


def test_a_hosted_platform_is_pinned_to_its_declared_hosts(way_out: Recorder) -> None:
    connector = reach(way_out).connect("hosted", login("https://api.example.test/v3"))
    assert way_out.asked["hosts"] == ("api.example.test",)
    assert way_out.asked["base_url"] == "https://api.example.test/v3"
    assert way_out.asked["deadline"] == timedelta(seconds=30)
    assert isinstance(connector, Hosted)
    assert connector.http is way_out.http


def test_a_self_hosted_platform_is_pinned_to_its_own_address(way_out: Recorder) -> None:
    reach(way_out).connect("self-hosted", login("https://user@mail.example.test:8443/api"))
    assert way_out.asked["hosts"] is None


def test_another_base_address_joins_that_platforms_pins_only(way_out: Recorder) -> None:
    elsewhere = reach(way_out, hosted="http://127.0.0.1:9000/3.0")
    elsewhere.connect("hosted", login())
    assert way_out.asked["base_url"] == "http://127.0.0.1:9000/3.0"
    assert way_out.asked["hosts"] is None
    elsewhere.connect("self-hosted", login())
    assert way_out.asked["base_url"] == login().base_url
    assert way_out.asked["hosts"] is None


def test_settings_that_cannot_be_right_are_refused_before_any_call(way_out: Recorder) -> None:
    with pytest.raises(Refused):
        reach(way_out).connect("hosted", login("ftp://api.example.test"))
    assert way_out.asked == {}


def test_the_checks_of_the_drain_travel_with_every_call(way_out: Recorder) -> None:
    def before_call() -> None: ...

    def before_change() -> None: ...

    reach(way_out).connect(
        "self-hosted", login(), before_call=before_call, before_change=before_change
    )
    assert way_out.asked["before_call"] is before_call
    assert way_out.asked["before_change"] is before_change


def test_a_try_of_a_new_connection_needs_no_checks(way_out: Recorder) -> None:
    reach(way_out).connect("self-hosted", login())
    assert way_out.asked["before_call"]() is None
    assert way_out.asked["before_change"]() is None
