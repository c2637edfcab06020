"""Compares what this package reads in folders with what transformers, tokenizers and peft read there.

Run from the repository root after `npm run build`:

    python scripts/golden/readings.py [FOLDER ...]

Without folders, those of test/fixtures/golden and of $CUMA_MODELS (default ~/.cache/cuma-models) that hold a config.json, a
tokenizer.json or an adapter_config.json. Compared are the configuration as far as numbers depend on it, the token ids of
some lines, the chat template on two messages, and an adapter's modules, rank and scale. Prints what differs, and what
either side refuses; ends with 1 where a reading differs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

ROOT = Path(__file__).resolve().parents[2]
FILES = ("config.json", "tokenizer.json", "adapter_config.json")
LINES = [
    "How important is family in your life?",
    "A. Very important\nB. Not at all\n\nAnswer:",
    "  two spaces, a tab\t, and the end ",
    "naïve café, Ελλάδα, Россия, 日本語, العربية, 한국어",
    "1234567 3.14 ½ №5 👩🏽‍🌾",
]
MESSAGES = [
    {"role": "system", "content": "You are a person from Japan."},
    {"role": "user", "content": "Do you trust others?\nA. Yes\nB. No"},
]


def folders() -> list[Path]:
    if sys.argv[1:]:
        return [Path(name).resolve() for name in sys.argv[1:]]
    models = Path(os.environ.get("CUMA_MODELS", Path.home() / ".cache" / "cuma-models"))
    found = {
        path.parent
        for root in (ROOT / "test" / "fixtures" / "golden", models)
        for name in FILES
        for path in root.rglob(name)
        if not path.parent.name.startswith(("1_", "2_"))
    }
    return sorted(found)


def ours(paths: list[Path]) -> list[dict[str, Any]]:
    asked = json.dumps({"lines": LINES, "messages": MESSAGES})
    script = ROOT / "dist" / "scripts" / "readings.js"
    found = subprocess.run(["node", script, asked, *map(str, paths)], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in found.stdout.splitlines()]


def config(folder: Path) -> dict[str, Any] | None:
    """What a decoder's configuration says; encoders are compared by their vectors (encoders.py)."""
    from transformers import AutoConfig

    read = AutoConfig.from_pretrained(folder)
    if read.model_type == "bert":
        return None
    rope = read.rope_parameters
    flags = getattr(read, "no_rope_layers", None) or []
    types = getattr(read, "layer_types", None)
    windowed = types is None or "sliding_attention" in types
    bias = getattr(read, "attention_bias", False)
    scaled = rope["rope_type"] == "llama3"
    return {
        "vocabSize": read.vocab_size,
        "hiddenSize": read.hidden_size,
        "intermediateSize": read.intermediate_size,
        "numLayers": read.num_hidden_layers,
        "numHeads": read.num_attention_heads,
        "numKvHeads": read.num_key_value_heads,
        "headDim": getattr(read, "head_dim", None) or read.hidden_size // read.num_attention_heads,
        "rmsNormEps": read.rms_norm_eps,
        "tieWordEmbeddings": read.tie_word_embeddings,
        "maxPositions": read.max_position_embeddings,
        "rope": {
            "theta": rope["rope_theta"],
            "llama3": {
                "factor": rope["factor"],
                "lowFreqFactor": rope["low_freq_factor"],
                "highFreqFactor": rope["high_freq_factor"],
                "originalMaxPositions": rope["original_max_position_embeddings"],
            } if scaled else None,
        },
        "bias": {"qkv": read.model_type == "qwen2" or bias, "o": bias, "mlp": getattr(read, "mlp_bias", False)},
        "noRopeLayers": [layer for layer, flag in enumerate(flags) if not flag],
        "slidingWindow": getattr(read, "sliding_window", None) if windowed else None,
    }


def ids(folder: Path) -> list[list[int]]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    return [tokenizer(line)["input_ids"] for line in LINES]


def chat(folder: Path) -> str | None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    # Without a template there is a plain prompt of our own.
    if not tokenizer.chat_template:
        return None
    return tokenizer.apply_chat_template(MESSAGES, tokenize=False, add_generation_prompt=True, enable_thinking=False)


def adapter(folder: Path) -> dict[str, Any]:
    from peft import PeftModel
    from peft.tuners.lora import LoraLayer
    from transformers import AutoModelForCausalLM

    base = json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"]
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(folder / base), folder)
    layers = {name.removeprefix("base_model.model."): each for name, each in model.named_modules()
              if isinstance(each, LoraLayer)}
    first = next(iter(layers.values()))
    return {"sites": list(layers), "r": first.r["default"], "scale": first.scaling["default"]}


READERS: dict[str, Callable[[Path], Any]] = {"config": config, "ids": ids, "chat": chat, "adapter": adapter}


def differences(what: str, mine: Any, theirs: Any) -> list[str]:
    if isinstance(mine, dict) and isinstance(theirs, dict):
        keys = [key for key in theirs if mine.get(key) != theirs[key]]
        return [f"{what}.{key}: ours {mine.get(key)!r}, theirs {theirs[key]!r}" for key in keys]
    if what == "ids":
        return [f"ids of {line!r}: ours {a}, theirs {b}" for line, a, b in zip(LINES, mine, theirs) if a != b]
    return [] if mine == theirs else [f"{what}: ours {mine!r}, theirs {theirs!r}"]


def main() -> int:
    paths = folders()
    compared, different = 0, 0
    for path, mine in zip(paths, ours(paths), strict=True):
        lines = []
        for what, read in READERS.items():
            if what not in mine:
                continue
            refused = mine[what].get("error") if isinstance(mine[what], dict) else None
            try:
                theirs = read(path)
            except Exception as error:  # Whatever they raise, it is their answer.
                lines.append(f"  {what}: they refuse: {str(error).splitlines()[0][:200]}; ours {'refuses' if refused else 'reads'}")
                continue
            if theirs is None:
                continue
            if refused:
                lines.append(f"  {what}: refused here: {refused}")
                continue
            compared += 1
            found = differences(what, mine[what], theirs)
            different += len(found) > 0
            lines += [f"  {line}" for line in found]
        if lines:
            print(path, *lines, sep="\n")
    print(f"{len(paths)} folders, {compared} readings compared, {different} differ")
    return int(different > 0)


if __name__ == "__main__":
    sys.exit(main())
