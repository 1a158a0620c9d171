from __future__ import annotations

import numpy as np

from curation.ml.calls import Call
from curation.ml.patterns import delexicalise
from curation.ml.spans import MAX_WORDS, SpanTagger, hash_features, split_words, word_features, word_tags


def sentences() -> list[tuple[str, Call]]:
    names = ["hello", "love me do", "let it be", "creep", "the end", "so what"]
    return [(f"{verb} {name} now", Call("f", {"song": name})) for verb in ("play", "start") for name in names]


def learned(pairs: list[tuple[str, Call]]) -> SpanTagger:
    words = [split_words(text) for text, _ in pairs]
    tags = [word_tags(row, delexicalise(*pair).spans) for row, pair in zip(words, pairs, strict=True)]
    features = [f for (text, _), row in zip(pairs, words, strict=True) for f in word_features(text, row)]
    return SpanTagger().fit(hash_features(features), np.concatenate(tags), np.array([len(row) for row in words]))


def tagged(tagger: SpanTagger, text: str) -> list[str]:
    words = split_words(text)
    ((tags, weakest),) = tagger.predict(hash_features(word_features(text, words)), np.array([len(words)]))
    assert 0 < weakest <= 1
    return tags


def test_words_are_tagged_by_where_values_begin_and_go_on() -> None:
    text = "play love me do, ok"
    tags = word_tags(split_words(text), delexicalise(text, Call("f", {"song": "love me do"})).spans)
    assert tags == ["O", "B-song", "I-song", "I-song", "O", "O"]


def test_values_never_seen_are_found_where_they_stand() -> None:
    tagger = learned(sentences())
    assert tagged(tagger, "play paradise now") == ["O", "B-song", "O"]


def test_tags_always_make_a_legal_sequence() -> None:
    tagger = learned(sentences())
    for text in ("me do now", "now now play me", "do me do me", "it be what end"):
        before = "O"
        for tag in tagged(tagger, text):
            assert not tag.startswith("I-") or before in (tag, f"B-{tag[2:]}")
            before = tag


def test_a_function_without_values_is_all_outside() -> None:
    assert tagged(learned([("stop now", Call("f"))]), "stop it") == ["O", "O"]


def test_long_and_empty_texts_are_cut_to_words() -> None:
    assert split_words("") == []
    assert len(split_words("word " * 20_000)) == MAX_WORDS
    assert split_words("播放 ok?") == [(0, 1), (1, 2), (3, 5), (5, 6)]
