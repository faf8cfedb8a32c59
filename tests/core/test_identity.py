"""One person, one spelling of the address; what is no address is refused in plain words."""

from __future__ import annotations

import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.identity import PLAIN, BadAddress, BadReference, check_reference, mask, normalise

LONGEST_DOMAIN = ".".join(["d" * 63, "d" * 63, "d" * 58, "nl"])  # 189: with 64 and @, 254


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("a@b.nl", "a@b.nl"),
        ("Jan.Jansen@Example.NL", "jan.jansen@example.nl"),
        (" \tjan@example.nl\u00a0", "jan@example.nl"),
        ("\u3000jan@example.nl\u2009", "jan@example.nl"),
        ("o'brien+tag@example.nl", "o'brien+tag@example.nl"),
        ("jan@münchen.example", "jan@xn--mnchen-3ya.example"),
        ("jan@MÜNCHEN.example", "jan@xn--mnchen-3ya.example"),
        ("jan@mu\u0308nchen.example", "jan@xn--mnchen-3ya.example"),
        ("jan@XN--MNCHEN-3YA.example", "jan@xn--mnchen-3ya.example"),
        ("jan@straße.example", "jan@xn--strae-oqa.example"),  # IDNA 2008: not strasse
        ("jan@例。example", "jan@xn--fsq.example"),
        ("josé@example.nl", "josé@example.nl"),
        ("jose\u0301@example.nl", "josé@example.nl"),
        ("JOSÉ@example.nl", "josé@example.nl"),
        ("用户@example.test", "用户@example.test"),
        ("ĳsbrand@example.nl", "ĳsbrand@example.nl"),
        ("%00@example.nl", "%00@example.nl"),
        ("%2e%2e/x?y#z@example.nl", "%2e%2e/x?y#z@example.nl"),
        ("{{7*7}}@example.nl", "{{7*7}}@example.nl"),
        ("*|MERGE|*@example.nl", "*|merge|*@example.nl"),
        ("a@mail.example-1.nl", "a@mail.example-1.nl"),
        ("a@1.2.nl", "a@1.2.nl"),
        ("l" * 64 + "@example.nl", "l" * 64 + "@example.nl"),
        ("l" * 64 + "@" + LONGEST_DOMAIN, "l" * 64 + "@" + LONGEST_DOMAIN),
    ],
)
def test_spellings_of_one_address_become_one(written: str, meant: str) -> None:
    assert normalise(written) == meant


@given(st.from_regex(PLAIN, fullmatch=True))
def test_the_short_way_for_plain_addresses_ends_where_the_long_way_does(address: str) -> None:
    """Capitals go the long way."""
    assert normalised(address) == normalised(address.upper())


def normalised(address: str) -> str | None:
    try:
        return normalise(address)
    except BadAddress:
        return None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("jan.jansen@example.nl", "janjansen@example.nl"),
        ("jan+cursus@example.nl", "jan@example.nl"),
        ("jan@example.nl", "j\u0430n@example.nl"),  # a Cyrillic look-alike
        ("jan@example.nl", "jan@ex\u0430mple.nl"),
        ("jan@example.nl", "jan@example.test"),
        ("jan@straße.example", "jan@strasse.example"),
    ],
)
def test_different_mailboxes_stay_different(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


REFUSED = {
    "missing": ["", "   ", "\u00a0\t"],
    "more than one e-mail address": [
        "a@example.nl,b@example.nl",
        "a@example.nl; b@example.nl",
        "a@example.nl;",
    ],
    "the e-mail address alone": [
        "jan jansen@example.nl",
        "jan@exam ple.nl",
        "jan\u00a0j@example.nl",
        "jan\tj@example.nl",
        '"quoted local"@example.nl',
        '"jan"@example.nl',
        "Jan <jan@example.nl>",
        "jan@[127.0.0.1]",
        "jan@example.nl (werk)",
        "' or 1=1",
    ],
    "invisible character": [
        "jan\0@example.nl",
        "jan@example.nl\0",
        "jan@example.nl\r\nBcc:b@example.nl",
        "jan@example.nl\n",
        "\rjan@example.nl",
        "jan\u200b@example.nl",
        "jan@exam\u200dple.nl",
        "\ufeffjan@example.nl",
        "\u202enaj@example.nl",
        "jan\u00ad@example.nl",
        "jan\ud800@example.nl",
        "jan\udcff@example.nl",
        "jan\u2028@example.nl",
        "jan\x7f@example.nl",
        "jan\x85@example.nl",
        "jan\ue000@example.nl",
    ],
    "exactly one @": [
        "jan",
        "jan.example.nl",
        "jan@@example.nl",
        "jan@x@example.nl",
        "jan\uff20example.nl",
    ],
    "Before the @": [
        "@example.nl",
        ".jan@example.nl",
        "jan.@example.nl",
        "jan..jansen@example.nl",
        "jan:x@example.nl",
        "jan\\x@example.nl",
        "jan🙂@example.nl",
        "jan\u2260@example.nl",
    ],
    "complete domain name": [
        "jan@",
        "jan@example",
        "jan@localhost",
        "jan@.nl",
        "jan@example.",
        "jan@example.nl.",
        "jan@example..nl",
        "jan@-example.nl",
        "jan@example-.nl",
        "jan@example.-nl",
        "jan@exam_ple.nl",
        "jan@example.nl/x",
        "jan@example.nl:25",
        "jan@127.0.0.1",
        "jan@example.1",
        "jan@xn--a.nl",
        "jan@xn--.nl",
        "jan@❤.example",
        "jan@" + "d" * 64 + ".nl",
        "jan@" + "é" * 60 + ".nl",
        "jan@münchen",
    ],
    "too long": [
        "l" * 65 + "@example.nl",
        "é" * 33 + "@example.nl",
        "l" * 64 + "@" + LONGEST_DOMAIN.replace("d.nl", "dd.nl"),
        "a@" + "d." * 126 + "nl",
        "a" * 10_000_000,
        "jan" + "\u0301" * 1_000 + "@example.nl",
    ],
}


@pytest.mark.parametrize(
    ("address", "told"),
    [(address, told) for told, addresses in REFUSED.items() for address in addresses],
    ids=lambda value: ascii(value)[:40],
)
def test_what_is_no_address_is_refused_with_the_reason(address: str, told: str) -> None:
    with pytest.raises(BadAddress, match=told):
        normalise(address)


@pytest.mark.parametrize("address", ["geheim@exam_ple.nl", "geheim@xn--geheim.nl", "geheim@ge❤.nl"])
def test_a_refusal_never_shows_the_address(address: str) -> None:
    with pytest.raises(ValueError, match="domain") as refused:
        normalise(address)
    shown = [*traceback.TracebackException.from_exception(refused.value).format_exception_only()]
    assert refused.value.__context__ is None
    assert "ge" not in "".join(shown).replace("core.identity.BadAddress", "")
    assert "geheim" not in repr(refused.value)


def test_a_refusal_speaks_both_languages_after_a_trip_between_processes() -> None:
    with pytest.raises(BadAddress) as refused:
        normalise("")
    copy = pickle.loads(pickle.dumps(refused.value))  # noqa: S301
    assert copy.reason == refused.value.reason
    assert copy.reason.nl.endswith("Vul er een in.")


@given(st.text() | st.builds("{}@{}.nl".format, st.text(), st.text()))
def test_anything_is_either_refused_or_settled(written: str) -> None:
    try:
        settled = normalise(written)
    except BadAddress:
        return
    assert normalise(settled) == settled
    assert len(settled.encode()) <= 254


LETTERS = st.text(st.characters(categories=["L", "M", "N"]), min_size=1, max_size=8)


@given(LETTERS, LETTERS)
def test_letters_of_any_script_settle_at_once(local_part: str, label: str) -> None:
    try:
        settled = normalise(f"{local_part}@{label}.example.nl")
    except BadAddress:
        settled = normalise(f"{local_part}@example.nl")
    assert normalise(settled) == settled
    assert settled.rpartition("@")[2].isascii()


@given(st.emails())
def test_upper_case_changes_nothing(address: str) -> None:
    try:
        settled = normalise(address)
    except BadAddress:
        return
    assert normalise(settled.upper()) == settled


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("jan@example.nl", "j•••@e•••.nl"),
        ("Jan.Jansen@Mail.Example.TEST", "j•••@m•••.test"),
        ("a@b.nl", "a•••@b•••.nl"),
        ("no address", "•••"),
        ("", "•••"),
        ("jan@example.secret word", "•••"),
    ],
)
def test_a_mask_shows_enough_to_recognise_and_no_more(address: str, shown: str) -> None:
    assert mask(address) == shown


@pytest.mark.parametrize("reference", ["1", "cf-123", "Lid 12/ä", "x" * 200, "../x", "=1"])
def test_a_reference_is_taken_as_it_is(reference: str) -> None:
    assert check_reference(reference) == reference


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("", "1 to 200"),
        ("x" * 201, "1 to 200"),
        ("jan@example.nl", "no e-mail address"),
        ("@", "no e-mail address"),
        (" cf-1", "space around"),
        ("cf-1 ", "space around"),
        ("cf\n1", "invisible"),
        ("cf\0", "invisible"),
        ("cf\u200b1", "invisible"),
        ("cf\u202e1", "invisible"),
        ("cf\ud800", "invisible"),
        (" ", "invisible"),
    ],
    ids=ascii,
)
def test_a_reference_that_is_none_is_refused(reference: str, told: str) -> None:
    with pytest.raises(BadReference, match=told):
        check_reference(reference)
