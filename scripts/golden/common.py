"""Shared by the golden-file scripts: paths, versions, deterministic random weights, and PyTorch models run in float64.

Not a script. The golden files come from Python so that the TypeScript code is held to PyTorch, transformers, peft and
sentence-transformers, and not to itself.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TQDM_DISABLE", "1")

import torch

FIXTURES = Path(__file__).resolve().parents[2] / "test" / "fixtures" / "golden"

# Two threads or more may add in another order from run to run.
torch.set_num_threads(1)


def versions(*packages: str) -> dict[str, str]:
    """Versions of the named packages and of torch, as stored in every golden JSON file."""
    found = {name: importlib.metadata.version(name) for name in ("torch", *packages)}
    print("versions:", ", ".join(f"{name} {version}" for name, version in found.items()))
    return found


def fresh(name: str) -> Path:
    """The emptied folder test/fixtures/golden/<name>."""
    folder = FIXTURES / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def write_json(path: Path, value: object) -> None:
    """Writes JSON with each list of plain values on one line, so that a diff shows which case changed."""
    path.write_text(_json(value, "") + "\n", encoding="utf-8")


def _json(value: object, indent: str) -> str:
    inner = indent + " "
    if isinstance(value, dict) and value:
        lines = [f"{inner}{json.dumps(key, ensure_ascii=False)}: {_json(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, (list, tuple)) and any(isinstance(item, (dict, list, tuple)) for item in value):
        return "[\n" + ",\n".join(inner + _json(item, inner) for item in value) + f"\n{indent}]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def rounded(values: torch.Tensor, digits: int) -> list[float]:
    """A tensor as a flat list of numbers with `digits` significant digits."""
    return [float(f"{value:.{digits}g}") for value in values.detach().double().flatten().tolist()]


def randomise(model: torch.nn.Module, generator: torch.Generator, matrix_std: float = 0.25) -> None:
    """
    Draws every parameter anew, large enough that each one shows in the output: matrices N(0, matrix_std^2), norm
    weights N(1, 0.2^2), embeddings N(0, 0.5^2), biases N(0, 0.3^2).
    """
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name.lower() and name.endswith("weight"):
                parameter.copy_(1 + 0.2 * noise)
            elif name.endswith("bias"):
                parameter.copy_(0.3 * noise)
            elif "embed" in name:
                parameter.copy_(0.5 * noise)
            else:
                parameter.copy_(matrix_std * noise)


@contextlib.contextmanager
def everything_float64() -> Iterator[None]:
    """
    Within it, code that asks for float32 gets float64. transformers casts to float32 inside norms, softmax and the
    rotary embedding, whatever the type of the model; a float64 reference needs those places in float64 too.
    """
    saved = (torch.float32, torch.float, torch.Tensor.float)
    torch.float32 = torch.float = torch.float64  # type: ignore[misc]
    torch.Tensor.float = torch.Tensor.double  # type: ignore[method-assign]
    try:
        yield
    finally:
        torch.float32, torch.float, torch.Tensor.float = saved  # type: ignore[misc]


def to_float64(model: torch.nn.Module) -> torch.nn.Module:
    """The decoder in float64, its rotary frequencies computed anew in float64. Run it within `everything_float64`."""
    model = model.double()
    with everything_float64():
        for module in list(model.modules()):
            if hasattr(module, "rotary_emb"):
                module.rotary_emb = type(module.rotary_emb)(config=module.rotary_emb.config)
    return model


def random_ids(generator: torch.Generator, vocab_size: int, length: int) -> list[int]:
    """Token ids in [3, vocab_size): the first three stand for padding, begin and end."""
    return torch.randint(3, vocab_size, (length,), generator=generator).tolist()
