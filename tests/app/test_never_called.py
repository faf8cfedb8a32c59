"""
Nothing of ours connects to where it may not, whoever names the place.

The corpus, and what watches every connection, are in ``tests/never_called.py``. Who can name a
place: a customer who connects a platform (command line, HTTP API), the operator
(COURSEFLOW_SYNC_PLATFORM_URLS), a platform that redirects, a name server. Webhooks to customers
do not exist yet; they join here with the column that they need.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

import connectors
from app import wiring
from app.api.application import create
from app.api.rates import Rates
from app.serving import serving
from app.settings import BadSettings, from_environment
from core.errors import ConnectorError
from core.http import WayOut
from core.http.addresses import Addresses
from core.ledger import api_keys, customers
from core.refusals import CannotAccept
from tests.app.conftest import SCHOOL, TRUSTS_NOBODY, CommandLine
from tests.core.http.loopback import Loopback, answer
from tests.never_called import ADDRESSES, OUTSIDE, PUBLIC, Names, Watch, urls, watching
from workers.reach import Reach

LOGIN = {"user": "restadmin", "password": "pass-of-the-customer"}
SECRETS = ("user:pass", "pass@", "pass-of-the-customer")
UNREACHABLE = [
    "https://127.0.0.1:{port}",
    "https://localhost:{port}",
    "https://alias-to-inside.example.test:{port}",
]

pytestmark = pytest.mark.usefixtures("quick")
Told = Callable[[str], str]  # how the place was refused, in the words that were shown


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, names: Names) -> None:
    """The way out as it is, but for its resolver and for waiting between two tries."""

    def made(*, insecure: Sequence[str]) -> WayOut:
        return way_out(names, *insecure)

    monkeypatch.setattr("app.wiring.WayOut", made)


@pytest.fixture
def watch() -> Iterator[Watch]:
    with watching() as made:
        yield made


def way_out(names: Names, *insecure: str) -> WayOut:
    return WayOut(insecure=insecure, resolve=names, verify=TRUSTS_NOBODY, sleep=lambda _: None)


def with_path(url: str) -> str:
    return f"{url}/3.1"


@contextmanager
def on_the_command_line(school: CommandLine, _: Watch) -> Iterator[Told]:
    create = ("connection", "create", SCHOOL, "mailman", "--title", "Mailman", "--settings", "-")
    yield lambda url: school.refused(*create, given={"base_url": with_path(url), **LOGIN})


@contextmanager
def over_the_api(school: CommandLine, watch: Watch) -> Iterator[Told]:
    for name, value in school.env.items():
        school.patch.setenv(name, value)
    with wiring.opened(from_environment()) as installation:
        customer = customers.create(installation.ledger, "Het Atelier")
        secret = api_keys.issue(installation.ledger, "program", customer.id).secret
        app = create(installation, Rates(time.monotonic, at_once=1e9))
        with (
            serving(app, host="127.0.0.1", port=0) as door,
            httpx.Client(base_url=door, verify=TRUSTS_NOBODY, trust_env=False) as http,
        ):
            watch.allowed.add(httpx.URL(door).port or 0)
            http.headers["Authorization"] = f"Bearer {secret}"

            def told(url: str) -> str:
                settings = {"base_url": with_path(url), **LOGIN}
                body = {"platform": "mailman", "title": "Mailman", "settings": settings}
                key = {"Idempotency-Key": str(uuid4())}
                where = f"/v1/customers/{customer.id}/connections"
                said = http.post(where, json=body, headers=key)
                assert said.status_code == 422, url
                return str(said.json()["detail"])

            yield told


@contextmanager
def by_the_operator(school: CommandLine, _: Watch) -> Iterator[Told]:
    for name, value in school.env.items():
        school.patch.setenv(name, value)
    with wiring.opened(from_environment()) as installation:
        customer = customers.create(installation.ledger, "Het Atelier")
        wish = wiring.Wish("laposta", "Laposta", {"api_key": "pass-of-the-customer"}, {})

        def told(url: str) -> str:
            school.patch.setenv("COURSEFLOW_SYNC_PLATFORM_URLS", json.dumps({"laposta": url}))
            try:
                addresses = from_environment().platform_urls
            except BadSettings as error:  # nothing starts
                return str(error)
            reach = Reach(connectors.installed(), installation.reach.way_out, addresses)
            with pytest.raises(CannotAccept) as caught:
                wiring.connect(replace(installation, reach=reach), customer, wish)
            return str(caught.value)

        yield told


NAMED_BY = {
    "the command line": on_the_command_line,
    "the HTTP API": over_the_api,
    "the operator": by_the_operator,
}


@pytest.mark.parametrize("who", NAMED_BY)
def test_no_base_address_leads_there(who: str, school: CommandLine, watch: Watch) -> None:
    with NAMED_BY[who](school, watch) as told:
        places = urls(watch.port)
        assert len(places) > 90
        said = {url: told(url) for url in places}
    assert watch.caught() == []
    assert [url for url, text in said.items() if any(one in text for one in SECRETS)] == []
    assert [(url[:80], text) for url, text in said.items() if not is_clear(text)] == []


def is_clear(text: str) -> bool:
    """What happened, and what to do about it; short enough to be read."""
    return len(text) < 500 and any(verb in text for verb in ("Check the ", "Write ", "write "))


@pytest.mark.parametrize("who", NAMED_BY)
def test_the_watch_sees_a_way_out_that_does_not_look(
    who: str, school: CommandLine, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Addresses, "public", Addresses.of)
    with NAMED_BY[who](school, watch) as told:
        for url in UNREACHABLE:
            told(url.format(port=watch.port))
            assert watch.caught(), url


@pytest.mark.parametrize("order", [(PUBLIC, "{}"), ("{}", PUBLIC)], ids=["last", "first"])
def test_one_such_address_among_a_names_refuses_it(
    order: Sequence[str], school: CommandLine, watch: Watch, names: Names
) -> None:
    with by_the_operator(school, watch) as told:
        for address in ADDRESSES:
            names.answers = [[one.format(address) for one in order]]
            assert "not public" in told(f"https://lists.example.test:{watch.port}")
    assert watch.asked == []
    assert watch.caught() == []


def test_a_name_that_turns_private_is_refused_from_then_on(watch: Watch) -> None:
    """Re-binding: the first look-up says a public address, the next one does not."""
    names = Names()
    with calling("https://lists.example.test", names) as http:
        for address in ADDRESSES:
            names.answers = [[PUBLIC], [address]]
            for _ in range(2):
                with pytest.raises(ConnectorError):
                    http.get("/")
            assert len([one for one in watch.asked if one == OUTSIDE]) == 1, address
            assert watch.caught() == []


@contextmanager
def calling(base_url: str, names: Names, *insecure: str) -> Iterator[httpx.Client]:
    out = way_out(names, *insecure)
    hosts = [httpx.URL(base_url).netloc.decode()]
    with out.client(base_url=base_url, hosts=hosts, deadline=timedelta(minutes=1)) as http:
        yield http
    out.close()


def test_no_redirect_leads_there(watch: Watch) -> None:
    location = ""

    def moved(_: bytes) -> bytes:
        status = ("301 Moved", "302 Found", "303 See", "307 Moved", "308 Moved")[len(location) % 5]
        head, _, body = answer(b"{}", status=status).partition(b"\r\n\r\n")
        return head + b"\r\nLocation: " + location.encode() + b"\r\n\r\n" + body

    with Loopback(lambda _: None, echo=moved) as platform:
        watch.allowed.add(platform.port)
        at = f"http://{platform.origin}"
        with calling(at, Names(), platform.origin) as http:
            for url in urls(watch.port):
                if any(one in url for one in "\r\n\x00"):  # no header can hold it
                    continue
                location = url
                before = len(platform.requests)
                for send in (http.get, http.post):
                    with pytest.raises(ConnectorError) as caught:
                        send("/", follow_redirects=True)
                    assert not any(one in str(caught.value) for one in SECRETS)
                assert len(platform.requests) == before + 2, url
        assert watch.caught() == []


def test_a_connector_is_not_redirected_either(watch: Watch) -> None:
    target = f"https://127.0.0.1:{watch.port}/3.1/system/versions"
    moved = answer(b"{}", f"Location: {target}", status="308 Moved")
    with (
        Loopback(lambda connection: connection.sendall(moved)) as platform,
        closing(way_out(Names(), platform.origin)) as out,
    ):
        watch.allowed.add(platform.port)
        reach = Reach(connectors.installed(), out, {})
        given = {"base_url": f"http://{platform.origin}/3.1", **LOGIN}
        with pytest.raises(ConnectorError):
            reach.connect("mailman", reach.settings("mailman", given)).check()
        assert len(platform.requests) == 1
    assert watch.caught() == []
