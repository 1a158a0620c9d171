from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.ml.calls import Call, normalise_text
from curation.ml.patterns import delexicalise, fill, parameter_kinds, readable

WORDS = st.sampled_from(["play", "Straße", "the", "U2", "hello", "{song}", "{", "}}", "5", "1,000", "周杰伦", "ﬁ", "?"])
TEXTS = st.one_of(st.lists(WORDS, max_size=8).map("  ".join), st.text(max_size=40))
VALUES = st.recursive(
    st.one_of(WORDS, st.text(max_size=8), st.integers(), st.floats(), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=4,
)
CALLS = st.builds(
    Call, st.just("f"), st.dictionaries(st.one_of(st.sampled_from(["song", "a{b}"]), st.text(max_size=4)), VALUES)
)


def template_of(query: str, **arguments: object) -> str:
    return delexicalise(query, Call("f", arguments)).template


@given(TEXTS, st.one_of(st.none(), CALLS))
def test_filling_the_template_with_what_stood_there_gives_the_query(query: str, call: Call | None) -> None:
    pattern = delexicalise(query, call)
    stood = [query[span.start : span.end] for span in pattern.spans]
    assert fill(pattern.template, stood) == query
    assert pattern.key == normalise_text(pattern.template)


@given(TEXTS, CALLS)
def test_spans_are_in_order_apart_and_each_parameter_is_found_or_missing(query: str, call: Call) -> None:
    pattern = delexicalise(query, call)
    ends = [0, *(span.end for span in pattern.spans)]
    assert all(end <= span.start < span.end for end, span in zip(ends, pattern.spans, strict=False))
    found = {span.parameter for span in pattern.spans}
    assert found | set(pattern.missing) == set(call.arguments)


@given(TEXTS, st.integers(0, 30), st.integers(1, 20))
def test_a_value_cut_at_white_space_from_the_text_is_found(query: str, start: int, length: int) -> None:
    value = " ".join(query.split()[start : start + length])
    assert delexicalise(query, Call("f", {"v": value})).missing == (() if value else ("v",))


def test_values_become_their_parameters() -> None:
    assert template_of("Play Hello by Adele!", song="hello", artist="adele") == "Play {song} by {artist}!"


def test_the_longest_value_wins() -> None:
    assert template_of("play love me do by love", artist="love", song="love me do") == "play {song} by {artist}"


def test_values_match_whole_words_only() -> None:
    pattern = delexicalise("player one", Call("f", {"song": "play"}))
    assert (pattern.template, pattern.missing) == ("player one", ("song",))


def test_case_and_white_space_do_not_count() -> None:
    assert template_of("play  LOVE \t me   do", song=" love ME do") == "play  {song}"
    assert template_of("nach STRASSE", place="Straße") == "nach {place}"


def test_items_of_a_list_are_found_one_by_one() -> None:
    pattern = delexicalise("add milk and eggs", Call("f", {"items": ["eggs", "milk", "salt"]}))
    assert pattern.template == "add {items} and {items}"
    assert pattern.missing == ("items",)


@pytest.mark.parametrize(
    ("query", "value", "template"),
    [
        ("volume 50 please", 50, "volume {v} please"),
        ("volume 50%", 50.0, "volume {v}%"),
        ("it costs 1,000.", 1000, "it costs {v}."),
        ("set 2.5 now", 2.5, "set {v} now"),
        ("set 12.5 now", 5, "set 12.5 now"),
        ("set 150 now", 50, "set 150 now"),
        ("say true 1", True, "say true 1"),
        ("null none", None, "null none"),
    ],
)
def test_numbers_match_as_written_and_booleans_never(query: str, value: object, template: str) -> None:
    assert template_of(query, v=value) == template


def test_parameters_that_share_a_value_get_one_place_each() -> None:
    assert template_of("play hello by hello", song="hello", artist="hello") == "play {song} by {artist}"
    once = delexicalise("play hello", Call("f", {"song": "hello", "artist": "hello"}))
    assert (once.template, once.missing) == ("play {song}", ("artist",))


def test_words_without_spaces_between_them_are_found() -> None:
    assert template_of("播放周杰伦的歌", artist="周杰伦") == "播放{artist}的歌"


def test_braces_in_the_query_are_not_parameters() -> None:
    pattern = delexicalise("say {song} and hello", Call("f", {"song": "hello"}))
    assert pattern.template == "say {{song}} and {song}"
    assert readable(pattern.template) == "say {song} and song"


def test_no_call_leaves_the_query_as_it_is() -> None:
    assert delexicalise("How are you", None).key == "how are you"


def test_a_template_reads_as_plain_words() -> None:
    assert readable("add {entity_name} to {playlist}") == "add entity name to playlist"


def test_traffic_tells_spanned_closed_and_open_parameters_apart() -> None:
    traffic = [
        (f"play song{at} louder", Call("play", {"song": f"song{at}", "mood": "loud", "id": f"x-{at}"}))
        for at in range(12)
    ]
    kinds = parameter_kinds([*traffic, ("hello", None)])
    assert {key[1]: use.kind for key, use in kinds.items()} == {"song": "spanned", "mood": "closed", "id": "open"}
    assert (kinds["play", "mood"].values, kinds["play", "mood"].in_text, kinds["play", "mood"].distinct) == (12, 0, 1)
