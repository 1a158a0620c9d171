from __future__ import annotations

import numpy as np
import pytest

from curation.ml import EMBEDDING_DIMENSIONS
from curation.ml.embedding import Embedder


def test_embeddings_are_unit_vectors_in_the_order_of_the_texts(embedder: Embedder) -> None:
    texts = ["play a song by an artist, please, if you can", "", "stop", "音楽", "word " * 20_000]
    vectors = embedder.embed(texts)
    assert vectors.shape == (len(texts), EMBEDDING_DIMENSIONS)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    alone = np.concatenate([embedder.embed([text]) for text in texts])
    assert np.allclose(vectors, alone, atol=1e-5)


def test_what_means_the_same_lies_nearer(embedder: Embedder) -> None:
    play, put_on, weather = embedder.embed(["play some music", "put on a song", "will it rain tomorrow"])
    assert play @ put_on > play @ weather


def test_no_texts_give_no_vectors(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, EMBEDDING_DIMENSIONS)


def test_progress_rises_to_one_and_can_stop_the_work(embedder: Embedder) -> None:
    told: list[float] = []
    embedder.embed(["some words here"] * 2_000, told.append)
    assert told == sorted(told)
    assert len(told) > 1
    assert told[-1] == 1.0
    with pytest.raises(KeyboardInterrupt):
        embedder.embed(["word"], _stop)


def _stop(fraction: float) -> None:
    raise KeyboardInterrupt
