"""The probe: a cheap model of the teacher, cross-validated over the traffic, that shows what can be learned.

Linear models only, seconds for ten thousand queries on two cores: the function (or no call, or several calls) from
word and character n-grams, the values that stand in the text by a tagger for each function, the values of closed
parameters by one classifier each. Every prediction is out of fold, and a text is never in two folds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier

from curation.ml.patterns import value_texts
from curation.ml.spans import SpanTagger, hash_features, split_words, word_features, word_tags
from curation.ml.traffic import NO_CALL, SEVERAL, Traffic

FOLDS = 3
PLAUSIBLE = 0.25
"""A function with at least this chance is one that the query could have been meant for."""
MAX_CHARACTERS = 1_000
ABSENT = "absent"
_WORD = r"(?u)\w+|[^\w\s]"


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What the probe predicted out of fold; arrays have one entry per distinct text of the traffic.

    `right`: whether it made the teacher's usual call for the text. `chance`: its own estimate of that.
    `function_right`: whether the function (or no call) was right. `plausible`: of each text, the other functions
    that the probe would not rule out.
    """

    right: np.ndarray
    chance: np.ndarray
    function_right: np.ndarray
    plausible: list[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Agreements:
    """Whether the probe agreed with the teacher at each query: the whole call, and the function (or no call) alone."""

    call: np.ndarray
    function: np.ndarray


def agreements_with(result: ProbeResult, traffic: Traffic) -> Agreements:
    """Hold the probe, which answers each text in one way, against what the teacher did at each query."""
    usual = [traffic.texts[text].usual for text in traffic.text_of]
    same = [traffic.choices[at] == choice for at, choice in zip(usual, traffic.choices, strict=True)]
    function_same = traffic.labels[usual] == traffic.labels
    return Agreements(
        result.right[traffic.text_of] & np.array(same), result.function_right[traffic.text_of] & function_same
    )


def run_probe(traffic: Traffic, progress: Callable[[float], None] = lambda fraction: None) -> ProbeResult:
    """Cross-validate the probe over the traffic. `progress` is told the fraction done and may raise to stop."""
    folds = np.random.default_rng(0).permutation(len(traffic.texts)) % FOLDS
    usual = [text.usual for text in traffic.texts]
    labels = np.array([traffic.labels[position] for position in usual], dtype=object)
    features = text_features([text.text for text in traffic.texts])
    names, likely = _function_chances(features, labels, folds, progress)
    found, found_chance = _argument_hits(traffic, features, labels, folds, progress)
    column = {name: at for at, name in enumerate(names)}
    own = likely[np.arange(len(labels)), [column[label] for label in labels]]
    function_right = np.array([names[at] for at in likely.argmax(1)], dtype=object) == labels
    others = [tuple(names[at] for at in np.flatnonzero(row >= PLAUSIBLE)) for row in likely]
    plausible = [tuple(n for n in row if n != label) for row, label in zip(others, labels, strict=True)]
    return ProbeResult(function_right & found, own * found_chance, function_right, plausible)


def text_features(texts: Sequence[str]) -> csr_matrix:
    """TF-IDF of words, pairs of words and short character n-grams, shape (len(texts), features)."""
    short = [text[:MAX_CHARACTERS] for text in texts]
    words = TfidfVectorizer(token_pattern=_WORD, ngram_range=(1, 2), sublinear_tf=True)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 4), sublinear_tf=True)
    parts = [csr_matrix(np.ones((len(short), 1)))]
    for vectoriser in (words, characters):
        if any(vectoriser.build_analyzer()(text) for text in short):
            parts.append(vectoriser.fit_transform(short))
    return hstack(parts).tocsr()


def _function_chances(
    features: csr_matrix, labels: np.ndarray, folds: np.ndarray, progress: Callable[[float], None]
) -> tuple[list[str], np.ndarray]:
    names = sorted(set(labels))
    chances = np.zeros((len(labels), len(names)))
    for fold in range(FOLDS):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        seen, rows = _classify(features, labels, train, test)
        chances[np.ix_(test, np.searchsorted(names, seen))] = rows
        progress(0.4 * (fold + 1) / FOLDS)
    return names, chances


def _classify(
    features: csr_matrix, labels: np.ndarray, train: np.ndarray, test: np.ndarray
) -> tuple[list[str], np.ndarray]:
    """The classes seen in training and their chances for each test row."""
    seen = sorted(set(labels[train]))
    if not len(test) or len(seen) < 2:
        return seen, np.ones((len(test), len(seen)))
    model = SGDClassifier(loss="log_loss", alpha=1e-5, max_iter=6, tol=None, random_state=0, n_jobs=2)
    return seen, model.fit(features[train], labels[train].astype(str)).predict_proba(features[test])


def _argument_hits(
    traffic: Traffic,
    features: csr_matrix,
    labels: np.ndarray,
    folds: np.ndarray,
    progress: Callable[[float], None],
) -> tuple[np.ndarray, np.ndarray]:
    """Whether all argument values were found, given the function, and the chance that the probe gave to that."""
    hits, chances = np.ones(len(labels), dtype=bool), np.ones(len(labels))
    groups: dict[str, list[int]] = defaultdict(list)
    for at, label in enumerate(labels):
        groups[label].append(at)
    done = 0
    for label, members in groups.items():
        if label not in (NO_CALL, SEVERAL):
            rows = np.array(members)
            for hit, chance in (
                _span_hits(traffic, rows, folds[rows]),
                _closed_hits(traffic, features, label, rows, folds[rows]),
            ):
                hits[rows] &= hit
                chances[rows] *= chance
        done += len(members)
        progress(0.4 + 0.6 * done / len(labels))
    return hits, chances


def _span_hits(traffic: Traffic, rows: np.ndarray, folds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    hits, chances = np.ones(len(rows), dtype=bool), np.ones(len(rows))
    positions = [traffic.texts[row].usual for row in rows]
    if not any(traffic.patterns[position].spans for position in positions):
        return hits, chances
    texts = [traffic.observations[position].text for position in positions]
    words = [split_words(text) for text in texts]
    tags = [word_tags(w, traffic.patterns[p].spans) for w, p in zip(words, positions, strict=True)]
    lengths = np.array([len(row) for row in words])
    hashed = hash_features([f for t, w in zip(texts, words, strict=True) for f in word_features(t, w)])
    hashed = hashed[:, np.unique(hashed.indices)]  # the model's size goes with the columns
    flat, fold_of_word = np.array([tag for row in tags for tag in row]), np.repeat(folds, lengths)
    for fold in range(FOLDS):
        train, test = fold_of_word != fold, np.flatnonzero(folds == fold)
        tagger = SpanTagger().fit(hashed[train], flat[train], lengths[folds != fold])
        answers = tagger.predict(hashed[~train], lengths[test])
        hits[test] = [answer == tags[at] for at, (answer, _) in zip(test, answers, strict=True)]
        chances[test] = [weakest for _, weakest in answers]
    return hits, chances


def _closed_hits(
    traffic: Traffic, features: csr_matrix, function: str, rows: np.ndarray, folds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same for values that do not stand in the text: a closed one can be chosen, any other is missed."""
    hits, chances = np.ones(len(rows), dtype=bool), np.ones(len(rows))
    positions = [traffic.texts[row].usual for row in rows]
    for parameter in sorted({name for p in positions for name in traffic.patterns[p].missing}):
        values = np.array([_missing_value(traffic, p, parameter) for p in positions], dtype=object)
        if traffic.kinds[function, parameter].kind != "closed":
            hits &= values == ABSENT
            chances[values != ABSENT] = 0.0
            continue
        for fold in range(FOLDS):
            test = np.flatnonzero(folds == fold)
            seen, likely = _classify(features[rows], values, np.flatnonzero(folds != fold), test)
            if seen and len(test):
                hits[test] &= np.array(seen, dtype=object)[likely.argmax(1)] == values[test]
                chances[test] *= likely.max(1)
    return hits, chances


def _missing_value(traffic: Traffic, position: int, parameter: str) -> str:
    call = traffic.observations[position].call
    if call is None or parameter not in traffic.patterns[position].missing:
        return ABSENT
    return " ".join(value_texts(call.arguments[parameter]))
