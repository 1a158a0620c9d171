"""What the simulated users can say."""

from collections import Counter

from curation.ml.tools import parse_tools
from curation.sample.catalogue import ALBUMS, ARTISTS, MEANINGS, SONGS, SPOKEN
from curation.sample.phrasings import COMPLEX, PHRASINGS, SIMPLE, slot_type
from curation.sample.tools import PARAMETERS, TOOLS
from curation.sample.words import fold_name


def test_there_are_at_least_25_functions_with_valid_schemas() -> None:
    functions = parse_tools(TOOLS).functions
    assert len(functions) >= 25
    assert all(function.description for function in functions.values())
    assert any(parameter.enum for function in functions.values() for parameter in function.parameters.values())


def test_there_are_hundreds_of_phrasings_and_none_stands_twice() -> None:
    counts = Counter(phrasing.text for phrasing in PHRASINGS)
    assert max(counts.values()) == 1
    assert sum(phrasing.kind == "simple" for phrasing in PHRASINGS) >= 500
    assert sum(phrasing.kind != "simple" for phrasing in PHRASINGS) >= 150


def test_every_function_can_be_asked_for() -> None:
    assert {phrasing.plan.name for section in SIMPLE for phrasing in section.phrasings if phrasing.plan} == set(
        PARAMETERS
    )


def test_every_slot_has_values() -> None:
    assert {slot_type(slot) for phrasing in PHRASINGS for slot in phrasing.slots} <= set(SPOKEN)


def test_all_kinds_of_complex_requests_are_there() -> None:
    kinds = {section.phrasings[0].kind for section in COMPLEX}
    assert kinds == {"two_wishes", "condition", "reference", "negation", "vague", "small_talk"}


def test_the_catalogue_is_large_and_no_name_stands_for_two_things() -> None:
    assert len(ARTISTS) >= 200 and len(SONGS) >= 200 and len(ALBUMS) >= 100
    songs = [fold_name(song.name) for song in SONGS]
    artists = [fold_name(artist) for artist in ARTISTS]
    assert len(set(songs)) == len(songs) and len(set(artists)) == len(artists)
    assert not set(songs) & set(artists)


def test_what_is_meant_is_a_value_of_the_enumeration() -> None:
    functions = parse_tools(TOOLS).functions
    for function, parameter in (("cast_to", "device"), ("set_equalizer", "preset")):
        assert set(MEANINGS[parameter].values()) == set(functions[function].parameters[parameter].enum or ())
