"""What is sealed opens with its own key, in its own row, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sealing import NONCE, CannotOpen, CustomerKeys, Key, Pepper

ROW = "people|1"


@given(st.binary(max_size=500))
def test_what_is_sealed_opens_again(value: bytes) -> None:
    key = Key.random()
    assert key.open(key.seal(value, ROW), ROW) == value


def test_json_keeps_names_of_every_script() -> None:
    key = Key.random()
    person = {"last_name": "Żółć-李", "fields": {"first_name": None}}
    assert key.open_json(key.seal_json(person, ROW), ROW) == person


def test_a_cipher_text_that_was_moved_to_another_row_does_not_open() -> None:
    key = Key.random()
    with pytest.raises(CannotOpen):
        key.open(key.seal(b"jan@example.nl", "addresses|1"), "addresses|2")


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(CannotOpen):
        Key.random().open(Key.random().seal(b"jan@example.nl", ROW), ROW)


@pytest.mark.parametrize("changed", range(0, NONCE + 4 + 16, 5))
def test_one_changed_byte_anywhere_is_noticed(changed: int) -> None:
    key = Key.random()
    sealed = bytearray(key.seal(b"Jan.", ROW))
    sealed[changed] ^= 1
    with pytest.raises(CannotOpen):
        key.open(bytes(sealed), ROW)


@pytest.mark.parametrize("kept", [0, 1, NONCE - 5, NONCE, NONCE + 15])
def test_a_truncated_value_does_not_open(kept: int) -> None:
    key = Key.random()
    with pytest.raises(CannotOpen):
        key.open(key.seal(b"", ROW)[:kept], ROW)


def test_equal_values_never_look_alike() -> None:
    key = Key.random()
    assert len({key.seal(b"jan@example.nl", ROW) for _ in range(100)}) == 100


def test_an_error_names_the_table_and_no_row() -> None:
    with pytest.raises(CannotOpen, match=r"^people$"):
        Key.random().open(Key.random().seal(b"", ROW), ROW)


def test_secrets_are_never_shown() -> None:
    keys = CustomerKeys.of(Key.random())
    for secret in (keys.key.secret, keys.pepper.secret):
        assert repr(secret) not in repr(keys)
        assert secret.hex() not in repr(keys)


def test_a_pepper_separates_kinds_and_customers() -> None:
    one, other = Pepper(b"1" * 32), Pepper(b"2" * 32)
    hashes = {
        one.hash("email", "a@example.nl"),
        one.hash("reference", "a@example.nl"),
        other.hash("email", "a@example.nl"),
    }
    assert len(hashes) == 3
    assert one.hash("email", "a@example.nl") in hashes


def test_the_same_customer_key_always_gives_the_same_pepper_which_is_not_that_key() -> None:
    key = Key.random()
    assert CustomerKeys.of(key).pepper == CustomerKeys.of(Key(key.secret)).pepper
    assert CustomerKeys.of(key).pepper.secret != key.secret
