"""Requests that people type themselves, in words that the generator never wrote."""

import pytest

from curation.ml.calls import Call
from curation.sample.reading import read_request


@pytest.mark.parametrize(
    ("text", "call"),
    [
        (
            "play bohemian rhapsody by queen please",
            Call("play_song", {"song": "bohemian rhapsody", "artist": "queen"}),
        ),
        ("Could you please put on some AC DC!", Call("play_artist", {"artist": "AC DC"})),
        ("play beyonce", Call("play_artist", {"artist": "beyonce"})),
        ("set the volume to 40%", Call("set_volume", {"level": 40})),
        ("wake me up at 7:45", Call("set_alarm", {"time": "7:45"})),
        ("play stand by me by ben e. king", Call("play_song", {"song": "stand by me", "artist": "ben e. king"})),
        ("is Coldplay coming to Berlin?", Call("concerts", {"artist": "Coldplay", "city": "Berlin"})),
        ("cast to the living room", Call("cast_to", {"device": "living_room"})),
        ("NEXT", Call("next_track")),
        ("turn shuffle off", Call("shuffle", {"on": False})),
    ],
)
def test_simple_requests_are_read(text: str, call: Call) -> None:
    reading = read_request(text)
    assert (reading.kind, reading.call) == ("simple", call)


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("paly queen", Call("play_artist", {"artist": "queen"})),
        ("play bohemian rapsody", Call("play_song", {"song": "bohemian rapsody"})),
        ("cast to the kichen", Call("cast_to", {"device": "kitchen"})),
    ],
)
def test_typing_errors_stay_in_the_value_but_do_not_change_the_function(text: str, call: Call) -> None:
    assert read_request(text).call == call


def test_names_outside_the_catalogue_are_taken_as_they_stand() -> None:
    assert read_request("play zork by the blorgs").call == Call("play_song", {"song": "zork", "artist": "the blorgs"})
    assert read_request("play foo bar").call == Call("play_song", {"song": "foo bar"})


@pytest.mark.parametrize(
    ("text", "kind", "call"),
    [
        ("play abba and turn it up", "two_wishes", Call("play_artist", {"artist": "abba"})),
        ("pause and then play dreams", "two_wishes", Call("pause")),
        ("don't play queen", "negation", None),
        ("play something good", "vague", Call("play_mood", {"mood": "happy"})),
        ("hello there", "small_talk", None),
        ("if the sun shines play abba", "unclear", Call("play_artist", {"artist": "abba"})),
        ("could i maybe get the lyrics of this jolene thing", "unclear", Call("get_lyrics", {"song": "jolene"})),
        ("what is the capital of france", "unclear", None),
        ("volume 400", "unclear", None),
        ("", "unclear", None),
        ("?!…", "unclear", None),
    ],
)
def test_other_requests_are_known_as_not_simple(text: str, kind: str, call: Call | None) -> None:
    reading = read_request(text)
    assert (reading.kind, reading.call) == (kind, call)


def test_a_reference_is_read_from_the_users_last_message() -> None:
    context = [
        {"role": "user", "content": "play abba"},
        {"role": "user", "content": "play hey jude"},
        {"role": "assistant", "content": "Playing Hey Jude by The Beatles."},
    ]
    assert read_request("who sings it", context).call == Call("who_sings", {"song": "hey jude"})
    assert read_request("more by them", context).call == Call("play_artist", {"artist": "The Beatles"})


def test_a_reference_to_nothing_is_no_call() -> None:
    assert read_request("who sings it").call is None
