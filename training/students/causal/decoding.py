"""From a query to a call, token by token: only what the template and the schema allow can be chosen. NumPy.

What a query spells is often copied into a value, so the network is asked about the next tokens of the query together
with the token before them (prompt lookup: Saxena, 2023); a wrong guess costs little and changes no answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from curation.ml.calls import Call, normalise_text
from training.students.base import UNREADABLE, Decoded
from training.students.causal.template import Slot, State, Template, joined
from training.students.causal.values import Unwritable
from training.students.causal.vocabulary import ANOTHER, ANSWER, NOTHING
from training.students.scores import log_softmax

FEATURES = (
    "function_log_probability",
    "function_margin",
    "refusal_log_odds",
    "parameters_log_probability",
    "weakest_parameter",
    "mean_parameter",
    "values_log_probability",
    "weakest_value_token",
    "mean_value_token",
    "weakest_value_margin",
    "value_tokens",
    "values_outside_query",
    "words",
    "arguments",
    "lists",
)
GUESSED = 6
"""Tokens of the query that are guessed at once."""
SURE = 20.0
"""Stands for the margin of a choice without an alternative."""


class Reading(Protocol):
    """One query in the network, read token by token."""

    def logits_after(self, tokens: Sequence[int], guess: Sequence[int], /) -> np.ndarray:
        """Reads the tokens and returns the logits [vocabulary] of the next; `guess` may follow them."""
        ...


class Network(Protocol):
    def open(self) -> Reading: ...


class Refused(Exception):
    """The answer came to no call; the message says why."""


@dataclass(slots=True)
class Scores:
    """Log-probabilities and margins of the choices of one kind."""

    log_probabilities: list[float] = field(default_factory=list)
    margins: list[float] = field(default_factory=list)

    @property
    def figures(self) -> tuple[float, float, float]:
        """Sum, least and mean; zeros where nothing had to be chosen."""
        chosen = self.log_probabilities or [0.0]
        return sum(chosen), min(chosen), sum(chosen) / len(chosen)


class Decoder:
    """Reads queries under one template."""

    def __init__(self, template: Template, network: Network, max_tokens: int, max_value_tokens: int) -> None:
        self._template = template
        self._network = network
        self._max_tokens = max_tokens
        self._max_value_tokens = max_value_tokens

    def __call__(self, query: str) -> Decoded:
        tokens = self._template.codec.query(query, self._max_tokens)
        if tokens is None:
            return Decoded(None, UNREADABLE)
        walk = _Walk(self._template, self._network.open(), tokens, self._max_value_tokens)
        try:
            call = walk.call()
        except Refused as refusal:
            return Decoded(None, str(refusal))
        problem = self._template.tools.problem_with(call.name, call.arguments)
        if problem:
            return Decoded(None, f"the call does not fit the schema: {problem}")
        return Decoded(call, "", walk.features(query, call))


class _Walk:
    """One query's way through the template."""

    def __init__(self, template: Template, reading: Reading, query: list[int], max_value_tokens: int) -> None:
        self._template = template
        self._reading = reading
        self._query = query
        self._tokens_left = max_value_tokens
        start = template.codec.start
        self._pending = [*([] if start is None else [start]), *query, template.tokens.mark(ANSWER)]
        self._refusal_log_odds = 0.0
        self._answer, self._parameters, self._values = Scores(), Scores(), Scores()

    def call(self) -> Call:
        """Raises Refused."""
        chosen = self._choose_answer()
        if chosen in self._template.refusals:
            raise Refused(self._template.refusals[chosen])
        function = self._template.functions[chosen]
        slots = self._template.slots[function]
        arguments: dict[str, Any] = {}
        chosen = self._decide(self._template.first[function])
        while chosen in slots:
            slot = slots[chosen]
            arguments[slot.name], chosen = self._argument(slot)
        return Call(function, arguments)

    def _choose_answer(self) -> int:
        legal = np.array(self._template.answer.tokens)
        score = log_softmax(self._logits()[legal])
        best = int(score.argmax())
        _note(self._answer, score, best)
        refusals = score[-len(self._template.refusals) :]
        self._refusal_log_odds = float(score[best] - np.logaddexp.reduce(refusals))
        return self._take(int(legal[best]))

    def _argument(self, slot: Slot) -> tuple[Any, int]:
        """The argument, and the token after it."""
        another = self._template.tokens.mark(ANOTHER)
        values: list[Any] = []
        chosen = another
        while chosen == another:
            written, chosen = self._value(slot, first=not values)
            if written is None:
                return None, chosen
            values.append(written)
        return joined(values, slot.schema), chosen

    def _value(self, slot: Slot, *, first: bool) -> tuple[Any, int]:
        """One value (None for null), and the token after it."""
        written: tuple[int, ...] = ()
        while self._tokens_left:
            self._tokens_left -= 1
            tokens, whole = slot.writer.next_tokens(written)
            ends = slot.inside.tokens if whole else slot.begun.tokens if first and not written else ()
            chosen = self._write(tokens, ends)
            if chosen == self._template.tokens.mark(NOTHING):
                return None, self._decide(slot.closed)
            if chosen in ends:
                return self._read(slot, written), chosen
            written = (*written, chosen)
        raise Refused("the values are too long")

    def _read(self, slot: Slot, written: tuple[int, ...]) -> Any:
        try:
            return slot.writer.value_of(written)
        except Unwritable as error:
            raise Refused(str(error)) from error

    def _decide(self, state: State) -> int:
        return self._choose(np.array(state.tokens), self._parameters)

    def _write(self, tokens: np.ndarray, ends: tuple[int, ...]) -> int:
        """The next token of a value, or the one that ends it: first whether it ends, then with what."""
        if not len(ends):
            return self._choose(tokens, self._values)
        if not len(tokens):
            return self._choose(np.array(ends), self._parameters)
        score = log_softmax(self._logits()[np.append(tokens, ends)])
        goes_on, stops = score[: len(tokens)], score[len(tokens) :]
        stop = np.logaddexp.reduce(stops)
        best = int(goes_on.argmax())
        if goes_on[best] > stop:
            _note(self._values, score, best)
            return self._take(int(tokens[best]))
        self._values.log_probabilities.append(float(stop))
        self._values.margins.append(min(SURE, float(stop - goes_on[best])))
        best = int(stops.argmax())
        _note(self._parameters, stops - stop, best)
        return self._take(ends[best])

    def _choose(self, legal: np.ndarray, scores: Scores) -> int:
        """The likeliest of the legal tokens. One alone is taken without asking the network."""
        if not len(legal):
            raise Refused("a value cannot be written")
        if len(legal) == 1:
            return self._take(int(legal[0]))
        score = log_softmax(self._logits()[legal])
        best = int(score.argmax())
        _note(scores, score, best)
        return self._take(int(legal[best]))

    def _logits(self) -> np.ndarray:
        logits = self._reading.logits_after(self._pending, self._guess())
        self._pending = []
        return logits

    def _take(self, token: int) -> int:
        self._pending.append(token)
        return token

    def _guess(self) -> list[int]:
        """What follows the last token in the query, where it stands there."""
        if self._pending[-1] not in self._query:
            return []
        place = self._query.index(self._pending[-1])
        return self._query[place + 1 : place + 1 + GUESSED]

    def features(self, query: str, call: Call) -> np.ndarray:
        """In the order of `FEATURES`."""
        answer = self._answer.log_probabilities[0]
        margins = self._values.margins or [SURE]
        lists = sum(isinstance(value, list) for value in call.arguments.values())
        return np.array(
            [
                answer,
                self._answer.margins[0],
                self._refusal_log_odds,
                *self._parameters.figures,
                *self._values.figures,
                min(margins),
                len(self._values.log_probabilities),
                _outside(call, query),
                np.log1p(len(query.split())),
                len(call.arguments),
                lists,
            ],
            dtype=np.float64,
        )


def _note(scores: Scores, log_probabilities: np.ndarray, best: int) -> None:
    scores.log_probabilities.append(float(log_probabilities[best]))
    others = np.delete(log_probabilities, best)
    margin = float(log_probabilities[best] - others.max()) if len(others) else SURE
    scores.margins.append(min(SURE, margin))


def _outside(call: Call, query: str) -> int:
    """How many texts among the values do not stand in the query."""
    asked = normalise_text(query)
    values = [item for value in call.arguments.values() for item in (value if isinstance(value, list) else [value])]
    return sum(isinstance(value, str) and normalise_text(value) not in asked for value in values)
