"""The same work in PyTorch, for comparison: one process, one JSON line.

    python scripts/bench/peers.py {fused,original,evaluation} [--experts E] [--sequences B] [--tokens T] [--steps N] [--threads N]

Shape of SmolLM2-135M with random weights; CuMA on q_proj and v_proj, r = 8, top-2, one router per layer; 2 answer tokens
per sequence; AdamW with clipping.

- `fused`: a training step written for speed by hand: all experts' matrices in one product, the router's profile part
  once per sequence, fused attention, logits at the answer tokens only.
- `original`: a training step built as the CuMA reference code is: `transformers`' LlamaForCausalLM whose adapted linear
  layers hold one pair of nn.Linear per expert and loop over them, a router over [token; profile] at every token, the
  model's own loss with logits for every token.
- `evaluation`: that model's forward pass over batches of full prompts, the options' logits read at the last token;
  sequences are counted as examples.
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
R, TOP_K, PROFILE, HIDDEN, ANSWERS, ALPHA = 8, 2, 384, 256, 2, 16
AUX = 0.01


def route(scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Gates [B, T, E] and the load-balancing loss."""
    experts = scores.shape[-1]
    top, index = scores.topk(TOP_K, dim=-1)
    gates = torch.zeros_like(scores).scatter(-1, index, top.softmax(-1))
    chosen = torch.zeros_like(scores).scatter(-1, index, 1.0)
    return gates, experts * (chosen.mean((0, 1)) / TOP_K * gates.mean((0, 1))).sum()


# fused


def frozen(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.empty(*shape).uniform_(-0.03, 0.03), requires_grad=False)


class FusedLayer(nn.Module):
    def __init__(self, experts: int) -> None:
        super().__init__()
        self.experts = experts
        self.q, self.k, self.v, self.o = frozen(H, H), frozen(KV * D, H), frozen(KV * D, H), frozen(H, H)
        self.gate, self.up, self.down = frozen(I, H), frozen(I, H), frozen(H, I)
        self.norm1 = nn.Parameter(torch.ones(H), requires_grad=False)
        self.norm2 = nn.Parameter(torch.ones(H), requires_grad=False)
        self.first, self.second = nn.Linear(H + PROFILE, HIDDEN), nn.Linear(HIDDEN, experts)
        self.a = nn.ParameterList([nn.Parameter(0.01 * torch.randn(experts * R, H)) for _ in range(2)])
        self.b = nn.ParameterList([nn.Parameter(torch.zeros(out, experts * R)) for out in (H, KV * D)])

    def delta(self, x: torch.Tensor, gates: torch.Tensor, site: int) -> torch.Tensor:
        weighted = (x @ self.a[site].T).unflatten(-1, (self.experts, R)) * gates[..., None]
        return ALPHA / R * weighted.flatten(-2) @ self.b[site].T

    def forward(self, h, profile, cos, sin):
        B, T, _ = h.shape
        x = F.rms_norm(h, (H,), self.norm1, 1e-5)
        token_part, profile_part = self.first.weight[:, :H], self.first.weight[:, H:]
        hidden = x @ token_part.T + (profile @ profile_part.T + self.first.bias)[:, None]
        gates, balance = route(self.second(F.relu(hidden)))
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


class Fused(nn.Module):
    def __init__(self, experts: int, tokens: int) -> None:
        super().__init__()
        self.embedding = frozen(V, H)
        self.layers = nn.ModuleList([FusedLayer(experts) for _ in range(LAYERS)])
        angles = torch.arange(tokens)[:, None] * 100_000 ** (-torch.arange(0, D, 2) / D)
        self.cos, self.sin = angles.cos(), angles.sin()

    def loss(self, ids, profile, rows, labels):
        h, aux = self.embedding[ids], 0
        for layer in self.layers:
            h, balance = layer(h, profile, self.cos, self.sin)
            aux = aux + balance
        logits = F.rms_norm(h.flatten(0, 1)[rows], (H,), torch.ones(H), 1e-5) @ self.embedding.T
        return F.cross_entropy(logits, labels) + AUX * aux


# original


class Router(nn.Module):
    """Shared by q and v of a layer; keeps what it found for the layer's second site."""

    def __init__(self, experts: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Dropout(0), nn.Linear(H + PROFILE, HIDDEN), nn.ReLU(), nn.Dropout(0), nn.Linear(HIDDEN, experts)
        )

    def forward(self, x, profile):
        at_every_token = profile[:, None].expand(-1, x.shape[1], -1)
        self.gates, self.balance = route(self.mlp(torch.cat([x, at_every_token], dim=-1)))


class ExpertLinear(nn.Module):
    def __init__(self, base: nn.Linear, experts: int, router: Router, first: bool, shared: dict) -> None:
        super().__init__()
        self.base, self.first, self.shared = base, first, shared
        self.routers = [router]  # in a list, so that it is registered once only
        self.lora_a = nn.ModuleList([nn.Linear(base.in_features, R, bias=False) for _ in range(experts)])
        self.lora_b = nn.ModuleList([nn.Linear(R, base.out_features, bias=False) for _ in range(experts)])
        for a, b in zip(self.lora_a, self.lora_b):
            nn.init.normal_(a.weight, std=0.01)
            nn.init.zeros_(b.weight)

    def forward(self, x):
        router = self.routers[0]
        if self.first:
            router(x, self.shared["profile"])
        out = self.base(x)
        for e, (a, b) in enumerate(zip(self.lora_a, self.lora_b)):
            out = out + ALPHA / R * router.gates[..., e : e + 1] * b(a(x))
        return out


class Original(nn.Module):
    def __init__(self, experts: int) -> None:
        super().__init__()
        from transformers import LlamaConfig, LlamaForCausalLM

        self.model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=V,
                hidden_size=H,
                intermediate_size=I,
                num_hidden_layers=LAYERS,
                num_attention_heads=HEADS,
                num_key_value_heads=KV,
                rope_theta=100_000,
                tie_word_embeddings=True,
                use_cache=False,
            )
        ).requires_grad_(False)
        self.shared: dict = {}
        self.routers = nn.ModuleList()
        for layer in self.model.model.layers:
            self.routers.append(Router(experts))
            attention = layer.self_attn
            attention.q_proj = ExpertLinear(attention.q_proj, experts, self.routers[-1], True, self.shared)
            attention.v_proj = ExpertLinear(attention.v_proj, experts, self.routers[-1], False, self.shared)

    def loss(self, ids, profile, rows, labels):
        self.shared["profile"] = profile
        # The model shifts labels itself: a label stands where its token does, one after the row that predicts it.
        targets = torch.full_like(ids, -100).flatten()
        targets[rows + 1] = labels
        loss = self.model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=targets.view_as(ids)).loss
        return loss + AUX * sum(router.balance for router in self.routers)

    @torch.no_grad()
    def options(self, ids, profile, options):
        self.shared["profile"] = profile
        logits = self.model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        return logits[:, -1, options].softmax(-1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["fused", "original", "evaluation"])
    for name, default in {"experts": 8, "sequences": 8, "tokens": 96, "steps": 5, "threads": 2}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(args.threads)
    B, T = args.sequences, args.tokens

    start = time.perf_counter()
    model = Fused(args.experts, T) if args.what == "fused" else Original(args.experts)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=2e-5, weight_decay=0)
    ids = torch.randint(V, (B, T))
    profile = torch.randn(B, PROFILE)
    rows = torch.tensor([b * T + T - 1 - ANSWERS + i for b in range(B) for i in range(ANSWERS)])
    labels = torch.randint(V, (B * ANSWERS,))
    built = time.perf_counter() - start

    times = []
    for _ in range(args.steps + 1):
        begin = time.perf_counter()
        if args.what == "evaluation":
            model.options(ids, profile, torch.arange(4))
        else:
            model.loss(ids, profile, rows, labels).backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        times.append(time.perf_counter() - begin)
    measured = sorted(times[1:])
    median = measured[len(measured) // 2]
    print(
        json.dumps(
            {
                "peer": args.what,
                "torch": torch.__version__,
                "tokensPerSecond": B * T / median,
                "examplesPerSecond": B / median,
                "secondsPerStep": {"median": median, "min": measured[0], "max": measured[-1]},
                "peakRssBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                "secondsToBuild": built,
                "trainableParameters": sum(p.numel() for p in parameters),
            }
        )
    )


main()
