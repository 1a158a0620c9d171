"""What must hold of base models: they are read from a folder or a GGUF file, and what they become can be written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import gguf
import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, LlamaForCausalLM, PreTrainedConfig

from curation.ml.calls import DEFAULT_RULES
from curation.ml.tools import parse_tools
from tests.training.students.conftest import TOOLS, make_examples, quiet
from training.students.base import TrainingError
from training.students.causal.config import CausalConfig
from training.students.causal.learning import learn
from training.students.causal.network import add_tokens, load_base, load_model, rows_of, save_model
from training.students.causal.serving import load_reader

NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


@pytest.fixture
def gguf_file(tiny_model: Path, tmp_path: Path) -> Path:
    """The tiny model as llama.cpp stores it."""
    path = tmp_path / "tiny.gguf"
    model = LlamaForCausalLM.from_pretrained(tiny_model)
    writer = gguf.GGUFWriter(path, "llama")
    _describe(writer, model.config)
    _spell(writer, json.loads((tiny_model / "tokenizer.json").read_text())["model"])
    for name, weight in model.state_dict().items():
        if name != "lm_head.weight":
            writer.add_tensor(_stored_name(name), weight.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _describe(writer: gguf.GGUFWriter, shape: LlamaConfig) -> None:
    writer.add_context_length(256)
    writer.add_embedding_length(shape.hidden_size)
    writer.add_block_count(shape.num_hidden_layers)
    writer.add_feed_forward_length(shape.intermediate_size)
    writer.add_head_count(shape.num_attention_heads)
    writer.add_head_count_kv(shape.num_attention_heads)
    writer.add_layer_norm_rms_eps(shape.rms_norm_eps)
    writer.add_rope_freq_base(10_000.0)
    writer.add_vocab_size(shape.vocab_size)


def _spell(writer: gguf.GGUFWriter, tokenizer: dict[str, dict[str, int]]) -> None:
    tokens = sorted(tokenizer["vocab"], key=tokenizer["vocab"].__getitem__)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3] + [1] * (len(tokens) - 2))
    writer.add_token_merges([" ".join(merge) for merge in tokenizer["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)


def _stored_name(name: str) -> str:
    name = name.removesuffix(".weight")
    if name in NAMES:
        return f"{NAMES[name]}.weight"
    _, _, layer, part = name.split(".", 3)
    return f"blk.{layer}.{NAMES[part]}.weight"


def test_a_gguf_file_is_a_base_that_can_be_trained_and_written(
    gguf_file: Path, tiny_model: Path, tmp_path: Path
) -> None:
    base, folder = load_base(str(gguf_file)), load_base(str(tiny_model))
    assert base.codec.encode("play Nina 45") == folder.codec.encode("play Nina 45")
    assert base.codec.start == folder.codec.start == 0
    assert all(weight.requires_grad for weight in base.model.parameters())
    (tmp_path / "written").mkdir()
    save_model(base.model, tmp_path / "written", torch.float32)
    written = load_model(tmp_path / "written", torch.device("cpu"))
    assert rows_of(written) == rows_of(base.model) == rows_of(folder.model)


def test_new_tokens_start_from_the_words_they_stand_for(tiny_model: Path) -> None:
    base = load_base(str(tiny_model))
    old = rows_of(base.model)
    add_tokens(base, ["play songs", "volume"])
    rows = base.model.state_dict()["model.embed_tokens.weight"]
    assert len(rows) == old + 2
    assert torch.allclose(rows[old], rows[base.codec.encode("play songs")].mean(0))
    assert torch.equal(base.model.state_dict()["lm_head.weight"], rows)


@pytest.mark.parametrize(
    ("base", "sentence"),
    [("", "needs a base model: name a folder"), ("no/such folder", "cannot be read"), ("x.gguf", "no GGUF file")],
)
def test_a_base_that_is_not_there_is_said(base: str, sentence: str) -> None:
    with pytest.raises(TrainingError, match=sentence):
        load_base(base)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning", "ignore:fan_in_fan_out:UserWarning")
@pytest.mark.parametrize(
    "shape",
    [
        LlamaConfig(hidden_size=32, intermediate_size=64, num_attention_heads=2, tie_word_embeddings=False),
        GPT2Config(n_embd=32, n_head=2),
    ],
    ids=["separate embeddings", "learned positions"],
)
def test_adapters_suit_other_architectures(shape: PreTrainedConfig, tiny_model: Path, tmp_path: Path) -> None:
    shape.num_hidden_layers = 2
    shape.vocab_size = rows_of(load_base(str(tiny_model)).model)
    shutil.copy(tiny_model / "tokenizer.json", tmp_path)
    shutil.copy(tiny_model / "tokenizer_config.json", tmp_path)
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(shape).save_pretrained(tmp_path)
    tools = parse_tools(TOOLS)
    config = CausalConfig(base=str(tmp_path), epochs=12, learning_rate=5e-3, lora_rank=2, precision="float32")
    learned = learn(make_examples(60, seed=1), tools, config, quiet, None, "")
    assert learned.curve[-1]["loss"] < 0.8 * learned.curve[0]["loss"]
    learned.write(tmp_path, tools, [], DEFAULT_RULES)
    read = load_reader(tmp_path, {"config": config.as_json(), **learned.meta()}, tools)
    assert all(read(example.query).call or read(example.query).reason for example in make_examples(5, seed=2))
