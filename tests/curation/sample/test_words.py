"""Words and names that are the same however they are typed."""

import pytest

from curation.sample.spelling import Spelling, is_one_edit
from curation.sample.words import fold_name, split_words


@pytest.mark.parametrize(
    "spellings",
    [
        ("AC/DC", "ac dc", "ACDC"),
        ("Beyoncé", "beyonce", "BEYONCE"),
        ("Don't Stop Me Now", "dont stop me now", "Don’t stop me now!"),
        ("Earth, Wind & Fire", "earth wind and fire"),
        ("lo-fi", "lofi", "Lo Fi"),
    ],
)
def test_spellings_of_a_name_have_one_key(spellings: tuple[str, ...]) -> None:
    assert len({fold_name(spelling) for spelling in spellings}) == 1


def test_words_know_where_they_stand_without_the_punctuation_around_them() -> None:
    text = 'Play "Hey Jude", please!! 40%'
    assert [text[word.start : word.end] for word in split_words(text)] == ["Play", "Hey", "Jude", "please", "40"]


@pytest.mark.parametrize("typed", ["plya", "paly", "pla", "plays", "plau", "lay"])
def test_one_slip_is_one_edit(typed: str) -> None:
    assert is_one_edit("play", typed) and is_one_edit(typed, "play")
    assert Spelling(["play"]).near(typed) == {"play"}


@pytest.mark.parametrize("typed", ["yalp", "pl", "played", "clap", "pause"])
def test_two_slips_are_not(typed: str) -> None:
    assert not is_one_edit("play", typed)
    assert Spelling(["play"]).near(typed) == set()


def test_short_words_are_not_corrected() -> None:
    assert Spelling(["one"]).near("on") == set()
