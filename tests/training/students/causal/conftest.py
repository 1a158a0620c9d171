"""A causal language model of random weights, small enough to train in seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tests.training.students.conftest import NAMES, TOOLS, WORDS, make_examples, quiet
from training.students.causal.config import CausalConfig
from training.students.causal.text import TextCodec
from training.students.distillation import DistillationReport, distil

START, END = "<s>", "</s>"


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a Llama of two layers and its tokenizer, as Hugging Face saves them."""
    folder = tmp_path_factory.mktemp("causal")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=_tokenizer(), bos_token=START, eos_token=END)
    tokenizer.save_pretrained(folder)
    shape = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        initializer_range=0.1,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(shape).save_pretrained(folder)
    return folder


def _tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    digits = pre_tokenizers.Digits(individual_digits=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=[START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    words = [*WORDS.split(), *NAMES, "calm", "lively", "slow", "fast", "volume"]
    tokenizer.train_from_iterator([f" {word}" for word in words for _ in range(3)], trainer)
    return tokenizer


@pytest.fixture(scope="session")
def codec(tiny_model: Path) -> TextCodec:
    return TextCodec.from_file(tiny_model / "tokenizer.json", start=0)


@pytest.fixture(scope="session")
def tiny_causal(tiny_model: Path) -> CausalConfig:
    """All weights are trained: what a base of random weights knows is not worth keeping."""
    return CausalConfig(
        base=str(tiny_model),
        epochs=10,
        learning_rate=3e-3,
        lora_rank=0,
        calibration_wanted=0,
        max_value_tokens=16,
        precision="float32",
    )


@pytest.fixture(scope="session")
def distil_causal(tiny_causal: CausalConfig) -> Callable[..., DistillationReport]:
    """Distils the easy language into a folder; keyword arguments replace what `distil` gets."""

    def run(folder: Path, **changes: Any) -> DistillationReport:
        arguments: dict[str, Any] = {
            "train": make_examples(500, seed=1),
            "calibration": make_examples(300, seed=2),
            "tools": TOOLS,
            "version": "tiny",
            "folder": folder,
            "config": tiny_causal,
            "progress": quiet,
        }
        return distil(**{**arguments, **changes})

    return run


@pytest.fixture(scope="session")
def causal_folder(tmp_path_factory: pytest.TempPathFactory, distil_causal: Callable[..., DistillationReport]) -> Path:
    """The artifact of a causal student of the easy language. Read only."""
    folder = tmp_path_factory.mktemp("artifacts") / "student"
    distil_causal(folder)
    return folder
