"""Personal data replaced by made-up data of the same shape: e-mail addresses, phone numbers, card numbers.

The same address or number becomes the same made-up one wherever it stands and however it is spaced, so that a text
and the arguments of its call stay consistent. Which one that is only the key tells.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Sequence
from typing import Any

from curation.ml.calls import Call

_EMAIL = r"(?<![\w.%+-])[\w.%+-]+@(?:[\w-]+\.)+[^\W\d_]{2,}"
_GAP = r"[\s()./-]{0,3}"

_CARD = re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w]|\.\d)")
_INTERNATIONAL = re.compile(rf"(?<![\w+])(?:\+|00(?=[\s(]?[1-9])){_GAP}[1-9](?:{_GAP}\d){{7,14}}(?!\d)")
_NATIONAL = re.compile(
    r"(?<![\w.,:+/-])(?:"
    r"\(0[1-9]\d{1,4}\)[ ]?\d{3,8}(?:[ -]\d{1,4})?"  # (030) 1234567
    r"|0[1-9]\d{1,4}[ /-]?\d{3,8}(?:[ -]?\d{2,5}){0,2}"  # 0170 1234567, 020 7946 0018
    r"|0[1-9](?:[ .-]\d\d){4}"  # 06 12 34 56 78
    r"|(?:1[ .-])?(?:\([2-9]\d\d\)[ ]?|[2-9]\d\d[ .-])[2-9]\d\d[ .-]\d{4}"  # (212) 555-0123, 212-555-0123
    r")(?![\w]|[.,:/-]\d)"
)
_SAID_TO_BE_ONE = re.compile(
    r"\b(?:call|phone|telephone|dial|ring|sms|whatsapp|tel|mobile|cell|fax)\b[^\d\n]{0,20}?"
    r"(?P<number>\d(?:[ ./-]?\d){6,14})"
    r"(?![\w]|[.,:]\d)(?!\s*(?:times|seconds?|minutes?|hours?|days?|years?|percent|%|euros?|dollars?|km|miles?)\b)",
    re.IGNORECASE,
)
_HOLDS_A_NUMBER = re.compile(
    r"phone|mobile|fax|msisdn|whatsapp|(?:^|_)tel(?:$|_)|card_?number|credit_?card", re.IGNORECASE
)
_DIGITS = range(7, 20)
_LEAST_OF_A_NATIONAL_NUMBER = 9
_CARD_STARTS = "23456"
_LEAST_OF_A_CARD = 13


class Mask:
    """Masks what belongs together: the parts of one record. `key` is secret, and each application has its own."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def texts(self, *texts: str) -> list[str]:
        """Each text, masked; all of them as one record."""
        return [str(text) for text in self.values(texts)]

    def values(self, values: Sequence[Any]) -> list[Any]:
        """JSON values and calls, masked; what one part shows to be personal is masked in the others too."""
        numbers: set[str] = set()
        addresses = False
        for name, text in _texts(values, ""):
            addresses = addresses or "@" in text
            numbers.update(_numbers(name, text))
        if not numbers and not addresses:
            return list(values)
        pattern = _pattern(numbers)
        return [self._masked(value, pattern) for value in values]

    def _masked(self, value: Any, pattern: re.Pattern[str]) -> Any:
        match value:
            case str():
                return pattern.sub(self._made_up, value)
            case Call():
                return Call(value.name, self._masked(value.arguments, pattern))
            case dict():
                return {self._masked(name, pattern): self._masked(one, pattern) for name, one in value.items()}
            case list():
                return [self._masked(one, pattern) for one in value]
            case int() if value >= 10 ** (_DIGITS.start - 1):
                return int(pattern.sub(self._made_up, str(value))) if _countable(value) else value
        return value

    def _made_up(self, match: re.Match[str]) -> str:
        found = match.group()
        return self._address(found) if "@" in found else self._number(found)

    def _address(self, address: str) -> str:
        """Letters for letters and digits for digits; the top-level domain stays."""
        body, dot, top = address.rpartition(".")
        stream = self._stream(address.lower(), len(body))
        return "".join(map(_other_character, body, stream)) + dot + top

    def _number(self, number: str) -> str:
        """Digits for digits. Leading zeros stay; a number of a card's length is no card's."""
        digits = _canonical(number)
        stream = self._stream(digits, len(digits))
        made = [_other_first(digits[0], stream[0]), *map(_other_digit, digits[1:], stream[1:])]
        if len(made) >= _LEAST_OF_A_CARD and _luhn("".join(made)):
            step = 2 if (int(made[-1]) + 1) % 10 == int(digits[-1]) else 1
            made[-1] = str((int(made[-1]) + step) % 10)
        zeros = sum(map(str.isdecimal, number)) - len(digits)
        rest = iter(["0"] * zeros + made)
        return "".join(next(rest) if character.isdecimal() else character for character in number)

    def _stream(self, content: str, length: int) -> bytes:
        seed = hmac.digest(self._key, content.encode("utf-8", "surrogatepass"), "sha256")
        return hashlib.shake_256(seed).digest(length)


def _texts(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Every text in a value, numbers as texts too, with the name of the field that it stands in."""
    match value:
        case str():
            yield name, value
        case Call():
            yield from _texts(value.arguments, "")
        case dict():
            for key, one in value.items():
                yield "", key
                yield from _texts(one, key)
        case list() | tuple():
            for one in value:
                yield from _texts(one, name)
        case int() if value >= 10 ** (_DIGITS.start - 1) and _countable(value):
            yield name, str(value)


def _countable(value: int) -> bool:
    """Whether it has no more digits than any number that is looked for; a bool is none, and longer ones cost time."""
    return value < 10**_DIGITS.stop


def _numbers(name: str, text: str) -> Iterator[str]:
    """The digits of the phone and card numbers in a text, without leading zeros."""
    if sum(map(str.isdecimal, text)) < _DIGITS.start:
        return
    if name and _HOLDS_A_NUMBER.search(name) and sum(map(str.isdecimal, text)) in _DIGITS:
        yield _canonical(text)
    for match in _CARD.finditer(text):
        digits = _canonical(match.group())
        if digits[:1] in tuple(_CARD_STARTS) and _luhn(digits):
            yield digits
    for match in _INTERNATIONAL.finditer(text):
        yield _canonical(match.group())
    for match in _NATIONAL.finditer(text):
        if sum(map(str.isdecimal, match.group())) in range(_LEAST_OF_A_NATIONAL_NUMBER, 13):
            yield _canonical(match.group())
    for match in _SAID_TO_BE_ONE.finditer(text):
        yield _canonical(match.group("number"))


def _pattern(numbers: set[str]) -> re.Pattern[str]:
    """Matches e-mail addresses, and these numbers however they are spaced, with their leading zeros."""
    spaced = [_GAP.join(_any_script(digit) for digit in digits) for digits in sorted(numbers - {""}, key=len)[::-1]]
    found = [_EMAIL, *(rf"(?<!\d)(?:0{_GAP}){{0,3}}{one}(?!\d)" for one in spaced)]
    return re.compile("|".join(found))


def _any_script(digit: str) -> str:
    """The digit as it stands in ASCII, full-width, Arabic, Persian and Devanagari texts."""
    return "[" + "".join(chr(zero + int(digit)) for zero in (0x30, 0xFF10, 0x660, 0x6F0, 0x966)) + "]"


def _canonical(number: str) -> str:
    return "".join(str(int(character)) for character in number if character.isdecimal()).lstrip("0")


def _luhn(digits: str) -> bool:
    if len(digits) not in range(_LEAST_OF_A_CARD, _DIGITS.stop):
        return False
    odd, even = digits[-1::-2], digits[-2::-2]
    return (sum(map(int, odd)) + sum(sum(divmod(2 * int(digit), 10)) for digit in even)) % 10 == 0


def _other_character(character: str, byte: int) -> str:
    """Never the same one, but for what is neither letter nor digit."""
    if character.isdecimal():
        return _other_digit(character, byte)
    if not character.isalpha():
        return character
    made = chr(97 + (ord(character.lower()[0]) - 97 + 1 + byte % 25) % 26)
    return made.upper() if character.isupper() else made


def _other_digit(digit: str, byte: int) -> str:
    return str((int(digit) + 1 + byte % 9) % 10)


def _other_first(digit: str, byte: int) -> str:
    """Never 0, which would change a number's length."""
    return str((int(digit) + byte % 8) % 9 + 1)
