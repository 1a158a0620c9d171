"""A cheap tagger that finds argument values in queries: a linear model per word, decoded over the sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction import FeatureHasher
from sklearn.linear_model import SGDClassifier

from curation.ml.patterns import Span

OUTSIDE = "O"
MAX_WORDS = 100
"""Longer queries are tagged as far as this; they are hardly ever simple."""
_UNSPACED = "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+|[^\w\s]")
_FORBIDDEN = -50.0


def split_words(text: str) -> list[tuple[int, int]]:
    """Start and end of each word, mark of punctuation, or character of a script without spaces."""
    found = _WORD.finditer(text[: 40 * MAX_WORDS])
    return [match.span() for match, _ in zip(found, range(MAX_WORDS), strict=False)]


def word_tags(words: Sequence[tuple[int, int]], spans: Sequence[Span]) -> list[str]:
    """One tag per word: B-parameter where a value begins, I-parameter inside, O elsewhere."""
    tags = [OUTSIDE] * len(words)
    for span in spans:
        inside = [at for at, (start, end) in enumerate(words) if span.start <= start and end <= span.end]
        for order, at in enumerate(inside):
            tags[at] = f"{'I' if order else 'B'}-{span.parameter}"
    return tags


def word_features(text: str, words: Sequence[tuple[int, int]]) -> list[list[str]]:
    """Features of each word: itself, its neighbours, its ends, its shape and its place."""
    written = [text[start:end] for start, end in words]
    padded = ["<<", "<", *(word.casefold() for word in written), ">", ">>"]
    return [_features(padded, at, written) for at in range(len(words))]


def _features(padded: list[str], at: int, written: list[str]) -> list[str]:
    before2, before, word, after, after2 = padded[at : at + 5]
    return [
        f"0{word}", f"1{before}", f"2{after}", f"3{before2}", f"4{after2}",
        f"5{before}_{word}", f"6{word}_{after}", f"7{before2}_{before}", f"8{after}_{after2}", f"9{before}_{after}",
        f"p{word[:3]}", f"s{word[-3:]}", f"h{_shape(written[at])}", f"f{padded[2]}",
        f"i{min(at, 3)}", f"j{min(len(written) - 1 - at, 3)}",
    ]  # fmt: skip


def _shape(word: str) -> str:
    if word.isdigit():
        return "9"
    if any(character.isdigit() for character in word):
        return "d"
    return "A" if word.isupper() else "T" if word[0].isupper() else "a" if word[0].isalpha() else "."


def hash_features(features: Sequence[Sequence[str]]) -> csr_matrix:
    return FeatureHasher(2**18, input_type="string", alternate_sign=False).transform(features)


class SpanTagger:
    """Word-by-word logistic regression whose tags are made a legal sequence by Viterbi decoding.

    The score of a sequence is the sum of log p(tag | word) plus log p(tag | tag before) - log p(tag).
    """

    def fit(self, features: csr_matrix, tags: np.ndarray, lengths: np.ndarray) -> SpanTagger:
        """`features` and `tags` hold the words of all sentences one after another, `lengths` how many each has."""
        self.tags = np.unique(tags) if len(tags) else np.array([OUTSIDE])
        self._model = None
        if len(self.tags) > 1:
            self._model = SGDClassifier(
                loss="log_loss", alpha=1e-5, max_iter=6, tol=None, random_state=0, n_jobs=2
            ).fit(features, tags)
        self._fit_transitions(np.searchsorted(self.tags, tags), lengths)
        return self

    def predict(self, features: csr_matrix, lengths: np.ndarray) -> list[tuple[list[str], float]]:
        """Of each sentence its tags and the probability of the weakest of them (1 if it has no words)."""
        likely = self._probabilities(features)
        answers, start = [], 0
        for length in lengths:
            rows = likely[start : start + length]
            path = self._decode(np.log(rows))
            weakest = float(rows[np.arange(length), path].min()) if length else 1.0
            answers.append(([str(self.tags[at]) for at in path], weakest))
            start += length
        return answers

    def _probabilities(self, features: csr_matrix) -> np.ndarray:
        if self._model is None or not features.shape[0]:
            return np.ones((features.shape[0], len(self.tags)))
        return self._model.predict_proba(features).clip(1e-6)

    def _fit_transitions(self, codes: np.ndarray, lengths: np.ndarray) -> None:
        size = len(self.tags)
        steps, starts = np.full((size, size), 0.5), np.full(size, 0.5)
        ends = np.cumsum(lengths)
        first = [end - length for end, length in zip(ends, lengths, strict=True) if length]
        np.add.at(starts, codes[first], 1)
        goes_on = np.ones(len(codes), dtype=bool)
        goes_on[first] = False
        later = np.flatnonzero(goes_on)
        np.add.at(steps, (codes[later - 1], codes[later]), 1)
        prior = np.log(steps.sum(0) / steps.sum())
        self._steps = np.log(steps / steps.sum(1, keepdims=True)) - prior
        self._starts = np.log(starts / starts.sum()) - prior
        self._forbid_illegal()

    def _forbid_illegal(self) -> None:
        for at, tag in enumerate(self.tags):
            if tag.startswith("I-"):
                self._starts[at] = _FORBIDDEN
                illegal = [before != f"B-{tag[2:]}" and before != tag for before in self.tags]
                self._steps[illegal, at] = _FORBIDDEN

    def _decode(self, scores: np.ndarray) -> list[int]:
        if not len(scores):
            return []
        best = scores[0] + self._starts
        back = []
        for row in scores[1:]:
            reached = best[:, None] + self._steps
            back.append(reached.argmax(0))
            best = reached.max(0) + row
        path = [int(best.argmax())]
        for pointers in reversed(back):
            path.append(int(pointers[path[-1]]))
        return path[::-1]
