"""Golden token ids for every step and option of tokenizer.json that this package reads.

    python scripts/golden/tokenizerSteps.py

Writes test/fixtures/golden/tokenizer/mixed.json, lines that are hard on tokenizers (with lines.json more than 400), and
steps.json: per case the sections of a tokenizer.json and, for every line of lines.json and mixed.json, the first four
hexadecimal digits of the SHA-256 of its ids, joined by spaces, special tokens added.

The cases of normalizers and pre-tokenizers end in `ByteLevel` and have the model "bytes": a WordPiece of all bytes, each at a
word's begin and within. Its ids tell a line's bytes and every boundary between words.
"""

from __future__ import annotations

import hashlib
import json
import random
from typing import Any

from common import FIXTURES, versions, write_json

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

ROOT = FIXTURES / "tokenizer"
Json = dict[str, Any]

FRAGMENTS = [
    " ", "  ", "   ", "\t", "\n", "\r\n", "\n\n ", " \n", "\u00a0", "\u3000", "\u2028", "\u0085", "\u200b", "\ufeff", "\u200d",
    "\x00", "\x07", "\x1b[1m", "\x7f", "\x9f", "\u00ad", "\ufffd", "\u2581", "\u2581\u2581x", "_", "__a",
    "it's", "IT'S", "he'll", "HE'LL", "we've", "I'm", "'d", "'T", "it'\u017f", "'re", "don't .", " ,", " n't",
    "1", "12", "1234567", "3.14", "1,000,000", "\u00bd", "\u2163", "\u00b2", "\u0663\u0664", "\u0967\u0968", "\u4e09", "\u2460", "x2y", "0x1F",
    "family", "Family", "FAMILY", "iPhoneX", "camelCaseWord", "a-b", "e.g.", "(A)", "A.", "B:", "?!", "...", "\u2014", "\u00ab\u00bb",
    "$5", "\u20ac9", "100%", "a+b=c", "<b>", "&amp;", "[x]", "{y}", "^~`", "\u00a7\u00b6", "\u00a9", "\u2192", "//", "/usr/bin\n",
    "caf\u00e9", "cafe\u0301", "na\u00efve", "\u00c5ngstr\u00f6m", "A\u030angstro\u0308m", "\u0130stanbul", "\u0131", "stra\u00dfe", "STRASSE", "\ufb01n", "\uff21\uff22\uff11",
    "\u039f\u03b4\u03cc\u03c2", "\u039f\u0394\u039f\u03a3", "\u0436\u0438\u0437\u043d\u044c", "\u0416\u0418\u0417\u041d\u042c", "\u0439", "\u0438\u0306",
    "\u65e5\u672c\u8a9e", "\u4e2d\u6587", "\u6771\u4eacTokyo", "\U00020000\U0002a6d6", "\u3400", "\uf900", "\u304c", "\u304b\u3099", "\u30ab\u30bf\u30ab\u30ca", "\uff76\uff9e",
    "\ud55c\uad6d\uc5b4", "\u1112\u1161\u11ab", "\u0e44\u0e17\u0e22", "\u0e01\u0e33", "\u0939\u093f\u0928\u094d\u0926\u0940", "\u0924\u092e\u093f\u0933", "\u0ba4\u0bae\u0bbf\u0bb4\u0bcd", "\u0e40\u0e08\u0e49\u0e32",
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629", "\u0627\u0644\u0639\u064e\u0631\u064e\u0628\u0650\u064a\u0651\u064e\u0629", "\u05e2\u05d1\u05e8\u05d9\u05ea", "\u05e2\u05b4\u05d1\u05b0\u05e8\u05b4\u05d9\u05ea", "\u10e5\u10d0\u10e0\u10d7", "\u0531\u0532", "\u12a0\u121b\u122d",
    "\U0001f600", "\U0001f469\u200d\U0001f4bb", "\U0001f1ef\U0001f1f5", "\U0001f44d\U0001f3fd", "\u2764\ufe0f", "\u2603", "\u2603\u2603", "\U0001d538", "\u0338", "a\u0338\u0323",
    "<s>", "</s>", " <s> ", "<tok>", " <tok> ", "x<tok>y", "\n<tok>\t z", "<TOK>", "tokword", " tokword ", "atokwordb", "tokword,", "<unk>", "[UNK]", "<0x41>",
    "a" * 99, "b" * 100, "c" * 101, "supercalifragilisticexpialidocious" * 9, "\u00e9" * 60, "z9" * 80,
]


def mixed_lines() -> list[str]:
    """Every fragment alone, then random chains of them."""
    choose = random.Random(12)
    chains = ["".join(choose.choices(FRAGMENTS, k=choose.randint(2, 7))) for _ in range(120)]
    spaced = [" ".join(choose.choices(FRAGMENTS, k=choose.randint(2, 7))) for _ in range(60)]
    return ["", *FRAGMENTS, *chains, *spaced]


def byte_characters() -> list[str]:
    others = iter(range(256, 512))
    return [chr(b) if 0x20 < b < 0x7F or (b > 0xA0 and b != 0xAD) else chr(next(others)) for b in range(256)]


BYTES = byte_characters()
BYTES_MODEL: Json = {
    "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 10000,
    "vocab": {token: i for i, token in enumerate(["[UNK]", *BYTES, *(f"##{c}" for c in BYTES)])},
}
BYTE_LEVEL: Json = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}


def added(content: str, **flags: bool) -> Json:
    return {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
            "special": True, **flags}


def split(regex: str, behavior: str = "Isolated", invert: bool = False) -> Json:
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": behavior, "invert": invert}


def normalizer_cases() -> dict[str, Json]:
    steps: dict[str, Json] = {name: {"type": name} for name in
                              ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", "ByteLevel")}
    for clean in (False, True):
        for chinese in (False, True):
            for accents in (None, False, True):
                for lower in (False, True):
                    name = f"BertNormalizer clean={clean} chinese={chinese} accents={accents} lower={lower}"
                    steps[name] = {"type": "BertNormalizer", "clean_text": clean, "handle_chinese_chars": chinese,
                                   "strip_accents": accents, "lowercase": lower}
    for left in (False, True):
        for right in (False, True):
            steps[f"Strip {left} {right}"] = {"type": "Strip", "strip_left": left, "strip_right": right}
    steps["Prepend"] = {"type": "Prepend", "prepend": "\u2581"}
    steps["Replace String"] = {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581$&"}
    steps["Replace Regex"] = {"type": "Replace", "pattern": {"Regex": r" {2,}|\p{Lu}"}, "content": " $1 "}
    steps["Replace with nothing"] = {"type": "Replace", "pattern": {"Regex": r"[^\s\p{L}]"}, "content": ""}
    steps["Sequence"] = {"type": "Sequence", "normalizers": [
        {"type": "NFD"}, {"type": "Sequence", "normalizers": [{"type": "StripAccents"}, {"type": "Lowercase"}]}]}
    return {f"normalizer {name}": {"normalizer": step, "pre_tokenizer": None if step["type"] == "ByteLevel" else BYTE_LEVEL}
            for name, step in steps.items()}


LETTERS = r"[^\r\n\p{L}\p{N}]?\p{L}+"
ENDINGS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LOWER = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
UPPER = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
PATHS = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
PATTERNS = {
    "GPT-2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "Llama 3": rf"{ENDINGS}|{LETTERS}|\p{{N}}{{1,3}}{REST}",
    "Qwen 2": rf"{ENDINGS}|{LETTERS}|\p{{N}}{REST}",
    "cl100k": rf"{ENDINGS}|[^\r\n\p{{L}}\p{{N}}]?+\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
    "o200k": rf"{LOWER}{ENDINGS}?|{UPPER}{ENDINGS}?|\p{{N}}{{1,3}}{PATHS}",
    "Mistral Nemo": rf"{LOWER}|{UPPER}|\p{{N}}{PATHS}",
    "tiktoken's endings": rf"'(?i:[sdmt]|ll|ve|re)|{LETTERS}|\p{{N}}{REST}",
    "DeepSeek words": "\\s?[A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba]+",
    "ideographs": "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
    "look-ahead of no width": r"(?=\p{Lu})",
    "look-behind": r"(?<=\p{N})\p{L}",
    "lazy": r"\p{L}{2,5}?|\d+?",
    "classes": r"[\p{Sc}\p{Sm}\-\]]|[^\S\n]+|\n|\t|[a-f0-9]{2}",
    "dot and groups": r"(a|b)+.|x.y",
    "may be empty": "x*",
}


def pre_tokenizer_cases() -> dict[str, Json]:
    steps: dict[str, Json] = {name: {"type": name} for name in ("BertPreTokenizer", "Whitespace", "WhitespaceSplit")}
    for prefix in (False, True):
        for regex in (False, True):
            steps[f"ByteLevel prefix={prefix} regex={regex}"] = {
                "type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": False, "use_regex": regex}
    for scheme in ("always", "first", "never"):
        for splits in (False, True):
            steps[f"Metaspace {scheme} split={splits}"] = {
                "type": "Metaspace", "replacement": "\u2581", "prepend_scheme": scheme, "split": splits}
    steps["Metaspace of old"] = {"type": "Metaspace", "replacement": "\u2581", "add_prefix_space": True}
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        steps[f"Punctuation {behavior}"] = {"type": "Punctuation", "behavior": behavior}
        for invert in (False, True):
            steps[f"Split {behavior} invert={invert}"] = split(r"\s|\p{N}", behavior, invert)
            steps[f"Split empty {behavior} invert={invert}"] = split("(?=\\p{Lu})|x*", behavior, invert)
    steps["Split String"] = {"type": "Split", "pattern": {"String": "a-"}, "behavior": "Isolated", "invert": False}
    steps["Digits individual"] = {"type": "Digits", "individual_digits": True}
    steps["Digits"] = {"type": "Digits", "individual_digits": False}
    steps["CharDelimiterSplit"] = {"type": "CharDelimiterSplit", "delimiter": "e"}
    steps["FixedLength"] = {"type": "FixedLength", "length": 3}
    steps |= {f"Split by {name}": split(regex) for name, regex in PATTERNS.items()}
    cases = {f"pre_tokenizer {name}": {"pre_tokenizer": step if step["type"] == "ByteLevel" else
                                       {"type": "Sequence", "pretokenizers": [step, BYTE_LEVEL]}}
             for name, step in steps.items()}
    cases["Metaspace first after a normalizer"] = {
        "normalizer": {"type": "NFKC"}, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "WhitespaceSplit"}, steps["Metaspace first split=True"], BYTE_LEVEL]}}
    return cases


def added_cases() -> dict[str, Json]:
    lower = {"type": "Sequence", "normalizers": [{"type": "Lowercase"}, {"type": "Replace", "pattern": {"String": "y"}, "content": " tokword"}]}
    words = {"type": "Sequence", "pretokenizers": [{"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first"}, BYTE_LEVEL]}
    sets: dict[str, list[Json]] = {
        "plain": [added("<tok>"), added("tokword")],
        "lstrip": [added("<tok>", lstrip=True), added("tokword", lstrip=True)],
        "rstrip": [added("<tok>", rstrip=True), added("tokword", rstrip=True)],
        "both": [added("<tok>", lstrip=True, rstrip=True), added("<s>", lstrip=True, rstrip=True)],
        "single_word": [added("tokword", single_word=True), added("<tok>", single_word=True)],
        "single_word and strips": [added("tokword", single_word=True, lstrip=True, rstrip=True)],
        "normalized": [added("<TOK>", normalized=True), added("TokWord", normalized=True, special=False)],
        "normalized and not": [added("<tok>", normalized=False), added("tokword", normalized=True, lstrip=True)],
        "longest": [added("<t"), added("<tok>"), added("tok", special=False), added("  ", special=False, normalized=True)],
        "twice": [added("<tok>"), added("<tok>", lstrip=True), added("tokword", special=False)],
        "in the vocabulary": [added("[UNK]"), added("a"), added("<tok>")],
        "ids of the file are not asked": [{**added("<tok>"), "id": 9999}, {**added("tokword"), "id": 3}],
    }
    return {f"added_tokens {name}": {"added_tokens": tokens, "normalizer": lower, "pre_tokenizer": words}
            for name, tokens in sets.items()}


def template(single: list[str], ids: dict[str, list[int]]) -> Json:
    pieces = [{"Sequence": {"id": "A", "type_id": 0}} if name == "$A" else {"SpecialToken": {"id": name, "type_id": 0}}
              for name in single]
    return {"type": "TemplateProcessing", "single": pieces, "pair": [*pieces, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {name: {"id": name, "ids": found, "tokens": [name] * len(found)} for name, found in ids.items()}}


def post_processor_cases() -> dict[str, Json]:
    bare = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True}
    ends = {"sep": ["</s>", 7], "cls": ["<s>", 9]}
    steps: dict[str, Json] = {
        "ByteLevel": bare,
        "BertProcessing": {"type": "BertProcessing", **ends},
        "RobertaProcessing": {"type": "RobertaProcessing", **ends, "trim_offsets": True, "add_prefix_space": False},
        "TemplateProcessing": template(["<s>", "$A", "</s>", "</s>"], {"<s>": [9], "</s>": [7]}),
        "TemplateProcessing of several ids": template(["<s>", "$A"], {"<s>": [9, 8, 7]}),
        "TemplateProcessing of nothing": template(["$A"], {}),
        "Sequence": {"type": "Sequence", "processors": [bare, template(["<s>", "$A", "</s>"], {"<s>": [9], "</s>": [7]})]},
    }
    return {f"post_processor {name}": {"post_processor": step, "pre_tokenizer": BYTE_LEVEL} for name, step in steps.items()}


def trained(model: Any, trainer: Any, step: Any, lines: list[str]) -> Json:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = step
    tokenizer.train_from_iterator(lines, trainer)
    found: Json = json.loads(tokenizer.to_str())["model"]
    return found


def model_cases(lines: list[str]) -> dict[str, Json]:
    quiet = {"show_progress": False}
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    space = pre_tokenizers.Metaspace()
    byte_bpe = trained(models.BPE(), trainers.BpeTrainer(vocab_size=500, initial_alphabet=BYTES, **quiet), byte_level, lines)
    # Rare characters are in no token.
    few = trained(models.BPE(), trainers.BpeTrainer(vocab_size=350, limit_alphabet=60, special_tokens=["<unk>"], **quiet),
                  space, lines)
    some_bytes = trained(models.BPE(), trainers.BpeTrainer(vocab_size=300, limit_alphabet=90, **quiet), byte_level, lines)
    suffixed = trained(models.BPE(end_of_word_suffix="</w>", unk_token="<unk>"), trainers.BpeTrainer(
        vocab_size=350, limit_alphabet=60, special_tokens=["<unk>"], end_of_word_suffix="</w>", **quiet),
        pre_tokenizers.Whitespace(), lines)
    with_bytes = {**few, "vocab": {**few["vocab"], **{f"<0x{b:02X}>": len(few["vocab"]) + b for b in range(256)}}}
    pieces = trained(models.WordPiece(unk_token="[UNK]"), trainers.WordPieceTrainer(
        vocab_size=400, limit_alphabet=120, special_tokens=["[UNK]"], **quiet), pre_tokenizers.BertPreTokenizer(), lines)
    unigram = trained(models.Unigram(), trainers.UnigramTrainer(
        vocab_size=300, special_tokens=["<unk>"], unk_token="<unk>", **quiet), space, [x for x in lines if x.isascii()])
    words = {"type": "WordLevel", "unk_token": "[UNK]",
             "vocab": {w: i for i, w in enumerate(["[UNK]", "family", "a", "1", "'", "s", "\u65e5\u672c\u8a9e", "tokword"])}}
    spaces = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
    whole = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": False}
    gpt2 = {**BYTE_LEVEL, "use_regex": True}
    white = {"type": "Whitespace"}
    unk = {"unk_token": "<unk>"}
    special = [added("<unk>"), added("<s>"), added("</s>")]
    llama2 = {"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": "\u2581"}, {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]}
    cases: dict[str, Json] = {
        "BPE of bytes": {"model": byte_bpe, "pre_tokenizer": gpt2},
        "BPE ignore_merges": {"model": {**byte_bpe, "ignore_merges": True, "merges": byte_bpe["merges"][:60]}, "pre_tokenizer": gpt2},
        "BPE merges as pairs in strings": {"model": {**byte_bpe, "merges": [" ".join(m) for m in byte_bpe["merges"]]}, "pre_tokenizer": gpt2},
        "BPE without its type": {"model": {k: v for k, v in byte_bpe.items() if k != "type"}, "pre_tokenizer": gpt2},
        "BPE that lacks characters": {"model": few, "pre_tokenizer": spaces},
        "BPE that lacks bytes": {"model": some_bytes, "pre_tokenizer": gpt2},
        "BPE unk_token": {"model": {**few, **unk}, "pre_tokenizer": spaces},
        "BPE fuse_unk": {"model": {**few, **unk, "fuse_unk": True}, "pre_tokenizer": spaces},
        "BPE fuse_unk, unsplit": {"model": {**few, **unk, "fuse_unk": True}, "pre_tokenizer": whole},
        "BPE fuse_unk by words": {"model": {**few, **unk, "fuse_unk": True}, "pre_tokenizer": white},
        "BPE byte_fallback": {"model": {**with_bytes, **unk, "fuse_unk": True, "byte_fallback": True}, "pre_tokenizer": whole},
        "BPE byte_fallback without unk_token": {"model": {**with_bytes, "byte_fallback": True}, "pre_tokenizer": spaces},
        "BPE end_of_word_suffix": {"model": suffixed, "pre_tokenizer": white},
        "BPE end_of_word_suffix, fused": {"model": {**suffixed, "fuse_unk": True}, "pre_tokenizer": white},
        "BPE dropout of 0": {"model": {**byte_bpe, "dropout": 0.0}, "pre_tokenizer": gpt2},
        "WordPiece": {"model": pieces, "pre_tokenizer": {"type": "BertPreTokenizer"}},
        "WordPiece max_input_chars_per_word": {"model": {**pieces, "max_input_chars_per_word": 4}, "pre_tokenizer": white},
        "WordPiece continuing_subword_prefix": {"model": {
            **pieces, "continuing_subword_prefix": "@@", "vocab": {k.replace("##", "@@"): v for k, v in pieces["vocab"].items()}},
            "pre_tokenizer": white},
        "WordLevel": {"model": words, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [white, {"type": "Punctuation"}]}},
        "Unigram": {"model": unigram, "pre_tokenizer": spaces, "added_tokens": [added("<unk>")]},
        "Unigram by words": {"model": unigram, "pre_tokenizer": white, "added_tokens": [added("<unk>")]},
        "Unigram unsplit": {"model": unigram, "pre_tokenizer": whole, "added_tokens": [added("<unk>")]},
        "Unigram whose unk_id is no added token": {"model": unigram, "pre_tokenizer": spaces},
        "like Llama 2": {"model": {**with_bytes, **unk, "fuse_unk": True, "byte_fallback": True}, "normalizer": llama2,
                         "added_tokens": special, "post_processor": template(["<s>", "$A"], {"<s>": [len(with_bytes["vocab"])]})},
        "like Mistral 0.3": {"model": {**with_bytes, **unk, "fuse_unk": True, "byte_fallback": True}, "pre_tokenizer": whole,
                             "added_tokens": special},
        "like Llama 3": {"model": {**byte_bpe, "ignore_merges": True}, "added_tokens": special,
                         "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split(PATTERNS["Llama 3"]), BYTE_LEVEL]},
                         "post_processor": {"type": "Sequence", "processors": [BYTE_LEVEL, template(["<s>", "$A"], {"<s>": [501]})]}},
        "like Qwen 2": {"model": byte_bpe, "normalizer": {"type": "NFC"}, "added_tokens": special,
                        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split(PATTERNS["Qwen 2"]), BYTE_LEVEL]}},
        "like SmolLM 2": {"model": byte_bpe, "added_tokens": special, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Digits", "individual_digits": True}, gpt2]}},
        "truncation and padding": {"model": byte_bpe, "pre_tokenizer": gpt2,
                                   "truncation": {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0},
                                   "padding": {"strategy": {"Fixed": 8}, "direction": "Right", "pad_to_multiple_of": None,
                                               "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"}},
    }
    return {f"model {name}": case for name, case in cases.items()}


def decoder_cases() -> dict[str, Json]:
    """Steps, and tokens whose text is asked for."""
    tokens = ["\u2581\u2581He", "llo", "</w>", "##ing", " ", "\u2581", "<0xE2>", "<0x98>", "<0x83>", "<0xFF>", "<0x41>", "x", "\u0120w", "\u00e2\u013a\u0125",
              "\u65e5", " .", "\u2581don", "'t", " n't", " do not", " 's", "</w>", "  a  "]
    steps: dict[str, Any] = {
        "none": None,
        "ByteLevel": {**BYTE_LEVEL, "add_prefix_space": True},
        "WordPiece": {"type": "WordPiece", "prefix": "##", "cleanup": False},
        "WordPiece cleanup": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "Metaspace": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True},
        "Metaspace never": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "never", "split": False},
        "BPEDecoder": {"type": "BPEDecoder", "suffix": "</w>"},
        "ByteFallback": {"type": "ByteFallback"},
        "Llama 2": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "Strip start": {"type": "Strip", "content": " ", "start": 2, "stop": 0},
        "Strip stop": {"type": "Strip", "content": " ", "start": 0, "stop": 1},
    }
    cases = {}
    for name, step in steps.items():
        model = {"type": "WordLevel", "unk_token": "x", "vocab": {token: i for i, token in enumerate(dict.fromkeys(tokens))}}
        ids = [model["vocab"][token] for token in tokens]  # type: ignore[index]
        sections = {"decoder": step, "model": model}
        cases[name] = {"sections": sections, "ids": ids,
                       "text": load({**sections}).decode(ids, skip_special_tokens=False)}
    return cases


def whole_file(sections: Json) -> Json:
    tokens = [{"id": i, **token} for i, token in enumerate(sections.get("added_tokens", []))]
    return {"version": "1.0", "truncation": None, "padding": None, "normalizer": None, "pre_tokenizer": None,
            "post_processor": None, "decoder": None, "model": BYTES_MODEL, **sections, "added_tokens": tokens}


def load(sections: Json) -> Tokenizer:
    tokenizer = Tokenizer.from_str(json.dumps(whole_file(sections)))
    # As transformers does before it encodes.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def digest(ids: list[int]) -> str:
    return hashlib.sha256(" ".join(map(str, ids)).encode()).hexdigest()[:4]


def main() -> None:
    lines: list[str] = json.loads((ROOT / "lines.json").read_text(encoding="utf-8"))
    mixed = mixed_lines()
    write_json(ROOT / "mixed.json", mixed)
    cases = {**normalizer_cases(), **pre_tokenizer_cases(), **added_cases(), **post_processor_cases(),
             **model_cases(lines)}
    golden = []
    for name, sections in cases.items():
        tokenizer = load(sections)
        digests = "".join(digest(tokenizer.encode(line).ids) for line in [*lines, *mixed])
        golden.append({"name": name, "sections": sections, "digests": digests})
    write_json(ROOT / "steps.json", {
        "about": "scripts/golden/tokenizerSteps.py, whose docstring says what is what",
        "versions": versions("tokenizers"),
        "bytesModel": BYTES_MODEL,
        "cases": golden,
        "decoders": [{"name": name, **case} for name, case in decoder_cases().items()],
    })
    print(f"{len(golden)} cases on {len(lines) + len(mixed)} lines")


if __name__ == "__main__":
    main()
