"""Golden losses, gradients and AdamW trajectories of LoRA and CuMA, from a plain PyTorch float64 implementation.

Run from the repository root, after families.py (the base is its case `llama-untied-default-f32`):

    python scripts/golden/training.py

Writes test/fixtures/golden/training/: `expected.json` and one `<case>.safetensors` per case. Nothing of transformers or
peft takes part: decoder.py is written out, and checked against transformers in float64 at the start.

Letters: B sequences, T tokens, V vocabulary, E experts, r rank, K slots, D profile width, R router width, I and O the
input and output widths of a site. A site is a projection by its checkpoint name, `model.layers.0.self_attn.q_proj`.

    CuMA  y = W x + (alpha / r) sum_e g_e B_e A_e x
    LoRA  y = W x + (alpha / r) B (A x + C d)          without C d where `profileVector` is false

Parameters (names and layouts of the `param.` and `grad.` tensors):
- CuMA `<site>.lora_a` [E r, I], rows e r .. e r + r - 1 are A_e; with `shareA` [r, I], one A for all experts
- CuMA `<site>.lora_b` [E r, O], rows e r .. e r + r - 1 are the transpose of B_e [O, r]
- LoRA `<site>.lora_A.weight` [r, I], `<site>.lora_B.weight` [O, r], `<site>.lora_C.weight` [r, D]
- routers `<router>.w1x` [R, I], `.w1d` [R, D] (absent for D = 0), `.b1` [R], `.w2` [E, R], `.b2` [E]:
  s = w2 relu(w1x x + w1d d + b1) + b2, so [w1x w1d] is one linear layer on [x; d], with x the projection's input: the
  normalised hidden state for q, k, v, gate and up. With `shareRouter: layer`, <router> is
  `model.layers.{i}.self_attn.router` for q, k, v and `model.layers.{i}.mlp.router` for gate, up; else `<site>.router`.

Gates g [B, T, E] from s: topk-softmax: softmax over the K largest s; double-softmax: softmax over the K largest of
softmax(s); soft: softmax(s); soft-topk: softmax(s) cut to its K largest, not renormalised. 0 elsewhere.

Losses, in nats: taskLoss = mean over the answer tokens of the batch of -log p(label), the label at position t predicted
from position t - 1; with soft targets the mean over the answer positions of -sum_o p_o log q_o, q the softmax over the
whole vocabulary. auxLoss = sum over routers of E sum_e f_e p_e over unpadded tokens: f_e the share of the (token, slot)
pairs sent to e (soft: 1 / E), without gradient; p_e the mean gate. auxLoss is given where loadBalance is 0 too.
totalLoss = taskLoss + loadBalance auxLoss.

`<case>.safetensors`: `param.*` F32 (the computation starts from exactly these, in float64), `grad.*` F64 of totalLoss,
`gates.<router>` F64 [B, T, E] (0 at padding), `lastLogits` F64 [B, V] at each sequence's last unpadded token.
`expected.json`: base, sequences [B, T] padded right with 0, lengths, profiles [B, D], and per case the configuration,
labels [B, T] (-100 is no label) or softTargets, the losses, and `minGateMargin`, the smallest gap at an unpadded token
between the K-th and the next router logit: far above float32 errors, so that no engine may choose another expert.
`steps` (three cases): ten steps of torch.optim.AdamW(lr 3e-3, betas 0.9 0.999, eps 1e-8, weight_decay 0.01) on the same
batch, clip_grad_norm_ 1.0 before each; totalLosses and gradNorms (before clipping) belong to the parameters before each
step, `finalNorms` are the L2 norms of the parameters after the last. `decayAll` decays every parameter,
`decayMatrices` all but b1 and b2.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from common import FIXTURES, fresh, random_ids, versions, write_json
from decoder import Decoder

import torch
from safetensors.torch import save_file
from torch import Tensor

BASE = "llama-untied-default-f32"
LENGTHS = (7, 10, 5)
ANSWER_TOKENS = (2, 1, 2)
ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
FOUR_TARGETS = ("q_proj", "v_proj", "gate_proj", "up_proj")
ALL_TARGETS = (*ATTENTION, "gate_proj", "up_proj", "down_proj")
STEPS = 10
Params = dict[str, Tensor]


@dataclass(frozen=True)
class Case:
    name: str
    method: str = "cuma"
    targetModules: tuple[str, ...] = ("q_proj", "v_proj")
    r: int = 3
    loraAlpha: float = 6
    numExperts: int = 4
    topK: int = 2
    routerHidden: int = 5
    profileWidth: int = 6
    gating: str = "topk-softmax"
    shareA: bool = False
    shareRouter: str = "layer"
    profileVector: bool = False
    loadBalance: float = 0.0
    softTargets: bool = False
    steps: bool = False
    # Standard deviation of the parameters. All seven sites at 0.3 magnify rounding too much for float32 to follow.
    std: float = 0.3
    # Chosen so that minGateMargin is large, over the ten steps too.
    seed: int = 1


CASES = (
    Case("a-topk-softmax", loadBalance=0.01, steps=True, seed=13),
    Case("b-double-softmax", gating="double-softmax", shareA=True, loadBalance=0.02),
    Case("c-soft", gating="soft", targetModules=ALL_TARGETS, shareRouter="site"),
    Case("d-soft-topk", gating="soft-topk", targetModules=FOUR_TARGETS, loadBalance=0.01, seed=15),
    Case("e-lora", "lora", ALL_TARGETS, r=4, loraAlpha=8, profileWidth=0, steps=True, std=0.1),
    Case("f-lora-profile", "lora", profileVector=True),
    Case("g-soft-labels", loadBalance=0.01, softTargets=True, steps=True, seed=7),
    Case("h-demographic-free", loadBalance=0.01, profileWidth=0, seed=2),
)


def sites_of(case: Case, layers: int) -> list[str]:
    return [
        f"model.layers.{i}.{'self_attn' if target in ATTENTION else 'mlp'}.{target}"
        for i in range(layers) for target in ALL_TARGETS if target in case.targetModules
    ]


def router_of(case: Case, site: str) -> str:
    block, target = site.rsplit(".", 1)
    shared = case.shareRouter == "layer" and target not in ("o_proj", "down_proj")
    return f"{block}.router" if shared else f"{site}.router"


def draw(case: Case, base: Decoder, seed: int) -> Params:
    """Every parameter from N(0, std^2), rounded to float32."""
    generator = torch.Generator().manual_seed(seed)
    E, r, D, R = case.numExperts, case.r, case.profileWidth, case.routerHidden
    shapes: dict[str, tuple[int, ...]] = {}
    for site in sites_of(case, base.num_layers):
        out, width = base.w[f"{site}.weight"].shape
        if case.method == "lora":
            shapes |= {f"{site}.lora_A.weight": (r, width), f"{site}.lora_B.weight": (out, r)}
            shapes |= {f"{site}.lora_C.weight": (r, D)} if case.profileVector else {}
            continue
        shapes |= {f"{site}.lora_a": (r if case.shareA else E * r, width), f"{site}.lora_b": (E * r, out)}
        router = router_of(case, site)
        shapes |= {f"{router}.w1x": (R, width), f"{router}.b1": (R,), f"{router}.w2": (E, R), f"{router}.b2": (E,)}
        shapes |= {f"{router}.w1d": (R, D)} if D > 0 else {}
    return {name: (case.std * torch.randn(shape, generator=generator)).double() for name, shape in sorted(shapes.items())}


def gates_of(case: Case, s: Tensor) -> Tensor:
    """Router logits [..., E] to gates [..., E]."""
    p = s.softmax(-1)
    if case.gating == "soft":
        return p
    rest = torch.ones_like(s).scatter(-1, s.topk(case.topK).indices, 0).bool()
    if case.gating == "topk-softmax":
        return s.masked_fill(rest, -torch.inf).softmax(-1)
    if case.gating == "double-softmax":
        return p.masked_fill(rest, -torch.inf).softmax(-1)
    return p.masked_fill(rest, 0)


class Batch:
    """Token ids, labels or soft targets, and profile vectors; drawn once and used by every case."""

    def __init__(self, vocab_size: int) -> None:
        generator = torch.Generator().manual_seed(2024)
        self.sequences = [random_ids(generator, vocab_size, n) + [0] * (max(LENGTHS) - n) for n in LENGTHS]
        self.ids = torch.tensor(self.sequences)
        self.mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
        self.labels = [
            [token if n - answer <= t < n else -100 for t, token in enumerate(row)]
            for row, n, answer in zip(self.sequences, LENGTHS, ANSWER_TOKENS)
        ]
        self.profiles = torch.randn(len(LENGTHS), 6, generator=generator)
        probabilities = ([0.5, 0.375, 0.125], [0.0, 0.25, 0.75], [0.625, 0.0625, 0.3125])
        self.soft = [
            {"sequence": b, "position": n - 1, "ids": sorted(set(random_ids(generator, vocab_size, 9)))[:3],
             "probabilities": p}
            for b, (n, p) in enumerate(zip(LENGTHS, probabilities))
        ]


def run(case: Case, base: Decoder, batch: Batch, params: Params) -> dict[str, Any]:
    scale = case.loraAlpha / case.r
    profiles = batch.profiles.double()[:, None]  # [B, 1, D]
    logits_of: dict[str, Tensor] = {}

    def route(site: str, x: Tensor) -> Tensor:
        name = router_of(case, site)
        if name not in logits_of:
            first = x @ params[f"{name}.w1x"].T + params[f"{name}.b1"]
            if case.profileWidth > 0:
                first = first + profiles @ params[f"{name}.w1d"].T
            logits_of[name] = first.relu() @ params[f"{name}.w2"].T + params[f"{name}.b2"]
        return gates_of(case, logits_of[name])

    def adapt(site: str, x: Tensor) -> Tensor | float:
        if site not in sites:
            return 0.0
        if case.method == "lora":
            low = x @ params[f"{site}.lora_A.weight"].T
            if case.profileVector:
                low = low + profiles @ params[f"{site}.lora_C.weight"].T
            return scale * low @ params[f"{site}.lora_B.weight"].T
        g, delta = route(site, x), torch.zeros(())
        for e in range(case.numExperts):
            rows = slice(e * case.r, (e + 1) * case.r)
            a = params[f"{site}.lora_a"] if case.shareA else params[f"{site}.lora_a"][rows]
            b = params[f"{site}.lora_b"][rows].T
            delta = delta + g[..., e : e + 1] * (x @ a.T @ b.T)
        return scale * delta

    sites = set(sites_of(case, base.num_layers))
    logits = base.logits(batch.ids, adapt)
    log_p = logits.log_softmax(-1)
    if case.softTargets:
        terms = [-sum(p * log_p[t["sequence"], t["position"] - 1, o] for o, p in zip(t["ids"], t["probabilities"]))
                 for t in batch.soft]
    else:
        answers = [(b, t, label) for b, row in enumerate(batch.labels) for t, label in enumerate(row) if label != -100]
        terms = [-log_p[b, t - 1, label] for b, t, label in answers]
    task = torch.stack(terms).mean()

    aux, margin = torch.zeros((), dtype=torch.float64), float("inf")
    for s in logits_of.values():
        s = s[batch.mask]  # [tokens, E]
        k = case.numExperts if case.gating == "soft" else case.topK
        chosen = torch.zeros_like(s).scatter(-1, s.topk(k).indices, 1)
        aux = aux + case.numExperts * (chosen.mean(0) / k * gates_of(case, s).mean(0)).sum()
        if k < case.numExperts:
            ordered = s.detach().sort(-1, descending=True).values
            margin = min(margin, (ordered[:, k - 1] - ordered[:, k]).min().item())
    gates = {name: (gates_of(case, s) * batch.mask[..., None]).detach() for name, s in logits_of.items()}
    return {"logits": logits.detach(), "gates": gates, "task": task, "aux": aux, "margin": margin,
            "total": task + case.loadBalance * aux}


def train(case: Case, base: Decoder, batch: Batch, start: Params, decay_biases: bool) -> dict[str, Any]:
    params = {name: tensor.clone().requires_grad_() for name, tensor in start.items()}
    kept = {name for name in params if not decay_biases and name.endswith((".b1", ".b2"))}
    flat, rest = [params[n] for n in params if n in kept], [params[n] for n in params if n not in kept]
    groups = [{"params": rest, "weight_decay": 0.01}, {"params": flat, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=3e-3, betas=(0.9, 0.999), eps=1e-8)
    losses, norms, margin = [], [], float("inf")
    for _ in range(STEPS):
        optimizer.zero_grad()
        out = run(case, base, batch, params)
        out["total"].backward()
        losses.append(out["total"].item())
        norms.append(torch.nn.utils.clip_grad_norm_(list(params.values()), 1.0).item())
        margin = min(margin, out["margin"])
        optimizer.step()
    final = {name: p.detach().norm().item() for name, p in params.items()}
    found = {"totalLosses": losses, "gradNorms": norms, "finalNorms": final}
    return found if margin == float("inf") else found | {"minGateMargin": margin}


def check_gradient(case: Case, base: Decoder, batch: Batch, params: Params, grads: Params) -> None:
    """Fails unless the gradient agrees with a central difference along a random direction."""
    generator, h = torch.Generator().manual_seed(5), 1e-6
    way = {name: torch.randn(p.shape, generator=generator).double() for name, p in params.items()}
    ends = [run(case, base, batch, {n: p + sign * h * way[n] for n, p in params.items()})["total"] for sign in (1, -1)]
    numeric = (ends[0] - ends[1]).item() / (2 * h)
    exact = sum((grads[n] * way[n]).sum().item() for n in params)
    assert abs(numeric - exact) < 1e-5 * max(1, abs(exact)), (case.name, numeric, exact)


def describe(case: Case) -> dict[str, Any]:
    """The case's settings, without those that its method does not have."""
    cuma_only = {"numExperts", "topK", "routerHidden", "gating", "shareA", "shareRouter", "loadBalance"}
    left_out = {"name", "softTargets", "steps", "seed", "std", *({"profileVector"} if case.method == "cuma" else cuma_only)}
    return {key: value for key, value in asdict(case).items() if key not in left_out}


def main() -> None:
    root = fresh("training")
    base = Decoder(FIXTURES / "families" / BASE)
    batch = Batch(base.config["vocab_size"])
    base.check(batch.ids)
    found = []
    for case in CASES:
        params = draw(case, base, case.seed)
        leaves = {name: p.clone().requires_grad_() for name, p in params.items()}
        out = run(case, base, batch, leaves)
        out["total"].backward()
        grads = {name: p.grad for name, p in leaves.items()}
        check_gradient(case, base, batch, params, grads)
        last = out["logits"][torch.arange(len(LENGTHS)), torch.tensor(LENGTHS) - 1]
        tensors = {f"param.{n}": p.float() for n, p in params.items()} | {f"grad.{n}": g for n, g in grads.items()}
        tensors |= {f"gates.{name}": g for name, g in out["gates"].items()} | {"lastLogits": last}
        save_file({name: t.contiguous() for name, t in tensors.items()}, root / f"{case.name}.safetensors")
        row: dict[str, Any] = {"case": case.name, "config": describe(case)}
        row |= {"softTargets": batch.soft} if case.softTargets else {"labels": batch.labels}
        row |= {"taskLoss": out["task"].item(), "auxLoss": out["aux"].item(), "totalLoss": out["total"].item()}
        if out["margin"] < float("inf"):
            row["minGateMargin"] = out["margin"]
        if case.steps:
            row["steps"] = {"decayAll": train(case, base, batch, params, True),
                            "decayMatrices": train(case, base, batch, params, False)}
        margins = [part["minGateMargin"] for part in (row, *row.get("steps", {}).values()) if "minGateMargin" in part]
        assert all(margin > 2e-3 for margin in margins), (case.name, margins)
        found.append(row)
        norm = sum(g.pow(2).sum() for g in grads.values()).sqrt().item()
        print(f"{case.name:20} total loss {row['totalLoss']:.4f}, |grad| {norm:.3f}, gate margins {margins}")
    write_json(root / "expected.json", {
        "about": "scripts/golden/training.py, whose docstring gives names, layouts and formulas; float64",
        "versions": versions("transformers", "safetensors"),
        "base": f"../families/{BASE}",
        "sequences": batch.sequences,
        "lengths": list(LENGTHS),
        "profiles": batch.profiles.double().tolist(),
        "cases": found,
    })


if __name__ == "__main__":
    main()
