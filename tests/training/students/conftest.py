"""A pre-trained encoder small enough to train in a second, and a language of easy queries."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from curation.ml.calls import Call
from training.students.base import Example, Progress
from training.students.distillation import DistillationReport, distil
from training.students.encoder.config import EncoderConfig

WIDTH, INNER, LAYERS = 32, 64, 2
NAMES = [
    "Nina",
    "Simone",
    "Blur",
    "Fela",
    "Kuti",
    "Björk",
    "Miles",
    "Davis",
    "Can",
    "Air",
    "Sade",
    "Adu",
    "Low",
    "Wire",
]
WORDS = "play songs by set volume to weather in the please now some music a and like how are you thanks hello me"
TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": "play_music",
            "description": "Play music.",
            "parameters": {
                "type": "object",
                "properties": {
                    "artist": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
                    "mood": {"type": "string", "enum": ["calm", "lively"]},
                },
                "required": ["artist"],
            },
        },
    },
    {
        "type": "function",
        "function": {
            "name": "set_volume",
            "description": "Set the volume.",
            "parameters": {
                "type": "object",
                "properties": {"level": {"type": "integer"}},
                "required": ["level"],
            },
        },
    },
]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Networks this small lose time by being shared out."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a BERT encoder of random weights."""
    folder = tmp_path_factory.mktemp("encoder")
    tokenizer = _tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    shape = {
        "model_type": "bert",
        "vocab_size": tokenizer.get_vocab_size(),
        "hidden_size": WIDTH,
        "num_attention_heads": 2,
        "intermediate_size": INNER,
        "num_hidden_layers": LAYERS,
        "layer_norm_eps": 1e-12,
    }
    (folder / "config.json").write_text(json.dumps(shape))
    save_file(_weights(tokenizer.get_vocab_size()), folder / "model.safetensors")
    return folder


def _tokenizer() -> Tokenizer:
    characters = string.ascii_lowercase + string.digits + string.punctuation
    names = " ".join(NAMES).lower().replace("ö", "o").split()
    words = sorted({*WORDS.split(), *names, *characters, *(f"##{letter}" for letter in characters)})
    vocabulary = {word: index for index, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def _weights(vocabulary: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = {
        "embeddings.word_embeddings.weight": (vocabulary, WIDTH),
        "embeddings.position_embeddings.weight": (512, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
    }
    norms = ["embeddings.LayerNorm"]
    for index in range(LAYERS):
        layer = f"encoder.layer.{index}"
        linears = {f"attention.self.{name}": (WIDTH, WIDTH) for name in ("query", "key", "value")}
        linears |= {"attention.output.dense": (WIDTH, WIDTH)}
        linears |= {"intermediate.dense": (INNER, WIDTH), "output.dense": (WIDTH, INNER)}
        shapes |= {f"{layer}.{name}.weight": shape for name, shape in linears.items()}
        shapes |= {f"{layer}.{name}.bias": shape[:1] for name, shape in linears.items()}  # type: ignore[misc]
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
    weights = {name: torch.randn(shape, generator=generator) * 0.2 for name, shape in shapes.items()}
    for norm in norms:
        weights |= {f"{norm}.weight": torch.ones(WIDTH), f"{norm}.bias": torch.zeros(WIDTH)}
    return weights


@pytest.fixture(scope="session")
def tiny_config(tiny_encoder: Path) -> EncoderConfig:
    return EncoderConfig(
        base=str(tiny_encoder),
        layers=1,
        epochs=20,
        learning_rate=3e-3,
        head_learning_rate=3e-3,
        dropout=0.0,
        calibration_wanted=0,
        precision="float32",
    )


def make_examples(count: int, seed: int) -> list[Example]:
    """Queries for music and volume, small talk, and wishes of two at once that are not simple."""
    chance = random.Random(seed)
    return [_example(f"example-{seed}-{index}", chance) for index in range(count)]


def _example(name: str, chance: random.Random) -> Example:
    artist, level = " ".join(chance.sample(NAMES, chance.randint(1, 3))), chance.randint(0, 9999)
    kind = chance.random()
    if kind < 0.45:
        mood = chance.choice(["calm", "lively"])
        query = f"{chance.choice(['play', 'please play'])} {'slow' if mood == 'calm' else 'fast'} songs by {artist}"
        return Example(name, query, Call("play_music", {"artist": artist, "mood": mood}), "simple")
    if kind < 0.8:
        query = f"{chance.choice(['set volume to', 'volume'])} {level}{chance.choice(['', ' please'])}"
        return Example(name, query, Call("set_volume", {"level": level}), "simple")
    if kind < 0.9:
        return Example(name, chance.choice(["hello", "thanks", "how are you"]), None, "no_call")
    query = f"play {artist} and set volume to {level}"
    return Example(name, query, Call("play_music", {"artist": artist}), "complex")


def quiet(progress: Progress) -> None:
    """A progress callback that tells nobody."""


@pytest.fixture(scope="session")
def distil_tiny(tiny_config: EncoderConfig) -> Callable[..., DistillationReport]:
    """Distils the easy language into a folder; keyword arguments replace what `distil` gets."""

    def run(folder: Path, **changes: Any) -> DistillationReport:
        arguments: dict[str, Any] = {
            "train": make_examples(300, seed=1),
            "calibration": make_examples(400, seed=2),
            "tools": TOOLS,
            "version": "tiny",
            "folder": folder,
            "config": tiny_config,
            "progress": quiet,
        }
        return distil(**{**arguments, **changes})

    return run


@pytest.fixture(scope="session")
def student_folder(tmp_path_factory: pytest.TempPathFactory, distil_tiny: Callable[..., DistillationReport]) -> Path:
    """The artifact of a student of the easy language. Read only."""
    folder = tmp_path_factory.mktemp("artifacts") / "student"
    distil_tiny(folder)
    return folder
