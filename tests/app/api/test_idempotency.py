"""A request that is repeated is answered alike and done once."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.api.asking import Done, once
from app.api.problems import Kind, Problem
from app.api.rates import Rates
from app.api.state import Api
from core.database import Transaction
from core.ledger.idempotency import Answer, Asked
from tests.app.api.conftest import ERASE, SUBSCRIBE, School, problem


def test_the_answer_is_the_same_byte_for_byte_and_nothing_is_done_twice(school: School) -> None:
    first = school.ask(SUBSCRIBE, "k")
    before = school.served.rows()
    again = school.ask(SUBSCRIBE, "k")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert school.served.rows() == before


def test_a_batch_is_answered_alike_with_its_refusals(school: School) -> None:
    unread = {**SUBSCRIBE, "verb": "destroy"}
    first = school.batch(SUBSCRIBE, unread, key="k")
    assert school.batch(SUBSCRIBE, unread, key="k").content == first.content


def test_a_key_in_quotation_marks_is_the_same_key(school: School) -> None:
    assert school.ask(SUBSCRIBE, '"k"').content == school.ask(SUBSCRIBE, "k").content


def test_customers_may_use_the_same_key(school: School, other: School) -> None:
    assert school.ask(SUBSCRIBE, "k").json()["id"] != other.ask(SUBSCRIBE, "k").json()["id"]


def test_a_refusal_is_not_remembered(school: School) -> None:
    """Whoever corrects what was missing may repeat the request as it was."""
    asked = {**SUBSCRIBE, "lists": ["later"]}
    problem(school.ask(asked, "k"), 422, "invalid")
    wanted = {"purpose": "newsletter", "title": "Later"}
    assert school.client.put(f"{school.path}/lists/later", json=wanted).status_code == 200
    assert school.ask(asked, "k").status_code == 202


def test_of_twenty_at_once_one_is_done(school: School) -> None:
    before = school.served.rows()["operations"]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: school.ask(SUBSCRIBE, "k"), range(20)))
    assert school.served.rows()["operations"] == before + 1
    assert len({one.content for one in answers if one.status_code == 202}) == 1
    for one in answers:
        if one.status_code != 202:
            problem(one, 409, "still-running")


def test_while_the_first_runs_its_repetition_is_told_so(school: School) -> None:
    api = Api(school.served.installation, Rates(lambda: 0.0))
    asked = Asked(school.key, school.customer.id, "k", "POST /x", b"{}")
    begun, end = threading.Event(), threading.Event()

    def slow(_: Transaction) -> Done:
        begun.set()
        assert end.wait(30)
        return Answer(202, "{}"), lambda: None

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(once, api, asked, slow)
        assert begun.wait(30)
        with pytest.raises(Problem) as told:
            once(api, asked, slow)
        end.set()
        assert running.result(30) == Answer(202, "{}")
    assert told.value.kind is Kind.STILL_RUNNING
    assert once(api, asked, slow) == Answer(202, "{}")


def test_what_died_half_way_left_nothing_behind(school: School) -> None:
    api = Api(school.served.installation, Rates(lambda: 0.0))
    asked = Asked(school.key, school.customer.id, "k", "POST /x", b"{}")

    def dies(_: Transaction) -> Done:
        raise SystemExit

    before = school.served.rows()
    with pytest.raises(SystemExit):
        once(api, asked, dies)
    assert school.served.rows() == before


def test_what_died_after_it_was_done_is_not_done_again(school: School) -> None:
    api = Api(school.served.installation, Rates(lambda: 0.0))
    asked = Asked(school.key, school.customer.id, "k", "POST /x", b"{}")
    done: list[Transaction] = []

    def dies() -> None:
        raise SystemExit

    def work(tx: Transaction) -> Done:
        done.append(tx)
        return Answer(202, "{}"), dies

    with pytest.raises(SystemExit):
        once(api, asked, work)
    assert once(api, asked, work) == Answer(202, "{}")
    assert len(done) == 1


def test_what_is_remembered_names_nobody(school: School) -> None:
    told = school.batch(SUBSCRIBE, {**SUBSCRIBE, "verb": "destroy"}, key="k-of-jan").text
    database = school.served.installation.settings.database_url.removeprefix("sqlite:///")
    with open(database, "rb") as file, open(f"{database}-wal", "rb") as log:  # noqa: PTH123
        stored = file.read() + log.read()
    outcomes = json.loads(told)["outcomes"]
    assert outcomes[0]["id"].encode() in stored, "the answer is not there at all"
    for secret in (b"k-of-jan", b"jan.jansen", b'cf-1"'):
        assert secret not in stored


def test_erasing_needs_no_second_key_after_a_first(school: School) -> None:
    school.ask(SUBSCRIBE)
    assert school.ask(ERASE).status_code == 202
