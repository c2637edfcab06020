"""Golden values for `scorePublished`: a small random benchmark and prediction file, scored as WorldValuesBench does.

    python scripts/golden/published.py

Needs pandas and scikit-learn beside what common.py needs. Writes the benchmark (split "full") and predictions.tsv to
test/fixtures/golden/published/, and test/fixtures/golden/published.json. A question's EMD is computed with the calls of
WorldValuesBench's evaluation/evaluate.py (commit 351947c): pandas reads the file and `to_numeric(errors="coerce")` its
scores; the answers of all rows, also of those without a score, and the scores, cut to integers by `astype(int)`, are
rescaled to [0, 1] by the question's range; scipy's `wasserstein_distance`. The metrics of options have scikit-learn's.
"""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
from common import FIXTURES, fresh, versions, write_json
from scipy.stats import wasserstein_distance
from sklearn.metrics import accuracy_score, f1_score

RANGES = {"Q1": (1, 4), "Q57": (1, 2), "Q122": (0, 2), "Q106": (1, 10), "Q47": (1, 5), "Q200": (1, 3)}
COUNTRIES = ["Andorra", "Brazil", "Chad"]
PEOPLE = 36
DEMOGRAPHIC = ["B_COUNTRY", "X003R", "Q260", "Q275", "Q273", "Q289", "Q290", "Q279"]
#: Cells that are not what a model should give, each used once: numbers in other dress, off the scale, no numbers.
ODD = ["2.0", " 3", "+1", "1e0", "2.7", "-0.5", "1.999", ".5", "15", "-3", "7", "1e1"]
NONE = ["", "NA", "n/a", "3 or 4", "0x2", "1_0", "1,000", "None"]
#: The question that no score was found for, on which the original stops.
SCORELESS = "Q200"


def write_tsv(path, header: list[str], rows: list[list[object]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def make(rng: np.random.Generator, folder) -> None:
    """The benchmark and the prediction file."""
    metadata = {
        question: {
            "question": f"On a scale of {low} to {high}?",
            "category": "Values",
            "use_case": "value",
            "answer_scale_min": low,
            "answer_scale_max": high,
        }
        for question, (low, high) in RANGES.items()
    }
    choices = {q: {"choices": {str(v): f"level {v}" for v in range(low, high + 1)}} for q, (low, high) in RANGES.items()}
    write_json(folder / "question_metadata.json", metadata)
    write_json(folder / "codebook.json", choices)
    write_json(folder / "answer_adjustment.json", {})

    people = rng.permutation(np.arange(76070001, 76070001 + PEOPLE)).tolist()
    country = {person: COUNTRIES[i % 3] for i, person in enumerate(people)}
    write_tsv(
        folder / "full" / "full_demographic_qa.tsv",
        ["D_INTERVIEW", *DEMOGRAPHIC],
        [[p, country[p], "", ["Female", "Male"][p % 2], *[""] * 5] for p in people],
    )
    answers = {
        (p, q): None if rng.uniform() < 0.1 else int(rng.integers(low, high + 1))
        for p in people
        for q, (low, high) in RANGES.items()
    }
    write_tsv(
        folder / "full" / "full_value_qa.tsv",
        ["D_INTERVIEW", *RANGES],
        [[p, *("" if answers[p, q] is None else answers[p, q] for q in RANGES)] for p in people],
    )

    pairs = [pair for pair in answers if answers[pair] is not None and rng.uniform() < 0.9]
    scored = [i for i, (_, question) in enumerate(pairs) if question != SCORELESS]
    odd = dict(zip(rng.permutation(scored).tolist(), [*ODD, *NONE]))
    rows = []
    for i in rng.permutation(len(pairs)).tolist():
        person, question = pairs[i]
        low, high = RANGES[question]
        score = answers[person, question] if rng.uniform() < 0.4 else int(rng.integers(low, high + 1))
        rows.append([question, 'a "quoted" text', "" if question == SCORELESS else odd.get(i, score), person])
    write_tsv(folder / "predictions.tsv", ["QUESTION_ID", "EXPLANATION", "SCORE", "PARTICIPANT_ID"], rows)


def score(folder) -> dict:
    """What is expected of the files."""
    truth = pd.read_csv(folder / "full" / "full_value_qa.tsv", sep="\t", index_col="D_INTERVIEW")
    people = pd.read_csv(folder / "full" / "full_demographic_qa.tsv", sep="\t", index_col="D_INTERVIEW")
    predictions = pd.read_csv(folder / "predictions.tsv", sep="\t")
    predictions["SCORE"] = pd.to_numeric(predictions["SCORE"], errors="coerce")
    emd = {}
    for question in predictions["QUESTION_ID"].unique():
        low, high = RANGES[question]
        chosen = predictions[predictions["QUESTION_ID"] == question]
        answers = truth.loc[chosen["PARTICIPANT_ID"].tolist()][question].astype(int).to_numpy()
        scores = chosen["SCORE"].dropna().astype(int).to_numpy()
        distance = None
        if len(scores) > 0:
            distance = float(wasserstein_distance((answers - low) / (high - low), (scores - low) / (high - low)))
        emd[question] = {"distance": distance, "scores": len(scores), "noScore": len(chosen) - len(scores)}
    assert emd[SCORELESS]["distance"] is None
    distances = [of["distance"] for of in emd.values() if of["distance"] is not None]
    assert max(distances) < 0.9 and all(abs(d - 0.2) > 1e-3 for d in distances)

    # The metrics of options: an option's index is how far it lies above the scale's lower end.
    kept, not_whole, off_scale = [], 0, 0
    for _, row in predictions.dropna(subset=["SCORE"]).iterrows():
        low, high = RANGES[row["QUESTION_ID"]]
        if row["SCORE"] != int(row["SCORE"]):
            not_whole += 1
        elif not low <= row["SCORE"] <= high:
            off_scale += 1
        else:
            person = row["PARTICIPANT_ID"]
            answer = int(truth.loc[person, row["QUESTION_ID"]]) - low
            kept.append((answer, int(row["SCORE"]) - low, people.loc[person, "B_COUNTRY"]))
    answers, options, countries = (np.array(column) for column in zip(*kept))
    by_country = [float(accuracy_score(answers[countries == c], options[countries == c])) for c in COUNTRIES]
    assert min(int((countries == c).sum()) for c in COUNTRIES) >= 30
    return {
        "emd": emd,
        "mean": float(np.mean(distances)),
        "near": float(np.mean([d <= 0.2 for d in distances])),
        "notWhole": not_whole,
        "offScale": off_scale,
        "options": len(kept),
        "accuracy": float(accuracy_score(answers, options)),
        "macroF1": float(f1_score(answers, options, average="macro")),
        "countryMacroAccuracy": float(np.mean(by_country)),
        "worstGroup": min(by_country),
        "groupGap": max(by_country) - min(by_country),
    }


def main() -> None:
    found = {key: value for key, value in versions("numpy", "scipy", "pandas", "scikit-learn").items() if key != "torch"}
    folder = fresh("published")
    make(np.random.default_rng(24), folder)
    write_json(FIXTURES / "published.json", {"versions": found, **score(folder)})


if __name__ == "__main__":
    main()
