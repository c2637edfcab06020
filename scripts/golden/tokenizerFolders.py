"""Golden readings of folders whose special tokens are spread over files.

Run it with transformers 4 and again with transformers 5:

    python scripts/golden/tokenizerFolders.py

Writes test/fixtures/golden/tokenizer/folders4.json or folders5.json, by the release that runs: per folder its files, the
special tokens that templates get, and the ids of every line by AutoTokenizer, special tokens added.
"""

from __future__ import annotations

import json
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

FIXTURES = Path(__file__).resolve().parents[2] / "test" / "fixtures" / "golden" / "tokenizer"
Json = dict[str, Any]

LINES = ["", "a", "a<tok>b", "a <tok> b", "<s>a</s>", "ab <pad> <new>", "x<image>y", "<extra>a <extra> b", "A <TOK>"]
VOCABULARY = ["<unk>", "<s>", "</s>", "\u2581", *"abcxyzAT<>"]


def flags(content: str, **given: bool) -> Json:
    return {"content": content, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, **given}


def added(id_: int, content: str, **given: bool) -> Json:
    return {"id": id_, **flags(content), "special": True, **given}


BOS_FIRST = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
             "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
             "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}


def tokenizer(tokens: list[Json] | None = None, **sections: Any) -> Json:
    return {
        "version": "1.0", "truncation": None, "padding": None, "normalizer": None,
        "added_tokens": [added(0, "<unk>"), added(1, "<s>"), added(2, "</s>"), *(tokens or [])],
        "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": False},
        "post_processor": None, "decoder": None,
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": False, "ignore_merges": False,
                  "vocab": {token: i for i, token in enumerate(VOCABULARY)}, "merges": []},
        **sections,
    }


FAST = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
LLAMA = {**FAST, "tokenizer_class": "LlamaTokenizerFast", "legacy": False}
END = len(VOCABULARY)

FOLDERS: dict[str, dict[str, Json]] = {
    "added_tokens_decoder": {
        "tokenizer.json": tokenizer(),
        "tokenizer_config.json": {**FAST, "added_tokens_decoder": {
            "0": {**flags("<unk>"), "special": True}, str(END): {**flags("<tok>", lstrip=True), "special": True},
            str(END + 1): {**flags("<new>", normalized=True), "special": False}}}},
    "added_tokens_decoder is in the way of the other files": {
        "tokenizer.json": tokenizer(),
        "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>", "added_tokens_decoder": {
            "2": {**flags("</s>"), "special": True}}},
        "special_tokens_map.json": {"bos_token": "<s>", "pad_token": "<pad>"},
        "added_tokens.json": {"<tok>": END}},
    "added_tokens.json": {
        "tokenizer.json": tokenizer(),
        "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>"},
        "special_tokens_map.json": {"bos_token": "<s>", "pad_token": "<pad>"},
        "added_tokens.json": {"<new>": END + 1, "<tok>": END, "<pad>": END + 2}},
    "special_tokens_map.json with flags": {
        "tokenizer.json": tokenizer(),
        "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "</s>"},
        "special_tokens_map.json": {"bos_token": flags("<s>"), "eos_token": flags("</s>"), "pad_token": flags("<pad>", rstrip=True),
                                    "additional_special_tokens": ["<tok>", "<extra>"]}},
    "tokens that only tokenizer_config.json has": {
        "tokenizer.json": tokenizer(),
        "tokenizer_config.json": {**FAST, "pad_token": "<pad>", "additional_special_tokens": ["<extra>", "<tok>"]}},
    "named extra tokens": {
        "tokenizer.json": tokenizer(),
        "tokenizer_config.json": {**FAST, "extra_special_tokens": {"image_token": "<image>"}}},
    "AddedToken in tokenizer_config.json": {
        "tokenizer.json": tokenizer(),
        "tokenizer_config.json": {**FAST, "pad_token": {"__type": "AddedToken", **flags("<pad>", lstrip=True)}}},
    "flags that differ": {
        "tokenizer.json": tokenizer([added(END, "<tok>")]),
        "tokenizer_config.json": {**FAST, "added_tokens_decoder": {
            str(END): {**flags("<tok>", lstrip=True, rstrip=True), "special": True}}}},
    "the vocabulary's tokens become special": {
        "tokenizer.json": tokenizer(),
        "tokenizer_config.json": {**FAST, "pad_token": "a", "additional_special_tokens": ["x"]}},
    "padding names the pad token": {
        "tokenizer.json": tokenizer(padding={
            "strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None, "pad_id": 2, "pad_type_id": 0,
            "pad_token": "</s>"}),
        "tokenizer_config.json": FAST},
    "no other file": {"tokenizer.json": tokenizer([added(END, "<tok>")]), "tokenizer_config.json": {
        "tokenizer_class": "PreTrainedTokenizerFast"}},
    "Llama": {"tokenizer.json": tokenizer(post_processor=BOS_FIRST), "tokenizer_config.json": LLAMA},
    "Llama with an end": {
        "tokenizer.json": tokenizer(post_processor=BOS_FIRST), "tokenizer_config.json": {**LLAMA, "add_eos_token": True}},
    "Llama without a begin": {
        "tokenizer.json": tokenizer(post_processor=BOS_FIRST), "tokenizer_config.json": {**LLAMA, "add_bos_token": False}},
    "another class with an end": {
        "tokenizer.json": tokenizer(post_processor=BOS_FIRST), "tokenizer_config.json": {**FAST, "add_eos_token": True, "add_bos_token": False}},
}


def main() -> None:
    major = version("transformers").split(".")[0]
    golden = []
    for name, files in FOLDERS.items():
        with tempfile.TemporaryDirectory() as folder:
            for file, content in files.items():
                (Path(folder) / file).write_text(json.dumps(content), encoding="utf-8")
            auto = AutoTokenizer.from_pretrained(folder)
            named = {key: value for key, value in auto.special_tokens_map.items() if isinstance(value, str)}
            golden.append({"name": name, "files": files, "specialTokens": named,
                           "ids": [auto(line)["input_ids"] for line in LINES]})
    result = {"about": "scripts/golden/tokenizerFolders.py", "transformers": version("transformers"), "lines": LINES,
              "folders": golden}
    path = FIXTURES / f"folders{major}.json"
    path.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{len(golden)} folders read by transformers {version('transformers')}")


if __name__ == "__main__":
    main()
