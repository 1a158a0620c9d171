"""Checkpoints of a training under way: tensors in safetensors, the rest in JSON, written so that a kill leaves one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


def save_checkpoint(folder: Path, network: nn.Module, optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Replaces the folder's checkpoint. `state` is JSON and names the epoch and the fingerprint of the run."""
    partial, current, previous = (folder / name for name in ("partial", "current", "previous"))
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    save_file(_tensors(network, optimiser), partial / "state.safetensors")
    (partial / "state.json").write_text(json.dumps(state))
    shutil.rmtree(previous, ignore_errors=True)
    if current.exists():
        current.rename(previous)
    partial.rename(current)


def restore_checkpoint(
    folder: Path | None, fingerprint: str, network: nn.Module, optimiser: torch.optim.Optimizer
) -> dict[str, Any] | None:
    """Loads the last checkpoint of the run with this fingerprint and returns its state; None where there is none."""
    for name in ("current", "previous"):
        place = folder / name if folder else None
        if place is None or not (place / "state.json").exists():
            continue
        state: dict[str, Any] = json.loads((place / "state.json").read_text())
        if state["fingerprint"] == fingerprint:
            _load(load_file(place / "state.safetensors"), network, optimiser)
            return state
    return None


def found_in(folder: Path) -> str:
    """From where a training with these checkpoints goes on, in words; empty where there are none."""
    found = [_epoch(folder / "current", "the training") or _epoch(folder / "previous", "the training")]
    for fold in sorted(folder.glob("fold-*")):
        part = f"part {int(fold.name.removeprefix('fold-')) + 1}"
        found.append(f"{part} is read" if any(fold.glob("*.json")) else _epoch(fold / "current", part))
    said = [line for line in found if line]
    return f"from its checkpoints ({'; '.join(said)})" if said else ""


def _epoch(place: Path, what: str) -> str:
    state = place / "state.json"
    return f"{what} after epoch {json.loads(state.read_text())['epoch']}" if state.exists() else ""


def _tensors(network: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    tensors = {f"network.{name}": value.contiguous() for name, value in network.state_dict().items()}
    for index, kept in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": torch.as_tensor(value) for name, value in kept.items()}
    return tensors


def _load(tensors: dict[str, Tensor], network: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    prefix = "network."
    network.load_state_dict({name.removeprefix(prefix): v for name, v in tensors.items() if name.startswith(prefix)})
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimiser."):
            _, index, key = name.split(".")
            state.setdefault(int(index), {})[key] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
