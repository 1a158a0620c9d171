"""From the network's logits to a call that obeys the tool set, with the features that the gate judges it by. NumPy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from curation.ml.calls import Call
from curation.ml.tools import Parameter, ToolSet
from training.students.base import Decoded
from training.students.encoder.labels import COMPLEX, NO_CALL, ClosedParameter, LabelSpace
from training.students.encoder.text import EncodedQuery
from training.students.scores import log_softmax

FEATURES = (
    "answer_log_probability",
    "answer_margin",
    "tags_log_probability",
    "weakest_tag",
    "mean_tag",
    "weakest_tag_margin",
    "tags_outside_function",
    "values_log_probability",
    "refusal_log_odds",
    "words",
    "arguments",
    "lists",
    "unknown_words",
)


@dataclass(frozen=True, slots=True)
class Logits:
    """`answers` [answers], `tags` [words, tags], `values` [closed values], `pooled` [2 x width]."""

    answers: np.ndarray
    tags: np.ndarray
    values: np.ndarray
    pooled: np.ndarray


class Decoder:
    """Reads logits under the rules of one tool set."""

    def __init__(self, labels: LabelSpace, tools: ToolSet) -> None:
        self._labels = labels
        self.tools = tools
        self._legal = {name: _legal_tags(labels.spanned[name]) for name in labels.functions}

    def __call__(self, query: EncodedQuery, logits: Logits) -> Decoded:
        answer = self._labels.answers[int(logits.answers.argmax())]
        if answer == NO_CALL:
            return Decoded(None, "the query asks for no call")
        if answer == COMPLEX:
            return Decoded(None, "the query is not simple")
        return self._call(answer, query, logits)

    def _call(self, function: str, query: EncodedQuery, logits: Logits) -> Decoded:
        legal = self._legal[function]
        probabilities = log_softmax(logits.tags)
        path = best_path(probabilities[:, legal])
        spans = tuple((self._labels.spanned[function][index], first, last) for index, first, last in spans_in(path))
        heads = [self._labels.closed[index] for index in self._labels.closed_of[function]]
        chosen = [_chosen(head, logits.values) for head in heads]
        arguments = self._spanned_arguments(function, spans, query, probabilities)
        arguments |= {head.name: head.values[index] for head, (index, _) in zip(heads, chosen, strict=True) if index}
        problem = self.tools.problem_with(function, arguments)
        if problem:
            return Decoded(None, f"the call does not fit the schema: {problem}")
        values = float(sum(score for _, score in chosen))
        features = _features(query, logits.answers, probabilities, legal, path, values, arguments)
        return Decoded(Call(function, arguments), "", features)

    def _spanned_arguments(
        self, function: str, spans: tuple[tuple[int, int, int], ...], query: EncodedQuery, scores: np.ndarray
    ) -> dict[str, Any]:
        found: dict[int, list[tuple[float, str]]] = {}
        for parameter, first, last in spans:
            score = float(scores[first, 1 + 2 * parameter])
            found.setdefault(parameter, []).append((score, query.cut(first, last)))
        schema = self.tools.functions[function].parameters
        return {
            name: value_of(schema[name], texts) if name in schema else texts[0][1]
            for name, texts in ((self._labels.parameters[index], texts) for index, texts in found.items())
        }


def value_of(parameter: Parameter, found: list[tuple[float, str]]) -> Any:
    """The argument that the schema wants from the texts found for it, each with its score."""
    texts = list(dict.fromkeys(text for _, text in found))
    if parameter.accepts_list and (len(texts) > 1 or not parameter.types - {"array", "null"}):
        return [_typed(parameter, text) for text in texts]
    return _typed(parameter, max(found)[1])


def _typed(parameter: Parameter, text: str) -> Any:
    """The text as the schema's type; as one of its enumeration's values where it is one but for letter case."""
    if parameter.enum:
        same = [value for value in parameter.enum if isinstance(value, str) and value.casefold() == text.casefold()]
        if same and text not in same:
            return same[0]
    if parameter.is_number and "string" not in parameter.types:
        return _number(text, whole="number" not in parameter.types)
    return text


def _number(text: str, whole: bool) -> int | float | str:
    """Left as text where it is no number: the schema check refuses the call."""
    try:
        number = float(text.replace(",", ""))
    except ValueError:
        return text
    return int(number) if number.is_integer() and (whole or "." not in text) else number


def _legal_tags(parameters: tuple[int, ...]) -> np.ndarray:
    """O, then B and I of each of a function's parameters, as columns of the tag logits."""
    return np.array([0] + [1 + 2 * index + inside for index in parameters for inside in (0, 1)], dtype=np.int64)


def best_path(scores: np.ndarray) -> np.ndarray:
    """The likeliest legal sequence (Viterbi) for scores [words, tags] in the order O, B, I, B, I ...

    I of a parameter follows only B or I of the same parameter.
    """
    first, *rows = scores.tolist()  # for so few numbers, lists are three to five times as fast as arrays
    tags = len(first)
    best = [-math.inf if tag and tag % 2 == 0 else score for tag, score in enumerate(first)]
    came_from: list[list[int]] = []
    for row in rows:
        top = best.index(max(best))
        came, reached = [top] * tags, [best[top] + score for score in row]
        for tag in range(2, tags, 2):
            came[tag] = tag if best[tag] > best[tag - 1] else tag - 1
            reached[tag] = best[came[tag]] + row[tag]
        came_from.append(came)
        best = reached
    path = [best.index(max(best))]
    for came in reversed(came_from):
        path.append(came[path[-1]])
    return np.array(path[::-1], dtype=np.int64)


def spans_in(path: np.ndarray) -> list[tuple[int, int, int]]:
    """(parameter, first word, last word) of each run of B and I in a path."""
    spans: list[tuple[int, int, int]] = []
    for word, tag in enumerate(path.tolist()):
        if tag % 2 == 1:
            spans.append((tag // 2, word, word))
        elif tag:
            spans[-1] = (*spans[-1][:2], word)
    return spans


def _chosen(head: ClosedParameter, logits: np.ndarray) -> tuple[int, float]:
    scores = log_softmax(logits[head.offset : head.end])
    best = int(scores.argmax())
    return best, float(scores[best])


def _features(
    query: EncodedQuery,
    answers: np.ndarray,
    probabilities: np.ndarray,
    legal: np.ndarray,
    path: np.ndarray,
    values: float,
    arguments: dict[str, Any],
) -> np.ndarray:
    answer_scores = log_softmax(answers)
    ordered = np.sort(answers)
    words = np.arange(len(path))
    chosen = probabilities[words, legal[path]]
    others = probabilities.copy()
    others[words, legal[path]] = -np.inf
    margins = chosen - others.max(-1) if others.shape[1] > 1 else np.full(len(path), 20.0)
    outside = np.log1p(-np.minimum(np.exp(probabilities[:, legal]).sum(-1), 1 - 1e-6))
    refusal = np.logaddexp(answer_scores[-1], answer_scores[-2])
    return np.array(
        [
            answer_scores.max(),
            ordered[-1] - ordered[-2],
            chosen.sum(),
            chosen.min(),
            chosen.mean(),
            margins.min(),
            outside.max(),
            values,
            answer_scores.max() - refusal,
            np.log(len(path)),
            len(arguments),
            sum(isinstance(value, list) for value in arguments.values()),
            query.unknown_words,
        ],
        dtype=np.float64,
    )
