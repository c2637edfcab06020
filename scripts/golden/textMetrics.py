"""Golden values for metrics of texts, judgements and preferences: sacrebleu, vendi_score, scikit-learn and scipy.

    python scripts/golden/textMetrics.py

Writes test/fixtures/golden/textMetrics.json. Tokens come from the package `regex` by the rule that eval/text/tokens.ts
states. BLEU is sacrebleu's sentence BLEU of tokens as they are (tokenize="none", smooth_method="exp",
effective_order=True) of each text against the others. The n-gram kernel is that of vendi_score's `ngram_vendi_score`
(scikit-learn's CountVectorizer, rows normalised, mean over n = 1 .. 4), the score vendi_score's `score_K`. Wilson's
interval is written out with scipy's normal quantile, and held to scipy's own where the number of wins is whole.
"""

from __future__ import annotations

import unicodedata

import numpy as np
import regex
from common import FIXTURES, versions, write_json
from sacrebleu.metrics import BLEU
from scipy.stats import binomtest, kendalltau, norm
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize
from vendi_score import vendi

UNSPACED = "".join(rf"\p{{{script}}}" for script in ["Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar"])
TOKEN = regex.compile(
    rf"[{UNSPACED}]\p{{M}}*|(?:(?![{UNSPACED}])[\p{{L}}\p{{M}}\p{{N}}\p{{Join_Control}}])+|\P{{White_Space}}",
    regex.DOTALL,
)

# White space and normal forms are written as escapes, which editors do not change.
TEXTS = [
    "I don't know; it costs $3.50 (about 2,000 yen)!",
    "  Tabs\tand\nlines,\u00a0no-break\u3000spaces  ",
    "Cafe\u0301 na\u00efve \u0130stanbul stra\u00dfe na\u0308chste",
    "\u092e\u0948\u0902 \u0939\u093f\u0928\u094d\u0926\u0940 \u092e\u0947\u0902 \u0932\u093f\u0916 \u0930\u0939\u093e \u0939\u0942\u0901\u0964 \u0915\u094d\u200d\u0937",
    "家族が一番大切です。カフェ no 123",
    "ครอบครัวสำคัญที่สุด",
    "العائلة مهمة، أليس كذلك؟ می‌خواهم",
    "👩‍👩‍👧 ❤️ ok🙂🙂 #family @home snake_case",
    "가족이 가장 중요합니다. Семья важнее всего — правда…",
    "",
    " \n ",
]


def tokens(text: str) -> list[str]:
    return TOKEN.findall(unicodedata.normalize("NFC", text))


def random_texts(rng: np.random.Generator, words: int, lengths: list[int]) -> list[list[str]]:
    """Texts of few words each, so that they share n-grams; every third one repeats the one before with a change."""
    texts: list[list[str]] = []
    for i, length in enumerate(lengths):
        if i % 3 == 2 and len(texts[-1]) >= length:
            text = texts[-1][:length]
            text[int(rng.integers(length))] = "other"
        else:
            text = [f"w{int(word)}" for word in rng.integers(words, size=length)]
        texts.append(text)
    return texts


def ngram_kernel(texts: list[list[str]]) -> np.ndarray:
    kernels = []
    for n in range(1, 5):
        vectorizer = CountVectorizer(tokenizer=str.split, token_pattern=None, ngram_range=(n, n), lowercase=False)
        rows = normalize(vectorizer.fit_transform([" ".join(text) for text in texts]))
        kernels.append((rows @ rows.T).toarray())
    return np.mean(kernels, axis=0)


def text_cases(rng: np.random.Generator) -> list[dict]:
    bleu = BLEU(tokenize="none", smooth_method="exp", effective_order=True, force=True)
    cases = []
    for words, lengths in [
        (6, [8, 8, 8]),
        (4, [12, 9, 9, 5, 20, 20]),
        (30, [15, 15, 15, 15, 15]),
        (3, [1, 2, 3, 4]),
        (500, [6, 6, 6]),
        (2, [40, 30, 30, 31, 29, 29]),
    ]:
        texts = random_texts(rng, words, lengths)
        lines = [" ".join(text) for text in texts]
        case = {"texts": texts}
        case["distinct"] = []
        for n in (1, 2, 3):
            grams = [tuple(text[i : i + n]) for text in texts for i in range(len(text) - n + 1)]
            case["distinct"].append(len(set(grams)) / len(grams))
        case["bleu"] = [
            bleu.sentence_score(line, lines[:i] + lines[i + 1 :]).score / 100 for i, line in enumerate(lines)
        ]
        case["ngramVendi"] = float(vendi.score_K(ngram_kernel(texts))) if min(lengths) >= 4 else None
        cases.append(case)
    return cases


def vendi_cases(rng: np.random.Generator) -> list[dict]:
    cases = []
    for items, width in [(2, 3), (5, 2), (8, 20), (12, 5), (30, 30)]:
        vectors = np.round(rng.normal(size=(items, width)) + 0.5, 3)
        if items > 5:
            vectors[1] = 2 * vectors[0]
        cases.append({"vectors": vectors.tolist(), "score": float(vendi.score_X(vectors))})
    return cases


def generation_case(rng: np.random.Generator) -> dict:
    """Prompts of several profiles, texts of unequal length; what is expected after cutting them to equal length."""
    bleu = BLEU(tokenize="none", smooth_method="exp", effective_order=True, force=True)
    rows, found = [], []
    for prompt in range(5):
        lengths = rng.integers(6, 14, size=int(rng.integers(2, 6))).tolist()
        texts = random_texts(rng, 7, lengths)
        rows += [{"prompt": f"p{prompt}", "text": " ".join(text)} for text in texts]
        cut = [text[: min(lengths)] for text in texts]
        lines = [" ".join(text) for text in cut]
        values = []
        for n in (1, 2, 3):
            grams = [tuple(text[i : i + n]) for text in cut for i in range(len(text) - n + 1)]
            values.append(len(set(grams)) / len(grams))
        values.append(
            np.mean([bleu.sentence_score(line, lines[:i] + lines[i + 1 :]).score / 100 for i, line in enumerate(lines)])
        )
        values.append(vendi.score_K(ngram_kernel(cut)))
        found.append(values)
    names = ["distinct1", "distinct2", "distinct3", "selfBleu", "vendi"]
    return {"rows": rows, "expected": dict(zip(names, np.mean(found, axis=0).tolist(), strict=True))}


def wilson_cases() -> list[dict]:
    cases = []
    for wins, n, level in [
        (0, 1, 0.95),
        (1, 1, 0.95),
        (7, 10, 0.95),
        (7.5, 10, 0.95),
        (0, 40, 0.9),
        (160.5, 300, 0.99),
        (5000, 10000, 0.5),
    ]:
        p = wins / n
        z = norm.ppf((1 + level) / 2)
        centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        low, high = max(0.0, float(centre - half)), min(1.0, float(centre + half))
        if wins == int(wins):
            interval = binomtest(int(wins), n).proportion_ci(level, method="wilson")
            assert np.allclose([low, high], [interval.low, interval.high], atol=1e-12)
        cases.append({"p": p, "n": n, "level": level, "low": low, "high": high})
    return cases


def quantile_cases() -> list[dict]:
    levels = [1e-3, 0.1, 0.5, 0.683, 0.9, 0.95, 0.99, 0.999, 1 - 1e-6]
    return [{"level": level, "z": float(norm.isf((1 - level) / 2))} for level in levels]


def kendall_cases(rng: np.random.Generator) -> list[dict]:
    cases = []
    for size, values in [(2, 50), (3, 4), (4, 100), (4, 3), (10, 5), (40, 8), (60, 1000)]:
        x, y = rng.integers(values, size=(2, size))
        y = np.where(rng.uniform(size=size) < 0.4, x, y)
        tau = float(kendalltau(x, y, variant="b").statistic)
        cases.append({"x": x.tolist(), "y": y.tolist(), "tau": None if np.isnan(tau) else tau})
    cases.append({"x": [1, 1, 1], "y": [1, 2, 3], "tau": None})
    return cases


def main() -> None:
    rng = np.random.default_rng(21)
    packages = versions("numpy", "regex", "sacrebleu", "vendi-score", "scikit-learn", "scipy")
    write_json(
        FIXTURES / "textMetrics.json",
        {
            "versions": {key: value for key, value in packages.items() if key != "torch"},
            "tokens": [{"text": text, "tokens": tokens(text)} for text in TEXTS],
            "texts": text_cases(rng),
            "vendi": vendi_cases(rng),
            "generations": generation_case(rng),
            "wilson": wilson_cases(),
            "quantiles": quantile_cases(),
            "kendall": kendall_cases(rng),
        },
    )


if __name__ == "__main__":
    main()
