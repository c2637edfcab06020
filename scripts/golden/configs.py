"""What transformers reads in a config.json: absent keys, null, and the spellings of versions 4 and 5.

Run from the repository root with transformers 5, then with the Python of a transformers 4 (PyTorch is not needed):

    python scripts/golden/configs.py

Writes test/fixtures/golden/configs/transformers-5.json: `{ about, versions, cases }`, each case `{ case, config, resolved }`
with the file's content and what the family's config class makes of it, as far as numbers depend on it. `resolved` is null
where transformers cannot read the file. transformers-4.json has the cases that version 4 resolves otherwise.
"""

from __future__ import annotations

import copy
import importlib.metadata
import json
import logging
from pathlib import Path
from typing import Any

from transformers import AutoConfig

FOLDER = Path(__file__).resolve().parents[2] / "test" / "fixtures" / "golden" / "configs"

SMALL = {
    "vocab_size": 96,
    "hidden_size": 256,
    "intermediate_size": 80,
    "num_hidden_layers": 5,
    "num_attention_heads": 32,
    "num_key_value_heads": 2,
    "head_dim": 6,
    "hidden_act": "silu",
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
    "rope_theta": 5000.0,
    "tie_word_embeddings": True,
    "sliding_window": 16,
}
LLAMA3 = {"factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
BERT = {
    "vocab_size": 96,
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "hidden_act": "relu",
    "layer_norm_eps": 1e-6,
    "max_position_embeddings": 64,
    "type_vocab_size": 3,
}


def without(config: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in keys}


def decoder_cases(family: str) -> dict[str, dict[str, Any]]:
    cases = {"nothing": {}, "all": SMALL}
    cases |= {f"without {key}": without(SMALL, key) for key in SMALL}
    cases |= {f"{key} null": SMALL | {key: None} for key in ("num_key_value_heads", "sliding_window")}
    cases["version 5's spelling"] = without(SMALL, "rope_theta") | {
        "rope_parameters": {"rope_type": "default", "rope_theta": 7000.0}
    }
    scaling = {"rope_type": "llama3", **LLAMA3, "original_max_position_embeddings": 32}
    cases["scaled"] = SMALL | {"rope_scaling": scaling}
    cases["scaled, version 5's spelling"] = without(SMALL, "rope_theta") | {
        "rope_parameters": {**scaling, "rope_theta": 7000.0}
    }
    cases["scaled, without the original length"] = SMALL | {"rope_scaling": {"rope_type": "llama3", **LLAMA3}}
    if family in ("qwen2", "qwen3", "smollm3"):
        used = SMALL | {"use_sliding_window": True}
        cases["window used"] = used | {"max_window_layers": 0}
        cases["window used above"] = used | {"max_window_layers": 3}
        cases["window used nowhere"] = used | {"max_window_layers": 5}
        cases["window used, of unknown width"] = without(used, "sliding_window") | {"max_window_layers": 0}
        cases["window by layers"] = used | {"layer_types": ["full_attention"] * 4 + ["sliding_attention"]}
        cases["window in no layer"] = used | {"layer_types": ["full_attention"] * 5}
    if family == "smollm3":
        cases["positions in some layers"] = SMALL | {"no_rope_layers": [1, 0, 0, 1, 1]}
        cases["positions in every second layer"] = SMALL | {"no_rope_layer_interval": 2}
    return cases


def rope(config: Any) -> dict[str, Any]:
    """The rotary embedding, in the words of version 5."""
    if (found := getattr(config, "rope_parameters", None)) is not None:
        return {key: value for key, value in found.items() if value is not None}
    scaling = getattr(config, "rope_scaling", None) or {"rope_type": "default"}
    return {"rope_theta": config.rope_theta, **scaling}


def resolved(json_config: dict[str, Any]) -> dict[str, Any] | None:
    try:
        config = AutoConfig.for_model(**copy.deepcopy(json_config))
    except Exception:  # Each version has its own.
        return None
    if config.model_type == "bert":
        return {key: getattr(config, key) for key in BERT}
    keys = without(SMALL, "rope_theta", "head_dim", "sliding_window")
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    layer_types = getattr(config, "layer_types", None)
    window = getattr(config, "sliding_window", None)
    if layer_types is not None and "sliding_attention" not in layer_types:
        window = None
    return {
        **{key: getattr(config, key) for key in keys},
        "head_dim": head_dim,
        "rope": rope(config),
        "attention_bias": getattr(config, "attention_bias", False),
        "mlp_bias": getattr(config, "mlp_bias", False),
        # The width where any layer has a window.
        "sliding_window": window,
        "no_rope_layers": getattr(config, "no_rope_layers", None),
    }


def main() -> None:
    logging.disable(logging.WARNING)
    found = []
    for family in ("llama", "mistral", "qwen2", "qwen3", "smollm3", "bert"):
        cases = decoder_cases(family) if family != "bert" else {
            "nothing": {},
            "all": BERT,
            **{f"without {key}": without(BERT, key) for key in BERT},
        }
        for name, settings in cases.items():
            config = {"model_type": family, **settings}
            found.append({"case": f"{family}, {name}", "config": config, "resolved": resolved(config)})
    version = importlib.metadata.version("transformers")
    major = int(version.split(".")[0])
    if major < 5:
        newer = json.loads((FOLDER / "transformers-5.json").read_text())["cases"]
        found = [case for case, other in zip(found, newer, strict=True) if case != other]
    FOLDER.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(f"  {json.dumps(case)}" for case in found)
    about = "scripts/golden/configs.py: what each family's config class makes of a config.json"
    (FOLDER / f"transformers-{major}.json").write_text(
        f'{{\n "about": "{about}",\n "versions": {{"transformers": "{version}"}},\n "cases": [\n{lines}\n ]\n}}\n'
    )
    print(f"transformers {version}: {len(found)} cases, {sum(c['resolved'] is None for c in found)} not read")


if __name__ == "__main__":
    main()
