"""Golden values for evaluation: scipy, scikit-learn and numpy on random inputs, and WorldValuesBench's EMD.

The dispersions between groups are computed from their definitions, on arrays of (group, option).

    python scripts/golden/metrics.py

Writes test/fixtures/golden/metrics.json. The EMD of WorldValuesBench is computed as its evaluation/evaluate.py (commit
351947c) does: answers and model scores rescaled to [0, 1] by the question's range, scipy's wasserstein_distance between
the two samples by question, the mean over questions. Predicted distributions take the samples' place as weights.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
from common import FIXTURES, versions, write_json
from scipy.spatial.distance import cityblock, jensenshannon
from scipy.stats import binomtest, entropy, false_discovery_control, rankdata, wasserstein_distance
from sklearn.metrics import accuracy_score, f1_score, log_loss


def wasserstein_cases(rng: np.random.Generator) -> list[dict]:
    cases = []
    for size_a, size_b, digits in [(1, 1, 3), (2, 5, 3), (7, 4, 1), (12, 12, 0), (30, 9, 2)]:
        a, b = (np.round(rng.normal(size=n) * 3, digits) for n in (size_a, size_b))
        wa, wb = (np.round(rng.uniform(0.1, 2, n), 3) for n in (size_a, size_b))
        cases.append(
            {
                "valuesA": a.tolist(),
                "weightsA": wa.tolist(),
                "valuesB": b.tolist(),
                "weightsB": wb.tolist(),
                "distance": float(wasserstein_distance(a, b, wa, wb)),
            }
        )
    return cases


def distribution_cases(rng: np.random.Generator) -> list[dict]:
    cases = []
    for options in (2, 3, 4, 5, 7, 10):
        p, q = rng.dirichlet(np.full(options, 0.6), 2)
        if options in (4, 7):
            p[1] = 0
            p /= p.sum()
        levels = np.linspace(0, 1, options)
        cases.append(
            {
                "p": p.tolist(),
                "q": q.tolist(),
                "entropy": float(entropy(p)),
                "kl": float(entropy(p, q)),
                "jsd": float(jensenshannon(p, q, base=2)),
                "variation": float(np.abs(p - q).sum() / 2),
                "emd": float(wasserstein_distance(levels, levels, p, q)),
            }
        )
    return cases


def calibration_error(confidence: np.ndarray, right: np.ndarray, weight: np.ndarray) -> float:
    """ECE with 15 bins of equal numbers of rows; equal confidences are in the bin of the first of them."""
    bins = (rankdata(confidence, "min").astype(int) - 1) * 15 // len(confidence)
    gaps = [abs(np.sum(weight[bins == b] * (confidence - right)[bins == b])) for b in range(15)]
    return float(np.sum(gaps) / np.sum(weight))


def table_case(rng: np.random.Generator) -> dict:
    """People of three countries who each answered some of five questions, and a model's distributions."""
    options = [4, 2, 10, 5, 3]
    rows = []
    for person in range(60):
        for question, count in enumerate(options):
            if rng.uniform() < 0.8:
                p = rng.dirichlet(np.full(count, 0.8))
                answer = int(rng.choice(count, p=0.5 * p + 0.5 / count))
                rows.append((person, person % 3, question, answer, p))
    answers = np.array([row[3] for row in rows])
    predicted = np.array([int(np.argmax(row[4])) for row in rows])
    countries = np.array([row[1] for row in rows])
    questions = np.array([row[2] for row in rows])
    right = answers == predicted

    emd_prob, emd_argmax, group_emd, similarity, predicted_entropy, human_entropy = [], [], [], [], [], []
    total_variation, skill = [], []
    for question, count in enumerate(options):
        levels = np.arange(count) / (count - 1)
        chosen = [row for row in rows if row[2] == question]
        truth = [row[3] / (count - 1) for row in chosen]
        pooled = np.mean([row[4] for row in chosen], axis=0)
        emd_prob.append(wasserstein_distance(truth, levels, None, pooled))
        scores = [int(np.argmax(row[4])) / (count - 1) for row in chosen]
        emd_argmax.append(wasserstein_distance(truth, scores))
        predicted_entropy.append(entropy(pooled) / np.log(count))
        human_entropy.append(entropy(np.bincount([row[3] for row in chosen], minlength=count)) / np.log(count))
        for country in range(3):
            cell = [row for row in chosen if row[1] == country]
            p = np.bincount([row[3] for row in cell], minlength=count)
            q = np.mean([row[4] for row in cell], axis=0)
            group_emd.append(wasserstein_distance(levels, levels, p, q))
            similarity.append(1 - jensenshannon(p, q, base=2))
            p = p / p.sum()
            total_variation.append(cityblock(p, q) / 2)
            skill.append(100 * (1 - cityblock(p, q) / cityblock(p, np.full(count, 1 / count))))
    by_country = [float(accuracy_score(answers[countries == c], predicted[countries == c])) for c in range(3)]
    likelihood = [-np.log(row[4][row[3]]) for row in rows]
    assert np.isclose(
        np.mean(likelihood), np.average([log_loss([r[3]], [r[4]], labels=range(len(r[4]))) for r in rows]), rtol=1e-6
    )
    return {
        "options": options,
        "participant": [row[0] for row in rows],
        "country": countries.tolist(),
        "question": questions.tolist(),
        "answer": answers.tolist(),
        "probabilities": [row[4].tolist() for row in rows],
        "expected": {
            "accuracy": float(accuracy_score(answers, predicted)),
            "macroF1": float(f1_score(answers, predicted, average="macro")),
            "countryMacroAccuracy": float(np.mean(by_country)),
            "sigmaInequity": float(np.std(by_country)),
            "worstGroup": min(by_country),
            "groupGap": max(by_country) - min(by_country),
            "nll": float(np.mean(likelihood)),
            "ece": calibration_error(np.array([max(row[4]) for row in rows]), right, np.ones(len(rows))),
            "emdProb": float(np.mean(emd_prob)),
            "emdArgmax": float(np.mean(emd_argmax)),
            "predictedEntropy": float(np.mean(predicted_entropy)),
            "trueEntropy": float(np.mean(human_entropy)),
            "entropyRatio": float(np.mean(predicted_entropy) / np.mean(human_entropy)),
            "groupEmd": float(np.mean(group_emd)),
            "oneMinusJsd": float(np.mean(similarity)),
            "totalVariation": float(np.mean(total_variation)),
            "skill": float(np.mean(skill)),
        },
    }


def dispersion_case(rng: np.random.Generator, ordered: bool, weighted: bool) -> dict:
    """People of three groups that differ much, who answered most of three questions, and a model's distributions."""
    options = [4, 2, 5]
    truths = [rng.dirichlet(np.full(count, 0.3), 3) for count in options]
    rows = []
    for person in range(96):
        group = 0 if person < 48 else 1 if person < 76 else 2
        for question, count in enumerate(options):
            if rng.uniform() < 0.9:
                truth = truths[question][group]
                mean = 0.4 * truth + 0.3 * rng.dirichlet(np.ones(count)) + 0.3 / count
                probabilities = rng.multinomial(1000, mean / mean.sum()) / 1000
                weight = float(np.round(rng.uniform(0.5, 2), 2)) if weighted else 1.0
                rows.append((group, question, int(rng.choice(count, p=truth)), weight, probabilities))
    expected = dispersions(rows, options, ordered)
    answers, weights = np.array([row[2] for row in rows]), np.array([row[3] for row in rows])
    right = answers == [int(np.argmax(row[4])) for row in rows]
    expected["ece"] = calibration_error(np.array([max(row[4]) for row in rows]), right, weights)
    return {
        "ordered": ordered,
        "group": [row[0] for row in rows],
        "question": [row[1] for row in rows],
        "answer": answers.tolist(),
        "weight": weights.tolist(),
        "probabilities": [row[4].tolist() for row in rows],
        "expected": expected,
    }


def dispersions(rows: list[tuple], options: list[int], ordered: bool) -> dict[str, float]:
    """
    MCI, rho and beta, D and the products summed over questions: squared differences of CDFs over K - 1 (ordered), or of
    probabilities over 2 (nominal). Nominal: also MCI by multi-information. The noise of histograms is subtracted.
    """
    d_predicted = d_true = cross = i_predicted = i_true = 0.0
    for question, count in enumerate(options):
        p, q, share, answers = [], [], [], []
        for group in range(3):
            cell = [row for row in rows if row[0] == group and row[1] == question]
            weight = np.array([row[3] for row in cell])
            p.append(np.bincount([row[2] for row in cell], weight, count) / weight.sum())
            q.append(np.average([row[4] for row in cell], axis=0, weights=weight))
            share.append(weight.sum())
            answers.append(weight.sum() ** 2 / np.sum(weight**2))
        p, q, share = np.array(p), np.array(q), np.array(share) / np.sum(share)
        spare = np.array(answers)[:, None] - 1
        a, b, scale = (np.cumsum(p, 1), np.cumsum(q, 1), count - 1) if ordered else (p, q, 2)
        da, db = a - share @ a, b - share @ b
        noise = (share * (1 - share)) @ (a * (1 - a) / spare)
        d_predicted += np.sum(share @ db**2) / scale
        d_true += (np.sum(share @ da**2) - np.sum(noise)) / scale
        cross += np.sum(share @ (da * db)) / scale
        # Half of var / p is what an entropy is too small by, to second order.
        variance, pooled = p * (1 - p) / spare, share @ p
        too_small = share @ np.sum((1 - p) * (p > 0) / spare, axis=1) / 2
        pooled_too_small = np.sum((share**2 @ variance)[pooled > 0] / pooled[pooled > 0]) / 2
        i_predicted += entropy(share @ q) - share @ entropy(q, axis=1)
        i_true += entropy(pooled) - share @ entropy(p, axis=1) - (too_small - pooled_too_small)
    ratio, rho = np.sqrt(d_predicted / d_true), cross / np.sqrt(d_predicted * d_true)
    found = {"mci": float(1 - ratio), "rho": float(rho), "beta": float(rho * ratio)}
    if not ordered:
        found["mciNominal"] = float(1 - np.sqrt(i_predicted / i_true))
    return found


def permutation_case(rng: np.random.Generator) -> dict:
    """Seven people of three groups: the share of all ways to hand out groups whose dispersion is as large as theirs."""
    groups, options = np.array([0, 0, 0, 1, 1, 2, 2]), [3, 4]
    weight = np.round(rng.uniform(0.5, 2, 7), 2)
    predictions = [rng.multinomial(100, rng.dirichlet(np.ones(count)), 7) / 100 for count in options]
    for p in predictions:
        p[groups == 2] = (p[groups == 2] + np.eye(p.shape[1])[0]) / 2

    def dispersion(labels: np.ndarray) -> float:
        total = 0.0
        for p in predictions:
            cdf = np.cumsum(p, axis=1)[:, :-1]
            mean = np.average(cdf, axis=0, weights=weight)
            for group in range(3):
                of = labels == group
                apart = np.average(cdf[of], axis=0, weights=weight[of]) - mean
                total += weight[of].sum() / weight.sum() * np.mean(apart**2)
        return total

    found = dispersion(groups)
    drawn = [dispersion(np.array(labels)) for labels in sorted(set(permutations(groups.tolist())))]
    return {
        "group": groups.tolist(),
        "weight": weight.tolist(),
        "probabilities": [p.tolist() for p in predictions],
        "share": float(np.mean(np.array(drawn) >= found * (1 - 1e-9))),
    }


def interval_cases(rng: np.random.Generator) -> list[dict]:
    """Centred intervals and p-values of numpy's quantiles of the values that are not NaN; null stands for NaN."""
    cases = []
    for size, missing, level in [(1, 0, 0.95), (2, 0, 0.9), (7, 3, 0.95), (40, 1, 0.5), (41, 0, 0.99), (200, 20, 0.95)]:
        values = np.round(rng.normal(size=size) * 5, 2)
        values[rng.permutation(size)[:missing]] = np.nan
        value = float(np.round(rng.normal() * 5, 2))
        low, median, high = np.nanquantile(values, [(1 - level) / 2, 0.5, (1 + level) / 2])
        defined = values[~np.isnan(values)]
        cases.append(
            {
                "value": value,
                "values": [None if np.isnan(x) else x for x in values.tolist()],
                "level": level,
                "low": float(value - (median - low)),
                "high": float(value + (high - median)),
                "p": float((1 + np.sum(np.abs(defined - median) >= abs(value))) / (1 + len(defined))),
            }
        )
    return cases


def mcnemar_cases() -> list[dict]:
    """Exact McNemar tests: the binomial test of a fair coin."""
    pairs = [(0, 0), (1, 0), (3, 3), (5, 6), (2, 9), (30, 12), (0, 25), (400, 330), (3000, 2800)]
    return [
        {"onlyA": a, "onlyB": b, "p": float(binomtest(a, a + b, 0.5).pvalue) if a + b > 0 else 1.0} for a, b in pairs
    ]


def adjusted_cases(rng: np.random.Generator) -> list[dict]:
    """p-values adjusted by Benjamini and Hochberg."""
    cases = []
    for size in (1, 2, 7, 20):
        p = np.round(rng.uniform(size=size) ** 3, 4)
        p[: size // 3] = p[0]
        cases.append({"p": p.tolist(), "adjusted": false_discovery_control(p, method="bh").tolist()})
    return cases


def main() -> None:
    rng = np.random.default_rng(20)
    other = np.random.default_rng(21)
    write_json(
        FIXTURES / "metrics.json",
        {
            "versions": {key: value for key, value in versions("numpy", "scipy", "scikit-learn").items() if key != "torch"},
            "wasserstein": wasserstein_cases(rng),
            "distributions": distribution_cases(rng),
            "table": table_case(rng),
            "intervals": interval_cases(rng),
            "mcnemar": mcnemar_cases(),
            "adjusted": adjusted_cases(rng),
            "dispersions": [dispersion_case(other, o, w) for o in (True, False) for w in (False, True)],
            "permutation": permutation_case(other),
        },
    )


if __name__ == "__main__":
    main()
