"""Golden PEFT LoRA folders on a tiny Llama, and the logits they give.

Run from the repository root, after families.py (the base is its case `llama-untied-default-f32`):

    python scripts/golden/peftLora.py

Writes test/fixtures/golden/peft-lora/: per case the folder that `PeftModel.save_pretrained` writes
(adapter_config.json, adapter_model.safetensors), and `expected.json`:
`{ about, versions, base, cases }`, each case `{ case, sequences }`, each sequence
`{ inputIds, lastLogits [vocab], logProbs [length - 1] }` with `logProbs[t]` = log p(inputIds[t+1] | inputIds[..t]),
10 significant digits. `baseLastLogits` are those of the base alone.

Cases: `plain` (r 4, alpha 8 on q_proj and v_proj), `rslora` (the same with rank-stabilised scaling, alpha / sqrt(r)),
`regex` (target_modules as a regular expression, which picks other projections in other layers), `dora`
(plain with weight decomposition), and three initialisations: `pissa` (which rewrites the base: its folder is no difference to the
base as it is), `pissa-converted` (saved as a difference to the base) and `orthogonal` (which leaves the base alone). A is PEFT's own initialisation drawn anew, B is N(0, 0.3^2), and DoRA's magnitudes are
scaled by N(1, 0.2^2). The values are peft's own code, reading the folder back, in float64 throughout.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from common import FIXTURES, everything_float64, fresh, random_ids, rounded, to_float64, versions, write_json

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, PreTrainedModel

BASE = "llama-untied-default-f32"
LENGTHS = (9, 14)
REGEX = r"model\.layers\.(0|2)\.(self_attn\.(k|o)_proj|mlp\.down_proj)"

CASES: dict[str, dict[str, Any]] = {
    "plain": dict(target_modules=["q_proj", "v_proj"]),
    "rslora": dict(target_modules=["q_proj", "v_proj"], use_rslora=True),
    "regex": dict(target_modules=REGEX),
    "dora": dict(target_modules=["q_proj", "v_proj"], use_dora=True),
    "pissa": dict(target_modules=["q_proj", "v_proj"], init_lora_weights="pissa"),
    "pissa-converted": dict(target_modules=["q_proj", "v_proj"], init_lora_weights="pissa"),
    "orthogonal": dict(target_modules=["q_proj", "v_proj"], init_lora_weights="orthogonal"),
}


def load_base() -> PreTrainedModel:
    folder = FIXTURES / "families" / BASE
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def make(settings: dict[str, Any], folder: Path, seed: int) -> None:
    torch.manual_seed(seed)
    config = LoraConfig(r=4, lora_alpha=8, lora_dropout=0.0, task_type="CAUSAL_LM", **settings)
    model = get_peft_model(load_base(), config)
    converted = {}
    if folder.name.endswith("-converted"):
        initial = folder.parent / "initial"
        model.peft_config["default"].init_lora_weights = True
        model.save_pretrained(initial)
        model.peft_config["default"].init_lora_weights = settings["init_lora_weights"]
        converted["path_initial_model_for_weight_conversion"] = str(initial)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.3)
            elif "lora_magnitude_vector" in name:
                parameter.mul_(1 + 0.2 * torch.randn(parameter.shape))
    model.save_pretrained(folder, **converted)
    if converted:
        shutil.rmtree(initial)
    (folder / "README.md").unlink()
    path = folder / "adapter_config.json"
    saved = json.loads(path.read_text())
    saved["base_model_name_or_path"] = f"../../families/{BASE}"
    # A list of target modules is a set inside peft, and its order changes from run to run.
    if isinstance(saved["target_modules"], list):
        saved["target_modules"].sort()
    path.write_text(json.dumps(saved, indent=2) + "\n")


def logits(model: torch.nn.Module, sequences: list[list[int]]) -> list[torch.Tensor]:
    with torch.no_grad():
        to_float64(model)
        with everything_float64():
            found = [model(input_ids=torch.tensor([ids])).logits[0] for ids in sequences]
    assert all(each.dtype == torch.float64 for each in found)
    return found


def main() -> None:
    root = fresh("peft-lora")
    base = load_base()
    generator = torch.Generator().manual_seed(11)
    sequences = [random_ids(generator, base.config.vocab_size, length) for length in LENGTHS]
    plain = logits(base, sequences)
    found = []
    for seed, (name, settings) in enumerate(CASES.items()):
        make(settings, root / name, seed)
        adapted = logits(PeftModel.from_pretrained(load_base(), root / name).eval(), sequences)
        rows = []
        for ids, each in zip(sequences, adapted):
            log_probs = each.log_softmax(-1)[:-1].gather(1, torch.tensor(ids[1:])[:, None])
            rows.append({"inputIds": ids, "lastLogits": rounded(each[-1], 10), "logProbs": rounded(log_probs, 10)})
        found.append({"case": name, "sequences": rows})
        print(f"{name:8} changes the logits by {max((a - b).abs().max().item() for a, b in zip(adapted, plain)):.2f}")
    write_json(root / "expected.json", {
        "about": "scripts/golden/peftLora.py: peft on the folders beside, float64; 10 significant digits",
        "versions": versions("transformers", "peft", "safetensors"),
        "base": f"../families/{BASE}",
        "baseLastLogits": [rounded(each[-1], 10) for each in plain],
        "cases": found,
    })


if __name__ == "__main__":
    main()
