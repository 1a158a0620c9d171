"""What must hold of decoding: legal tags, values as the schema wants them, text as it stands in the query."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.ml.calls import Call, same_call
from curation.ml.tools import Parameter, parse_tools
from tests.training.students.conftest import TOOLS
from training.students.base import Example
from training.students.encoder.decoding import best_path, spans_in, value_of
from training.students.encoder.labels import learn_labels
from training.students.encoder.samples import Augmenter, assemble, make_samples
from training.students.encoder.spans import align, stands_in
from training.students.encoder.text import QueryEncoder, casing_of


@pytest.fixture(scope="module")
def encoder(tiny_encoder: Path) -> QueryEncoder:
    return QueryEncoder.from_file(tiny_encoder / "tokenizer.json", max_tokens=96)


def _parameter(*types: str, enum: tuple[str, ...] | None = None) -> Parameter:
    return Parameter("parameter", frozenset(types), enum, required=False)


@settings(max_examples=50)
@given(st.integers(1, 9), st.integers(0, 3), st.integers(0, 10_000))
def test_the_path_is_legal_and_no_legal_path_is_likelier(words: int, parameters: int, seed: int) -> None:
    scores = np.random.default_rng(seed).normal(size=(words, 1 + 2 * parameters))
    path = best_path(scores)
    before = np.append(0, path[:-1])
    inside = (path > 0) & (path % 2 == 0)
    assert all(previous in (tag, tag - 1) for previous, tag in zip(before[inside], path[inside], strict=True))
    greedy = np.where(scores.argmax(1) % 2 == 0, 0, scores.argmax(1))
    assert scores[np.arange(words), path].sum() >= scores[np.arange(words), greedy].sum() - 1e-9


def test_two_values_side_by_side_stay_two() -> None:
    assert spans_in(np.array([1, 2, 1, 0, 3])) == [(0, 0, 1), (0, 2, 2), (1, 4, 4)]


def test_several_values_become_a_list_only_where_the_schema_takes_one() -> None:
    found = [(-0.5, "Blur"), (-0.1, "Can")]
    assert value_of(_parameter("string", "array"), found) == ["Blur", "Can"]
    assert value_of(_parameter("string"), found) == "Can"
    assert value_of(_parameter("array"), found[:1]) == ["Blur"]
    assert value_of(_parameter("string", "array"), found[:1]) == "Blur"


def test_numbers_and_enumerations_take_the_schemas_form() -> None:
    assert value_of(_parameter("integer"), [(0.0, "5")]) == 5
    assert value_of(_parameter("number"), [(0.0, "2.5")]) == 2.5
    assert value_of(_parameter("string", enum=("Calm",)), [(0.0, "calm")]) == "Calm"


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("play 'Twist & Shout' now", "Twist & Shout"),
        ("wake me at 7:30 p.m.", "7:30 p.m."),
        ("play Björk", "björk"),
        ("PLAY   THE  BEATLES", "the beatles"),
        ("play rock 'n' roll, please", "rock 'n' roll"),
    ],
)
def test_a_value_cut_from_the_text_is_the_reference_value(encoder: QueryEncoder, query: str, value: str) -> None:
    encoded = encoder(query)
    assert encoded is not None
    spans = align(Call("f", {"p": value}), {"p"}, encoded)
    assert spans is not None
    cut = encoded.cut(spans[0].first, spans[0].last)
    assert same_call(Call("f", {"p": cut}), Call("f", {"p": value}))


def test_a_value_inside_a_word_does_not_stand_in_the_text() -> None:
    assert stands_in("art", "play art pop")
    assert not stands_in("art", "play party music")
    assert not stands_in(True, "true")


def test_the_letter_case_of_words_is_seen() -> None:
    seen = [casing_of(word) for word in ("play", "Nina", "DJ", "McCoy", "7th", "&")]
    assert seen == ["lower", "capitalised", "upper", "mixed", "digits", "symbol"]


def test_swapped_values_keep_their_tags(encoder: QueryEncoder) -> None:
    names = ["Nina Simone", "Blur", "Sade Adu"]
    examples = [
        Example(name, f"please play {name} now", Call("play_music", {"artist": name}), "simple") for name in names
    ]
    labels = learn_labels(examples, parse_tools(TOOLS), closed_values=64)
    samples = make_samples(examples, labels, encoder)
    augment = Augmenter(samples, swap_probability=1.0, lower_case_probability=0.0)
    random = np.random.default_rng(0)
    texts = {example.query: index for index, example in enumerate(examples)}
    expected = {tuple(assemble(sample, *encoder.marks).pieces): assemble(sample, *encoder.marks) for sample in samples}
    assert len(texts) == 3
    drawn = [assemble(augment(samples[0], random), *encoder.marks) for _ in range(30)]
    assert len({tuple(item.pieces) for item in drawn}) == 3
    for item in drawn:
        assert np.array_equal(item.tags, expected[tuple(item.pieces)].tags)


def test_values_that_never_stand_in_the_text_are_chosen() -> None:
    examples = [
        Example("1", "play slow songs by Blur", Call("play_music", {"artist": "Blur", "mood": "calm"}), "simple"),
        Example("2", "play fast songs by Can", Call("play_music", {"artist": "Can", "mood": "lively"}), "simple"),
    ]
    labels = learn_labels(examples, parse_tools(TOOLS), closed_values=64)
    assert labels.parameters == ("artist",)
    assert [(head.name, head.values) for head in labels.closed] == [("mood", (None, "calm", "lively"))]
