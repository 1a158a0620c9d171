"""The base model with its new tokens and its adapters. Torch, Transformers, PEFT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig, PreTrainedModel
from transformers.utils.logging import disable_progress_bar

from training.students.base import TrainingError
from training.students.causal.text import TextCodec

NO_BASE = (
    "A causal student needs a base model: name a folder or a hub name of a Hugging Face causal language model, "
    "or a GGUF file, as `base`."
)


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A causal language model in single precision and its tokenizer."""

    model: PreTrainedModel
    codec: TextCodec


def load_base(base: str) -> BaseModel:
    """Reads a base model; only safetensors and GGUF, nothing is ever unpickled.

    Raises:
        TrainingError: none is named, or it cannot be read.
    """
    if not base:
        raise TrainingError(NO_BASE)
    disable_progress_bar()
    place, file = _address(base)
    # Blocks of a GGUF file cannot be trained: they are unpacked.
    unpacked = GgufConfig(dequantize=True) if file else None
    try:
        tokenizer = AutoTokenizer.from_pretrained(place, gguf_file=file)
        model = AutoModelForCausalLM.from_pretrained(
            place, gguf_file=file, quantization_config=unpacked, dtype=torch.float32, use_safetensors=True
        )
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise TrainingError(f"The base model {base} cannot be read: {error}") from error
    if not tokenizer.is_fast:
        raise TrainingError(f"The base model {base} has no fast tokenizer (`tokenizer.json`); choose another.")
    return BaseModel(model, TextCodec(tokenizer.backend_tokenizer, tokenizer.bos_token_id))


def _address(base: str) -> tuple[str, str | None]:
    """A folder or hub name, and the name of the GGUF file in it, if it is one."""
    path = Path(base)
    if path.suffix != ".gguf":
        return base, None
    if not path.is_file():
        raise TrainingError(f"There is no GGUF file {base}.")
    return str(path.parent), path.name


def add_tokens(base: BaseModel, texts: Sequence[str]) -> None:
    """Appends a token for each text; it starts as the mean of the text's tokens, on the way in and on the way out."""
    model = base.model
    old = rows_of(model)
    model.resize_token_embeddings(old + len(texts), mean_resizing=False)
    with torch.no_grad():
        for weight in (layer.weight for layer in _token_layers(model)):
            for place, text in enumerate(texts):
                weight[old + place] = weight[base.codec.encode(text)].mean(0)


def rows_of(model: PreTrainedModel) -> int:
    """How many tokens the model has embeddings for; at least as many as its tokenizer knows."""
    return len(_token_layers(model)[0].weight)


def width_of(model: PreTrainedModel) -> int:
    """The size of an embedding."""
    return int(_token_layers(model)[0].weight.shape[1])


def _token_layers(model: PreTrainedModel) -> list[nn.Embedding | nn.Linear]:
    """The layers with a row for each token, on the way in and on the way out; they may share their weights."""
    layers = [model.get_input_embeddings(), model.get_output_embeddings()]
    return [layer for layer in layers if isinstance(layer, nn.Embedding | nn.Linear)]


def with_adapters(model: PreTrainedModel, rank: int, tokens: range) -> PeftModel:
    """LoRA on every linear layer (Hu et al., 2021); of the embeddings only the rows of these tokens are trained."""
    layers = _token_layers(model)
    trained = {name: list(tokens) for name, module in model.named_modules() if module in layers}
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=rank,
        lora_alpha=2 * rank,
        target_modules="all-linear",
        trainable_token_indices=trained,
    )
    adapted = get_peft_model(model, config)
    assert isinstance(adapted, PeftModel)
    return adapted


def merged(model: nn.Module) -> PreTrainedModel:
    """The model with its adapters, if any, added to its weights."""
    plain = model.merge_and_unload() if isinstance(model, PeftModel) else model
    assert isinstance(plain, PreTrainedModel)
    return plain


def save_model(model: PreTrainedModel, folder: Path, dtype: torch.dtype) -> None:
    """Writes `config.json` and `model.safetensors`, in one file however large."""
    nn.Module.to(model, dtype).save_pretrained(folder, max_shard_size="1000GB")


def load_model(folder: Path, device: torch.device) -> PreTrainedModel:
    """The model of an artifact folder, in the precision that it was written in, ready to answer."""
    disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto", use_safetensors=True, local_files_only=True)
    loaded: PreTrainedModel = nn.Module.to(model, device).eval()
    return loaded


def logits_of(model: nn.Module, tokens: Tensor, present: Tensor, kept: int) -> Tensor:
    """Logits [batch, kept, vocabulary] after the last `kept` tokens; `tokens` and `present` are [batch, tokens]."""
    positions = (present.long().cumsum(-1) - 1).clamp(min=0)
    outputs = model(
        input_ids=tokens,
        attention_mask=present.long(),
        position_ids=positions,
        logits_to_keep=kept,
        use_cache=False,
    )
    logits: Tensor = outputs.logits[:, -kept:]
    return logits
