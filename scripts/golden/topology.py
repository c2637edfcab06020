"""Golden values for the topology of routing: scipy, scikit-learn and numpy on random gates.

    python scripts/golden/topology.py

Writes test/fixtures/golden/topology.json. Distances are scipy's jensenshannon (base 2), the tree is scipy's linkage
(average) with its cophenetic distances and cuts, coordinates are the leading eigenvectors of the doubly centred squares
(numpy's eigh), mutual information is the sum over the joint table in numpy.
"""

from __future__ import annotations

import numpy as np
from common import FIXTURES, versions, write_json
from scipy.cluster.hierarchy import cophenet, fcluster, linkage
from scipy.spatial.distance import jensenshannon, squareform
from scipy.stats import entropy, pearsonr
from sklearn.metrics import adjusted_rand_score


def group_case(rng: np.random.Generator, routers: int, groups: int, experts: int) -> dict:
    """Mean gates [R][G][E], some of them 0 and not all summing to 1, and what is computed from them."""
    usage = rng.dirichlet(np.full(experts, 0.7), (routers, groups))
    usage[rng.uniform(size=usage.shape) < 0.1] = 0
    usage[..., 0] += 0.01
    distances = np.array(
        [[np.mean([jensenshannon(r[a], r[b], base=2) for r in usage]) for b in range(groups)] for a in range(groups)]
    )
    distances = (distances + distances.T) / 2
    np.fill_diagonal(distances, 0)
    tree = linkage(squareform(distances), "average")
    centre = np.eye(groups) - 1 / groups
    values, vectors = np.linalg.eigh(-centre @ (distances**2) @ centre / 2)
    points = vectors[:, [-1, -2]] * np.sqrt(values[[-1, -2]])
    points *= np.sign(points[np.abs(points).argmax(0), [0, 1]])
    return {
        "usage": usage.tolist(),
        "distances": distances.tolist(),
        "heights": tree[:, 2].tolist(),
        "cophenetic": squareform(cophenet(tree)).tolist(),
        "cuts": {str(k): fcluster(tree, k, "maxclust").tolist() for k in range(1, groups + 1)},
        "points": points.tolist(),
    }


def information_case(rng: np.random.Generator, profiles: int, values: int, routers: int, experts: int) -> dict:
    codes = rng.integers(-1, values, profiles)
    gates = rng.dirichlet(np.full(experts, 0.5), (profiles, routers)) * rng.uniform(0.6, 1, (profiles, routers, 1))
    weights = np.round(rng.uniform(0.2, 3, profiles), 2)
    known = codes >= 0
    share = weights[known] / weights[known].sum()
    scaled = gates[known] / gates[known].sum(-1, keepdims=True)
    information, most = [], []
    for r in range(routers):
        joint = np.zeros((values, experts))
        for code, weight, gate in zip(codes[known], share, scaled[:, r], strict=True):
            joint[code] += weight * gate
        rows, columns = joint.sum(1), joint.sum(0)
        information.append(entropy(joint.ravel(), np.outer(rows, columns).ravel()))
        most.append(min(entropy(rows), entropy(columns)))
    return {
        "codes": codes.tolist(),
        "weights": weights.tolist(),
        "gates": gates.tolist(),
        "value": float(np.mean(information)),
        "normalised": float(np.mean(information) / np.mean(most)),
    }


def partition_case(first: list[int], second: list[int]) -> dict:
    return {"first": first, "second": second, "adjustedRand": float(adjusted_rand_score(first, second))}


def mantel_case(rng: np.random.Generator, items: int) -> dict:
    first, second = (squareform(np.round(rng.uniform(0, 1, items * (items - 1) // 2), 3)) for _ in range(2))
    second = second + first / 3
    upper = np.triu_indices(items, 1)
    return {
        "first": first.tolist(),
        "second": second.tolist(),
        "r": float(pearsonr(first[upper], second[upper]).statistic),
    }


def main() -> None:
    rng = np.random.default_rng(31)
    partitions = [([0, 0, 1, 1], [5, 5, 2, 2]), ([0, 0, 1, 2], [0, 0, 1, 1]), ([0, 1, 2], [0, 1, 2]), ([0, 0], [0, 1])]
    partitions += [([0, 1, 0, 1], [0, 0, 1, 1]), ([0, 0, 0], [1, 1, 1])]
    partitions += [(rng.integers(0, a, n).tolist(), rng.integers(0, b, n).tolist()) for n, a, b in [(12, 3, 4), (40, 6, 5)]]
    write_json(
        FIXTURES / "topology.json",
        {
            "versions": {key: value for key, value in versions("numpy", "scipy", "scikit-learn").items() if key != "torch"},
            "groups": [group_case(rng, *shape) for shape in [(1, 3, 4), (4, 8, 8), (3, 15, 5)]],
            "information": [information_case(rng, *shape) for shape in [(6, 2, 1, 3), (20, 4, 3, 8), (50, 3, 2, 2)]],
            "partitions": [partition_case(*pair) for pair in partitions],
            "mantel": [mantel_case(rng, items) for items in (3, 6, 12)],
        },
    )


if __name__ == "__main__":
    main()
