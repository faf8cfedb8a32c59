"""A link opens what was signed, until its date or until all were ended, and nothing else."""

from __future__ import annotations

import base64
import string
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from app.pages import links
from app.pages.links import Link, Opened
from core.connector import Verb
from core.ledger import customers
from core.ledger.links import end_all
from core.sealing import Key
from tests.app.pages.conftest import WEEK, Visitor
from tests.core.schools import NOW, School

ALPHABET = string.ascii_letters + string.digits + "-_"


def opened(school: School, written: str) -> Opened | None:
    with school.ledger.read() as tx:
        return links.opened(school.ledger, tx, written)


def test_a_link_opens_what_was_signed(school: School, visitor: Visitor) -> None:
    person = uuid4()
    for who in (None, person):
        found = opened(school, visitor.link(who))
        assert found is not None
        assert found.customer == school.customer
        assert found.link == Link(school.customer.id, who, NOW, NOW + WEEK)


def test_a_link_names_nobody(school: School, visitor: Visitor) -> None:
    school.ask(Verb.SUBSCRIBE)
    written = visitor.link(visitor.id_of())
    raw = base64.urlsafe_b64decode(written)
    for telling in (b"cf-123", b"jan", b"example"):
        assert telling not in raw.lower()


def test_overview_and_person_look_alike(visitor: Visitor) -> None:
    assert len(visitor.link()) == len(visitor.link(uuid4())) == 108


def test_no_character_can_be_changed(school: School, visitor: Visitor) -> None:
    written = visitor.link()
    for place, char in enumerate(written):
        for other in {ALPHABET[ALPHABET.index(char) ^ 1], "A", "+", "/", "=", "\n", "é"} - {char}:
            assert opened(school, f"{written[:place]}{other}{written[place + 1 :]}") is None


def test_no_bit_can_be_flipped(school: School, visitor: Visitor) -> None:
    raw = base64.urlsafe_b64decode(visitor.link(uuid4()))
    for place in range(8 * len(raw)):
        flipped = bytearray(raw)
        flipped[place // 8] ^= 1 << place % 8
        assert opened(school, base64.urlsafe_b64encode(flipped).decode()) is None


def test_nothing_can_be_left_out_or_added(school: School, visitor: Visitor) -> None:
    written = visitor.link()
    for length in range(len(written)):
        assert opened(school, written[:length]) is None
    for more in ("A", "=", " ", "\n", ".", written):
        assert opened(school, f"{written}{more}") is None
        assert opened(school, f"{more}{written}") is None


def test_a_link_works_until_its_date(school: School, visitor: Visitor) -> None:
    written = visitor.link(lasts=WEEK)
    school.clock[0] = NOW + WEEK - timedelta(microseconds=1)
    assert opened(school, written) is not None
    school.clock[0] = NOW + WEEK
    assert opened(school, written) is None


def test_no_link_works_longer_than_a_month_whoever_signed_it(
    school: School, visitor: Visitor
) -> None:
    written = visitor.link(lasts=timedelta(days=400))
    school.clock[0] = NOW + links.LONGEST
    assert opened(school, written) is None


def test_a_link_to_a_person_lasts_no_longer_than_where_it_was_found(visitor: Visitor) -> None:
    link = Link(visitor.school.customer.id, None, NOW, NOW + WEEK)
    assert link.to(person := uuid4()) == replace(link, person=person)


def test_one_customers_key_signs_for_no_other(school: School, visitor: Visitor) -> None:
    other = customers.create(school.ledger, "De Kleiput")
    with school.ledger.read() as tx:
        key = school.ledger.keys_of(tx, other.id).key
        forged = links.token(Link(school.customer.id, None, NOW, NOW + WEEK), key)
    assert opened(school, forged) is None


def test_the_decoy_signs_for_nobody(school: School) -> None:
    for customer in (uuid4(), school.customer.id):
        claim = base64.urlsafe_b64decode(
            links.token(Link(customer, None, NOW, NOW + WEEK), a_key(school))
        )[: links.CLAIM.size]
        forged = links.spelled(claim + links.signature(claim, links.signing_key(links.DECOY)))
        assert opened(school, forged) is None


def a_key(school: School) -> Key:
    with school.ledger.read() as tx:
        return school.ledger.keys_of(tx, school.customer.id).key


def test_ending_all_links_spares_those_made_afterwards(school: School, visitor: Visitor) -> None:
    other = customers.create(school.ledger, "De Kleiput")
    spared = Link(other.id, None, NOW, NOW + WEEK)
    before, of_a_person, elsewhere = visitor.link(), visitor.link(uuid4()), visitor.signed(spared)
    end_all(school.ledger, school.customer.id)
    assert opened(school, before) is opened(school, of_a_person) is None
    assert opened(school, elsewhere) is not None
    school.clock[0] += timedelta(microseconds=1)
    assert opened(school, visitor.link()) is not None


def test_whatever_is_wrong_takes_the_same_work(school: School, visitor: Visitor) -> None:
    expired = visitor.link(lasts=timedelta(0))  # and from now on the customer's key is at hand
    unknown = replace(Link(school.customer.id, None, NOW, NOW + WEEK), customer=uuid4())
    wrong = {
        "nonsense": "abc",
        "truncated": expired[:-1],
        "expired": expired,
        "forged": f"{expired[:-1]}{'A' if expired[-1] != 'A' else 'B'}",
        "of nobody": links.token(unknown, a_key(school)),
    }
    assert {name: work(school, written) for name, written in wrong.items()} == dict.fromkeys(
        wrong, (1, 1)
    )


def work(school: School, written: str) -> tuple[int, int]:
    """Questions to the database, and signatures made."""
    asked: list[str] = []
    signed: list[bytes] = []
    sign = links.signature

    def counted(claim: bytes, key: bytes) -> bytes:
        signed.append(claim)
        return sign(claim, key)

    def noted(_db: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(links, "signature", counted)
        engine = school.ledger.database.engine
        sa.event.listen(engine, "before_cursor_execute", noted)
        assert opened(school, written) is None
        sa.event.remove(engine, "before_cursor_execute", noted)
    return len([one for one in asked if one.startswith("SELECT")]), len(signed)
