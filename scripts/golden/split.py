"""Golden values for WorldValuesBench's split: row indices shuffled by CPython's random module, then cut in three.

    python scripts/golden/split.py

Writes test/fixtures/golden/split.json. Needs the standard library only.
"""

from __future__ import annotations

import hashlib
import json
import platform
import random
from pathlib import Path

FIXTURES = Path(__file__).resolve().parents[2] / "test" / "fixtures" / "golden"


def permutation(seed: int, n: int) -> list[int]:
    order = list(range(n))
    random.seed(seed)
    random.shuffle(order)
    return order


def case(seed: int, n: int) -> dict:
    order = permutation(seed, n)
    train = int(0.7 * n)
    test = int(0.15 * n)
    return {
        "seed": seed,
        "n": n,
        "first": order[:20],
        "last": order[-20:],
        "sha256": hashlib.sha256(" ".join(map(str, order)).encode()).hexdigest(),
        "sizes": {"train": train, "valid": n - train - test, "test": test},
    }


def raw(seed: int) -> dict:
    """32-bit outputs across the refill of the 624 words of state."""
    random.seed(seed)
    drawn = [random.getrandbits(32) for _ in range(1300)]
    return {"seed": seed, "first": drawn[:5], "at620": drawn[620:630], "last": drawn[-3:]}


def main() -> None:
    # Bounds from 2^31 on take all 32 bits; seeds from 2^32 on are keys of two words.
    random.seed(0)
    bounds = (1, 2, 3, 1000, 2**31, 2**31 + 1, 2**32 - 1)
    below = [{"n": n, "drawn": [random.randrange(n) for _ in range(5)]} for n in bounds]
    golden = {
        "versions": {"python": platform.python_version()},
        "raw": [raw(seed) for seed in (0, 1, 2**32 - 1, 2**32, 2**53 - 1)],
        "below": below,
        "permutations": [case(0, n) for n in (0, 1, 2, 3, 7, 10, 20, 1000, 93278)] + [case(42, 1000)],
    }
    lines = [f" {json.dumps(key)}: {_rows(value)}" for key, value in golden.items()]
    (FIXTURES / "split.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print("python", platform.python_version())


def _rows(value: object) -> str:
    if not isinstance(value, list):
        return json.dumps(value)
    return "[\n" + ",\n".join(f"  {json.dumps(item)}" for item in value) + "\n ]"


if __name__ == "__main__":
    main()
