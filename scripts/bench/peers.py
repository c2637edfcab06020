"""The same training step in PyTorch, for comparison: one process, one JSON line.

    python scripts/bench/peers.py STYLE [--experts E] [--sequences B] [--tokens T] [--steps N] [--threads N]

Shape of SmolLM2-135M with random weights; CuMA on q_proj and v_proj, r = 8, top-2, one router per layer; 2 answer tokens
per sequence; AdamW with clipping. STYLE is

- `fused`: written for speed by hand: all experts' matrices in one product, fused attention, logits at the answer tokens only;
- `reference`: as the CuMA reference code computes it: a loop over experts with a product each, logits for every token.
"""

from __future__ import annotations

import argparse
import json
import resource
import time

import torch
import torch.nn.functional as F
from torch import nn

V, H, I, LAYERS, HEADS, KV, D = 49152, 576, 1536, 30, 9, 3, 64
R, TOP_K, PROFILE, HIDDEN, ANSWERS = 8, 2, 384, 256, 2


def frozen(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.empty(*shape).uniform_(-0.03, 0.03), requires_grad=False)


class Layer(nn.Module):
    def __init__(self, experts: int, style: str) -> None:
        super().__init__()
        self.experts, self.style = experts, style
        self.q, self.k, self.v, self.o = frozen(H, H), frozen(KV * D, H), frozen(KV * D, H), frozen(H, H)
        self.gate, self.up, self.down = frozen(I, H), frozen(I, H), frozen(H, I)
        self.norm1 = nn.Parameter(torch.ones(H), requires_grad=False)
        self.norm2 = nn.Parameter(torch.ones(H), requires_grad=False)
        self.router = nn.Sequential(nn.Linear(H + PROFILE, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, experts))
        if style == "fused":
            self.a = nn.ParameterList([nn.Parameter(0.01 * torch.randn(experts * R, H)) for _ in range(2)])
            self.b = nn.ParameterList([nn.Parameter(torch.zeros(out, experts * R)) for out in (H, KV * D)])
        else:
            self.a = nn.ParameterList([nn.Parameter(0.01 * torch.randn(R, H)) for _ in range(2 * experts)])
            self.b = nn.ParameterList([nn.Parameter(torch.zeros(out, R)) for out in (H, KV * D) for _ in range(experts)])

    def route(self, x: torch.Tensor, profile: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if self.style == "fused":
            first = self.router[0]
            hidden = x @ first.weight[:, :H].T + (profile @ first.weight[:, H:].T + first.bias)[:, None]
            scores = self.router[2](F.relu(hidden))
        else:
            scores = self.router(torch.cat([x, profile[:, None].expand(-1, x.shape[1], -1)], dim=-1))
        top, index = scores.topk(TOP_K, dim=-1)
        gates = torch.zeros_like(scores).scatter(-1, index, top.softmax(-1))
        chosen = torch.zeros_like(scores).scatter(-1, index, 1.0)
        balance = self.experts * (chosen.mean((0, 1)) / TOP_K * gates.mean((0, 1))).sum()
        return gates, balance

    def delta(self, x: torch.Tensor, gates: torch.Tensor, site: int) -> torch.Tensor:
        if self.style == "fused":
            inner = x @ self.a[site].T
            weighted = inner.unflatten(-1, (self.experts, R)) * gates[..., None]
            return 2 * weighted.flatten(-2) @ self.b[site].T
        out = 0
        for e in range(self.experts):
            at = site * self.experts + e
            out = out + gates[..., e : e + 1] * F.linear(F.linear(x, self.a[at]), self.b[at])
        return 2 * out

    def forward(self, h, profile, cos, sin):
        B, T, _ = h.shape
        x = F.rms_norm(h, (H,), self.norm1, 1e-5)
        gates, balance = self.route(x, profile)
        q = (x @ self.q.T + self.delta(x, gates, 0)).view(B, T, HEADS, D).transpose(1, 2)
        k = (x @ self.k.T).view(B, T, KV, D).transpose(1, 2)
        v = (x @ self.v.T + self.delta(x, gates, 1)).view(B, T, KV, D).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        h = h + attended.transpose(1, 2).reshape(B, T, H) @ self.o.T
        x = F.rms_norm(h, (H,), self.norm2, 1e-5)
        return h + (F.silu(x @ self.gate.T) * (x @ self.up.T)) @ self.down.T, balance


def rotate(x, cos, sin):
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("style", choices=["fused", "reference"])
    for name, default in {"experts": 8, "sequences": 8, "tokens": 96, "steps": 5, "threads": 2}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(args.threads)
    B, T = args.sequences, args.tokens

    start = time.perf_counter()
    embedding, norm = frozen(V, H), torch.ones(H)
    layers = [Layer(args.experts, args.style) for _ in range(LAYERS)]
    parameters = [p for layer in layers for p in layer.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=2e-5, weight_decay=0)
    ids = torch.randint(V, (B, T))
    profile = torch.randn(B, PROFILE)
    rows = torch.tensor([b * T + T - 1 - ANSWERS + i for b in range(B) for i in range(ANSWERS)])
    labels = torch.randint(V, (B * ANSWERS,))
    angles = torch.arange(T)[:, None] * 100_000 ** (-torch.arange(0, D, 2) / D)
    cos, sin = angles.cos(), angles.sin()
    times = []
    for _ in range(args.steps + 1):
        begin = time.perf_counter()
        h, aux = embedding[ids], 0
        for layer in layers:
            h, balance = layer(h, profile, cos, sin)
            aux = aux + balance
        if args.style == "fused":
            logits = F.rms_norm(h.flatten(0, 1)[rows], (H,), norm, 1e-5) @ embedding.T
        else:
            logits = (F.rms_norm(h, (H,), norm, 1e-5) @ embedding.T).flatten(0, 1)[rows]
        loss = F.cross_entropy(logits, labels) + 0.01 * aux
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        times.append(time.perf_counter() - begin)
        if len(times) == 1:
            first = time.perf_counter() - start
    measured = sorted(times[1:])
    median = measured[len(measured) // 2]
    print(
        json.dumps(
            {
                "peer": args.style,
                "torch": torch.__version__,
                "tokensPerSecond": B * T / median,
                "secondsPerStep": {"median": median, "min": measured[0], "max": measured[-1]},
                "peakRssBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                "secondsToFirstStep": first,
                "trainableParameters": sum(p.numel() for p in parameters),
            }
        )
    )


main()
