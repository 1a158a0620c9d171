"""Masking: nothing personal is left, everything else is as it was."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.ml.calls import Call
from curation.ml.masking import Mask

MASK = Mask(b"a key of an application")
NAMES = st.from_regex(r"[a-z0-9]{1,12}(\.[a-zA-Z]{1,8})?", fullmatch=True)
ADDRESSES = st.builds("{}@{}.{}".format, NAMES, st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True), st.just("example"))
PHONES = st.builds(
    "+{}{}{}{}{}".format,
    st.sampled_from(["1", "49", "353"]),
    st.sampled_from([" ", "-", ""]),
    st.from_regex(r"[1-9][0-9]{2}", fullmatch=True),
    st.sampled_from([" ", "-", "", "/"]),
    st.from_regex(r"[0-9]{6}", fullmatch=True),
)
WORDS = st.text(st.characters(exclude_characters="@+", exclude_categories=["Nd", "Cs"]), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)


def shape(text: str) -> str:
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "0", text))


def masked(text: str) -> str:
    (found,) = MASK.values([text])
    assert isinstance(found, str)
    return found


@pytest.mark.parametrize(
    "text",
    [
        "play 99 luftballons",
        "set a timer for 1234567 seconds",
        "track 4111",
        "wake me on 01.02.2024 at 12:30",
        "from 2024-01-02 10:11:12 to 2024-01-03",
        "what is 3.14159265358979 times 2",
        "order 4829475832",
        "ping 192.168.100.200",
        "1000 2000 3000 4000",
        "isbn 9783161484100",
        "call it off at 1730",
        "@home tell me",
        "",
    ],
)
def test_what_is_not_personal_stays(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    ("text", "personal"),
    [
        ("mail Bob.Smith@Example.co.uk now", "Bob.Smith"),
        ("ring +49 170 1234567", "1234567"),
        ("ring 0049 (170) 1234567", "1234567"),
        ("ring 0170 1234567", "1234567"),
        ("(212) 555-0123 is hers", "555-0123"),
        ("call 5551234", "5551234"),
        ("06 12 34 56 78", "12 34 56"),
        ("pay with 4111 1111 1111 1111", "1111"),
        ("pay with 4111-1111-1111-1111 until 12/26", "1111"),
        ("pay with 4111111111111111.", "1111"),
    ],
)
def test_what_is_personal_goes_and_the_shape_stays(text: str, personal: str) -> None:
    found = masked(text)
    assert personal not in found
    assert shape(found) == shape(text)
    assert found == masked(text)


@given(WORDS, ADDRESSES | PHONES, WORDS)
def test_the_words_around_it_stay(before: str, personal: str, after: str) -> None:
    found = masked(f"{before} {personal} {after}")
    assert found.startswith(f"{before} ")
    assert found.endswith(f" {after}")
    assert personal not in found
    assert shape(found) == shape(f"{before} {personal} {after}")


@given(ADDRESSES | PHONES)
def test_a_call_points_at_the_same_words_as_before(personal: str) -> None:
    text, call = MASK.values([f"send it to {personal} please", Call("send", {"to": personal, "parts": [personal]})])
    assert call.arguments["to"] in text
    assert call.arguments["parts"] == [call.arguments["to"]]
    assert call.arguments["to"] != personal


def test_a_number_is_known_however_it_is_written() -> None:
    text, call = MASK.values(
        ["ring +49 (170) 123-4567", Call("dial", {"number": "+491701234567", "plain": 491701234567})]
    )
    digits = re.sub(r"\D", "", text)
    assert digits != "491701234567"
    assert call.arguments == {"number": f"+{digits}", "plain": int(digits)}


def test_a_number_that_only_the_call_shows_to_be_one_is_masked_in_the_text() -> None:
    text, call = MASK.values(["reach me on 2125550123", Call("note", {"phone": 2125550123})])
    assert "2125550123" not in text
    assert str(call.arguments["phone"]) in text


def test_a_masked_card_is_no_card() -> None:
    cards = [f"4{number:014}" for number in range(300)]
    for start in cards:
        card = next(start + str(last) for last in range(10) if luhn(start + str(last)))
        found = masked(f"card {card}").removeprefix("card ")
        assert found != card
        assert not luhn(found)


def test_each_application_has_made_up_data_of_its_own() -> None:
    other = Mask(b"the key of another")
    assert other.texts("bob@example.com") != MASK.texts("bob@example.com")


@given(st.lists(JSON, max_size=4))
def test_whatever_comes_the_form_stays(values: list[object]) -> None:
    found = MASK.values(values)
    assert len(found) == len(values)
    assert [type(one) for one in found] == [type(one) for one in values]


def luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0
