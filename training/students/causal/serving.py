"""A trained causal student, ready to read queries. Torch and Transformers: imported only where one is served."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer

from curation.ml.tools import ToolSet
from training.students.base import Decoded
from training.students.causal.decoding import FEATURES, Decoder
from training.students.causal.network import load_model
from training.students.causal.template import Template
from training.students.causal.text import TextCodec
from training.students.causal.vocabulary import NewTokens


class CausalNetwork:
    """A model in memory, on the GPU where there is one. Thread-safe: each reading has its own cache."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model

    def open(self) -> CausalReading:
        return CausalReading(self.model)


class CausalReading:
    """One query, with the keys and values of the tokens read so far and the logits of those guessed ahead."""

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model
        self._cache: DynamicCache = DynamicCache(config=model.config)
        self._can_guess = all(type(layer) is DynamicLayer for layer in self._cache.layers)
        self._ahead: list[tuple[int, np.ndarray]] = []

    def logits_after(self, tokens: Sequence[int], guess: Sequence[int]) -> np.ndarray:
        """Reads the tokens and returns the logits [vocabulary] of the next; `guess` may follow them."""
        left = list(tokens)
        while left and self._ahead and self._ahead[0][0] == left[0]:
            _, logits = self._ahead.pop(0)
            left.pop(0)
        if not left:
            return logits
        self._forget_guesses()
        guessed = list(guess) if self._can_guess else []
        rows = self._read([*left, *guessed], 1 + len(guessed))
        self._ahead = list(zip(guessed, rows[1:], strict=True))
        first: np.ndarray = rows[0]
        return first

    def _forget_guesses(self) -> None:
        if self._ahead:
            self._cache.crop(-len(self._ahead))
            self._ahead = []

    def _read(self, tokens: list[int], kept: int) -> np.ndarray:
        """Logits [kept, vocabulary] after the last of the tokens."""
        with torch.inference_mode():
            ids = torch.tensor([tokens], device=self._model.device)
            outputs = self._model(ids, cache=self._cache, use_cache=True, logits_to_keep=kept)
            rows: np.ndarray = outputs.logits[0, -kept:].float().cpu().numpy()
        return rows


class CausalReader:
    """From a query to a decoded call, before the gate."""

    features = FEATURES

    def __init__(self, decoder: Decoder, model: PreTrainedModel) -> None:
        self._decoder = decoder
        self._on_processor = model.device.type == "cpu"

    def __call__(self, query: str) -> Decoded:
        if not self._on_processor:
            return self._decoder(query)
        with one_thread():
            return self._decoder(query)


@contextmanager
def one_thread() -> Iterator[None]:
    """On a processor, many queries on one thread each come through faster than one on many threads after another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def load_reader(folder: Path, meta: dict[str, Any], tools: ToolSet) -> CausalReader:
    """The reader of an artifact folder; `meta` is its meta.json."""
    config = meta["config"]
    codec = TextCodec.from_file(folder / "tokenizer.json", meta["start"])
    template = Template(tools, NewTokens.from_json(meta["tokens"]), codec)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = load_model(folder, device)
    decoder = Decoder(template, CausalNetwork(model), config["max_tokens"], config["max_value_tokens"])
    return CausalReader(decoder, model)
