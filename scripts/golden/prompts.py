"""Ids of prompts with an answer's letter, each tokenised as one text, by the tokenizers library.

    python scripts/golden/prompts.py

writes test/fixtures/golden/prompts.json: small tokenizers of every kind that base models have, texts that prompts end
with, and the ids of text + letter. Made with tokenizers 0.23.3.
"""

import json
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

OUT = Path(__file__).parents[2] / "test/fixtures/golden/prompts.json"
SPECIAL = ["<unk>", "<s>", "</s>"]
CORPUS = ["x A B C", "x\nA\nB\nC", "Answer: A", "(A) (B) (C)", "is it A? [/INST] A [/INST] B", "xA xB xA xB"] * 4
TEXTS = ["x", "x ", "x\n", "x\n\n", "Answer:", "(", "<s>x [/INST]", "x</s>\n<s>answer\n", "x</s>", "x</s> ", "é\n"]
LETTERS = "ABC"


def bpe(normalizer=None, pre=None, byte_fallback=False, merges=()):
    """A BPE whose merges are given, so that each says what it is about."""
    tokens = SPECIAL + [f"<0x{b:02X}>" for b in range(256)] * byte_fallback
    characters = sorted({c for text in CORPUS + TEXTS for c in text.replace(" ", "▁")} - {"é"} - ({"\n"} if byte_fallback else set()))
    tokens += characters + ["".join(pair) for pair in merges]
    vocab = {token: i for i, token in enumerate(dict.fromkeys(tokens))}
    tokenizer = Tokenizer(models.BPE(vocab, list(merges), unk_token="<unk>", fuse_unk=True, byte_fallback=byte_fallback))
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre:
        tokenizer.pre_tokenizer = pre
    return tokenizer


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, special_tokens=SPECIAL, show_progress=False))
    return tokenizer


def unigram():
    pieces = [(token, 0.0) for token in SPECIAL] + [("▁", -3.0), ("▁A", -2.0), ("A", -4.0), ("B", -4.0), ("C", -4.0), ("x", -4.0), ("▁x", -3.0), ("\n", -5.0)]
    tokenizer = Tokenizer(models.Unigram(pieces, 0, False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    return tokenizer


SPACED = [("▁", "A"), ("▁", "B"), ("▁", "x")]
LLAMA = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])


def metaspace(scheme):
    return pre_tokenizers.Metaspace(prepend_scheme=scheme, split=scheme != "never")


TOKENIZERS = {
    "llama, byte fallback": bpe(LLAMA, byte_fallback=True, merges=SPACED),
    "llama, without": bpe(LLAMA, merges=SPACED),
    "metaspace always": bpe(pre=metaspace("always"), merges=SPACED),
    "metaspace first": bpe(pre=metaspace("first"), merges=SPACED),
    "metaspace never": bpe(pre=metaspace("never"), merges=SPACED),
    "letters merge with what is before": bpe(LLAMA, merges=[("(", "A"), ("(", "B"), ("\n", "A"), ("x", "A"), ("x", "B"), ("x", "C")]),
    "byte level": byte_level(),
    "unigram": unigram(),
}

found = []
for name, tokenizer in TOKENIZERS.items():
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    found.append(
        {
            "name": name,
            "tokenizer": json.loads(tokenizer.to_str()),
            "texts": [{"text": text, "ids": [tokenizer.encode(text + letter, add_special_tokens=False).ids for letter in LETTERS]} for text in TEXTS],
        }
    )
OUT.write_text(json.dumps(found, ensure_ascii=False) + "\n")
