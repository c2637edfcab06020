"""Golden logits of tiny random decoders of every supported family.

Run from the repository root:

    python scripts/golden/families.py

Writes test/fixtures/golden/families/:

- `<case>/`: config.json and model.safetensors as transformers' `save_pretrained` writes them (one case sharded, one with
  its config.json in the spelling of transformers 4: `rope_theta`, `rope_scaling`, `torch_dtype`). Case names are
  `<family>-<tied|untied>-<rope>-<file dtype>`, and a few cases that show one setting.
- `expected.json`: `{ about, versions, cases }`, each case `{ case, sequences }`, each sequence
  `{ inputIds, lastLogits [vocab], logProbs [length - 1] }`; `logProbs[t]` is log p(inputIds[t+1] | inputIds[..t]), so
  that every position is checked. Both are natural units, 10 significant digits.

The expected values are transformers' own eager code, read back from the written folder and run in float64 throughout
(norms, softmax and rotary embedding included). `float32Difference` is the largest absolute difference that
transformers' ordinary float32 run shows to them over all logits of the case: a scale for tolerances.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common import everything_float64, fresh, random_ids, randomise, rounded, to_float64, versions, write_json

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig, PretrainedConfig, Qwen2Config, Qwen3Config
from transformers import SmolLM3Config

LENGTHS = (12, 20)
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}

SIZES: dict[str, Any] = dict(
    vocab_size=80,
    hidden_size=32,
    intermediate_size=40,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=64,
    # Far larger than in real models, so that it shows.
    rms_norm_eps=1e-3,
    pad_token_id=0,
    bos_token_id=1,
    eos_token_id=2,
)

# The families differ in rope base too, so that a family's own default cannot pass for the file's value.
FAMILIES: dict[str, tuple[type[PretrainedConfig], float, dict[str, Any]]] = {
    "llama": (LlamaConfig, 10_000.0, dict(num_hidden_layers=3)),
    "mistral": (MistralConfig, 5_000.0, dict(head_dim=12, sliding_window=None)),
    "qwen2": (Qwen2Config, 20_000.0, dict()),
    "qwen3": (Qwen3Config, 30_000.0, dict(head_dim=16)),
    "smollm3": (SmolLM3Config, 40_000.0, dict(num_hidden_layers=3, no_rope_layers=[1, 0, 1])),
}

# With 16 original positions, wavelengths of 6.3 are interpolated and longer ones than 16 divided by 8.
LLAMA3 = dict(
    rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16
)


@dataclass
class Case:
    family: str
    tied: bool
    rope: str
    dtype: str
    label: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    rope_settings: dict[str, Any] = field(default_factory=dict)
    dropped_keys: tuple[str, ...] = ()
    sharded: bool = False
    old_spelling: bool = False

    @property
    def name(self) -> str:
        return self.label or f"{self.family}-{'tied' if self.tied else 'untied'}-{self.rope}-{self.dtype}"


def cases() -> list[Case]:
    found = [Case("llama", tied, rope, dtype)
             for tied in (True, False) for rope in ("default", "llama3") for dtype in ("f32", "bf16")]
    for family in ("mistral", "qwen2", "qwen3", "smollm3"):
        found += [
            Case(family, True, "default", "f32"),
            Case(family, False, "default", "f32"),
            Case(family, True, "llama3", "bf16"),
            Case(family, False, "llama3", "bf16"),
        ]
    for case in found:
        case.sharded = case.name == "llama-untied-llama3-f32"
        case.old_spelling = case.name == "llama-tied-llama3-f32"
    found += [
        Case("llama", True, "default", "f16", settings=dict(num_hidden_layers=2)),
        Case("llama", True, "default", "bf16", "llama-biases", dict(attention_bias=True, mlp_bias=True, head_dim=12)),
        # Base 100 and 32 original positions: one wavelength each is kept, interpolated and divided.
        Case("llama", True, "llama3", "bf16", "llama-llama3-all-branches", dict(num_hidden_layers=2),
             dict(rope_theta=100.0, original_max_position_embeddings=32)),
        Case("mistral", True, "default", "bf16", "mistral-window", dict(sliding_window=6)),
        Case("qwen2", True, "default", "bf16", "qwen2-window",
             dict(use_sliding_window=True, sliding_window=6, max_window_layers=0)),
        Case("smollm3", True, "default", "bf16", "smollm3-interval",
             dict(no_rope_layers=None, no_rope_layer_interval=2), dropped_keys=("no_rope_layers", "layer_types")),
    ]
    return found


def make(case: Case, folder: Path) -> None:
    kind, theta, settings = FAMILIES[case.family]
    rope = {"rope_type": "default", "rope_theta": theta} if case.rope == "default" else {**LLAMA3, "rope_theta": theta}
    config = kind(**{**SIZES, **settings, **case.settings, "tie_word_embeddings": case.tied,
                     "rope_parameters": {**rope, **case.rope_settings}})
    model = AutoModelForCausalLM.from_config(config)
    # hash() of a string changes from run to run.
    randomise(model, torch.Generator().manual_seed(zlib.crc32(case.name.encode())))
    model.to(DTYPES[case.dtype]).save_pretrained(folder, **({"max_shard_size": "60KB"} if case.sharded else {}))
    # Only decoding defaults are in it.
    (folder / "generation_config.json").unlink(missing_ok=True)
    rewrite_config(case, folder / "config.json")


def rewrite_config(case: Case, path: Path) -> None:
    """Drops the case's keys from config.json, and spells it as transformers 4 did where the case asks for it."""
    config = {key: value for key, value in json.loads(path.read_text()).items() if key not in case.dropped_keys}
    if case.old_spelling:
        rope = config.pop("rope_parameters")
        config["rope_theta"] = rope.pop("rope_theta")
        config["rope_scaling"] = rope
        config["torch_dtype"] = config.pop("dtype")
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def expected(case: Case, folder: Path) -> dict[str, Any]:
    """Reads the folder back as a user would, and runs it twice."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    generator = torch.Generator().manual_seed(len(case.name))
    sequences = [random_ids(generator, SIZES["vocab_size"], length) for length in LENGTHS]
    with torch.no_grad():
        single = [model(torch.tensor([ids])).logits[0] for ids in sequences]
        to_float64(model)
        with everything_float64():
            double = [model(torch.tensor([ids])).logits[0] for ids in sequences]
    assert all(logits.dtype == torch.float64 for logits in double)
    difference = max((s - d).abs().max().item() for s, d in zip(single, double))
    rows = []
    for ids, logits in zip(sequences, double):
        log_probs = logits.log_softmax(-1)[:-1].gather(1, torch.tensor(ids[1:])[:, None])
        rows.append({"inputIds": ids, "lastLogits": rounded(logits[-1], 10), "logProbs": rounded(log_probs, 10)})
    return {"case": case.name, "float32Difference": float(f"{difference:.2g}"), "sequences": rows}


def main() -> None:
    root = fresh("families")
    found = []
    for case in cases():
        make(case, root / case.name)
        found.append(expected(case, root / case.name))
        print(f"{case.name:32} float32 differs by {found[-1]['float32Difference']:.1e}")
    write_json(root / "expected.json", {
        "about": "scripts/golden/families.py: float64 eager transformers on the weights as stored; 10 significant digits",
        "versions": versions("transformers", "safetensors"),
        "cases": found,
    })


if __name__ == "__main__":
    main()
