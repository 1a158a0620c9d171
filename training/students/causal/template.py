"""The template of an answer: what may come next at each place, and a call written out in it.

An answer is a refusal's token alone, or a function's token, then for each argument, in the order of the schema, its
parameter's token and its value, then the end. A value ends where the next parameter, another value or the end begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from curation.ml.calls import DEFAULT_RULES, Call, same_call
from curation.ml.tools import ToolSet
from training.students.causal.text import TextCodec
from training.students.causal.values import Unwritable, ValueSchema, Writer, Writers, schema_of, text_of
from training.students.causal.vocabulary import ANOTHER, COMPLEX, END, NO_CALL, NOTHING, NewTokens


@dataclass(frozen=True, slots=True)
class State:
    """A place in an answer: the new tokens that may come next, and whether text may."""

    tokens: tuple[int, ...]
    text: bool


@dataclass(frozen=True, slots=True)
class Slot:
    """A parameter of a function. `begun` is the state before its value, `inside` that while it is written (of the
    new tokens only those that end the value), `closed` that after null."""

    name: str
    schema: ValueSchema
    writer: Writer
    begun: State
    inside: State
    closed: State


@dataclass(frozen=True, slots=True)
class Step:
    """One token of an answer, with the state in which it was chosen."""

    token: int
    state: State


class Template:
    """The answers that one tool set allows. Functions without a token are never called."""

    def __init__(self, tools: ToolSet, tokens: NewTokens, codec: TextCodec) -> None:
        self.tools = tools
        self.tokens = tokens
        self.codec = codec
        self.refusals = {
            tokens.mark(COMPLEX): "the query is not simple",
            tokens.mark(NO_CALL): "the query asks for no call",
        }
        self.answer = State((*tokens.function.values(), *self.refusals), text=False)
        writers = Writers(codec)
        self.functions = {token: name for name, token in tokens.function.items()}
        self.slots = {name: self._slots(name, writers) for name in tokens.functions}
        self.first = {name: State(self._following(name, -1), text=False) for name in tokens.functions}

    def _slots(self, function: str, writers: Writers) -> dict[int, Slot]:
        names = self.tools.functions[function].parameters
        return {
            self.tokens.parameter[name]: self._slot(function, name, place, writers) for place, name in enumerate(names)
        }

    def _slot(self, function: str, name: str, place: int, writers: Writers) -> Slot:
        schema = schema_of(self.tools.functions[function], name)
        following = self._following(function, place)
        another = (self.tokens.mark(ANOTHER),) if schema.listed else ()
        nothing = (self.tokens.mark(NOTHING),) if schema.nullable else ()
        return Slot(
            name=name,
            schema=schema,
            writer=writers.of(schema),
            begun=State(nothing, text=True),
            inside=State((*following, *another), text=True),
            closed=State(following, text=False),
        )

    def _following(self, function: str, place: int) -> tuple[int, ...]:
        """The tokens that may come after the parameter at this place: no required parameter is passed over."""
        following = []
        for parameter in list(self.tools.functions[function].parameters.values())[place + 1 :]:
            following.append(self.tokens.parameter[parameter.name])
            if parameter.required:
                return tuple(following)
        return (*following, self.tokens.mark(END))

    def refusal(self, mark: int) -> list[Step]:
        return [Step(self.tokens.mark(mark), self.answer)]

    def written(self, call: Call) -> list[Step] | None:
        """The call as an answer; None where the template cannot say it."""
        if call.name not in self.slots:
            return None
        slots = self.slots[call.name]
        if set(call.arguments) - {slot.name for slot in slots.values()}:
            return None
        steps = [Step(self.tokens.function[call.name], self.answer)]
        state = self.first[call.name]
        arguments: dict[str, Any] = {}
        for token, slot in slots.items():
            if slot.name in call.arguments:
                steps.append(Step(token, state))
                state = self._write(call.arguments[slot.name], slot, steps, arguments)
        steps.append(Step(self.tokens.mark(END), state))
        legal = all(self._allows(step) for step in steps)
        same = same_call(Call(call.name, arguments), call, self.tools, DEFAULT_RULES)
        return steps if legal and same else None

    def _allows(self, step: Step) -> bool:
        return step.token in step.state.tokens if step.token >= self.tokens.base else step.state.text

    def _write(self, value: Any, slot: Slot, steps: list[Step], arguments: dict[str, Any]) -> State:
        """Appends the steps of a value, notes what would be read from them, and returns the state after it."""
        if value is None and slot.schema.nullable:
            steps.append(Step(self.tokens.mark(NOTHING), slot.begun))
            arguments[slot.name] = None
            return slot.closed
        items = value if isinstance(value, list) and slot.schema.listed else [value]
        read = []
        for place, item in enumerate(items):
            if place:
                steps.append(Step(self.tokens.mark(ANOTHER), slot.inside))
            tokens = self.codec.encode(text_of(item))
            steps += [Step(token, slot.inside if number else slot.begun) for number, token in enumerate(tokens)]
            read.append(_read(slot.writer, tokens))
        arguments[slot.name] = joined(read, slot.schema)
        return slot.inside


def joined(values: Sequence[Any], schema: ValueSchema) -> Any:
    """The argument that the values of one parameter make."""
    return list(values) if schema.only_listed or len(values) != 1 else values[0]


UNREAD = {"unread": True}


def _read(writer: Writer, tokens: list[int]) -> Any:
    """The value of the tokens if they can be chosen one by one; else what equals no value."""
    for place, token in enumerate(tokens):
        if token not in writer.next_tokens(tuple(tokens[:place]))[0]:
            return UNREAD
    if not writer.next_tokens(tuple(tokens))[1]:
        return UNREAD
    try:
        return writer.value_of(tokens)
    except Unwritable:
        return UNREAD
