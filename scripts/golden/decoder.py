"""A Llama decoder in PyTorch float64, written out, for golden values that owe nothing to transformers or peft.

Not a script.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from common import everything_float64, to_float64

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModelForCausalLM

Adapt = Callable[[str, Tensor], Tensor | float]


class Decoder:
    """A Llama decoder in float64, written out. `adapt(site, x)` is added to the output of each projection."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = json.loads((folder / "config.json").read_text())
        self.w = {name: tensor.double() for name, tensor in load_file(folder / "model.safetensors").items()}
        self.num_layers: int = self.config["num_hidden_layers"]

    def norm(self, name: str, x: Tensor) -> Tensor:
        return self.w[f"{name}.weight"] * x / (x.pow(2).mean(-1, keepdim=True) + self.config["rms_norm_eps"]).sqrt()

    def logits(self, ids: Tensor, adapt: Adapt | None = None) -> Tensor:
        """ids [B, T] -> [B, T, V]; causal, so padding on the right changes no token before it."""
        c, w = self.config, self.w
        heads, kv, width = c["num_attention_heads"], c["num_key_value_heads"], c["head_dim"]
        length = ids.shape[1]
        half = torch.arange(width // 2, dtype=torch.float64)
        angle = torch.outer(torch.arange(length).double(), c["rope_parameters"]["rope_theta"] ** (-2 * half / width))

        def project(site: str, x: Tensor) -> Tensor:
            y = x @ w[f"{site}.weight"].T
            return y if adapt is None else y + adapt(site, x)

        def rotate(x: Tensor) -> Tensor:
            left, right = x.split(width // 2, -1)
            return torch.cat((left * angle.cos() - right * angle.sin(), right * angle.cos() + left * angle.sin()), -1)

        def split(x: Tensor, n: int) -> Tensor:
            return x.unflatten(-1, (n, width)).transpose(1, 2)  # [B, n, T, width]

        h = w["model.embed_tokens.weight"][ids]
        for i in range(self.num_layers):
            layer = f"model.layers.{i}"
            x = self.norm(f"{layer}.input_layernorm", h)
            q = rotate(split(project(f"{layer}.self_attn.q_proj", x), heads))
            k = rotate(split(project(f"{layer}.self_attn.k_proj", x), kv)).repeat_interleave(heads // kv, 1)
            v = split(project(f"{layer}.self_attn.v_proj", x), kv).repeat_interleave(heads // kv, 1)
            later = torch.ones(length, length).triu(1).bool()
            scores = (q @ k.transpose(-1, -2) / width**0.5).masked_fill(later, -torch.inf)
            mixed = (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)
            h = h + project(f"{layer}.self_attn.o_proj", mixed)
            x = self.norm(f"{layer}.post_attention_layernorm", h)
            gate = project(f"{layer}.mlp.gate_proj", x)
            up = project(f"{layer}.mlp.up_proj", x)
            h = h + project(f"{layer}.mlp.down_proj", gate * gate.sigmoid() * up)
        return self.norm("model.norm", h) @ w["lm_head.weight"].T

    def check(self, ids: Tensor) -> None:
        """Fails unless the logits are those of transformers in float64."""
        model = AutoModelForCausalLM.from_pretrained(self.folder, attn_implementation="eager").eval()
        with torch.no_grad():
            to_float64(model)
            with everything_float64():
                theirs = model(ids).logits
        difference = (theirs - self.logits(ids)).abs().max().item()
        print(f"base logits differ from transformers by {difference:.1e}")
        assert difference < 1e-11
