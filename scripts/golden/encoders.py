"""Golden vectors of text encoders, from sentence-transformers.

Run from the repository root; MODELS holds the folder all-minilm-l6-v2 (config.json, model.safetensors, tokenizer.json,
modules.json, 1_Pooling), and without --models only the tiny encoders are made anew:

    python scripts/golden/encoders.py --models MODELS

Writes test/fixtures/golden/encoders/:

- `minilm.json`: `{ about, versions, model, maxSeqLength, rows }`, each row `{ text, tokenIds, vector [384] }`. float32 on
  the CPU, 7 significant digits, truncated to 256 tokens as the published model is; the row of the one longer text has
  `vectorAt128` and `vectorAt512` too. `float64Difference` is the largest difference to a float64 run.
- `bert-mean/`: a tiny random BERT as published models are laid out (modules.json, 1_Pooling with `pooling_mode_*` flags,
  2_Normalize, sentence_bert_config.json with max_seq_length 24), mean pooling, normalised.
- `bert-cls/`: the same architecture as sentence-transformers itself saves today (1_Pooling with `pooling_mode`, the
  maximal length 16 in tokenizer_config.json), first-token pooling, not normalised.
- `qwen3-lasttoken/`: a tiny random Qwen3 decoder laid out as Qwen3-Embedding: names without "model.", last-token pooling,
  normalised, a byte-level BPE whose post-processor appends <|endoftext|>; at most 64 tokens (max_position_embeddings).
- `poolings.json`: `{ about, versions, cases }`, each case `{ pooling, vectors }`: the last hidden states of `bert-mean`,
  not normalised, pooled in every way there is; the texts are the first three of `expected.json`.
- `expected.json`: `{ about, versions, cases }`, each case `{ case, dimension, maxSeqLength, rows }`, each row
  `{ text, tokenIds, vector }`; float64, 10 significant digits. The last text is longer than maxSeqLength.

sentence-transformers reads every folder back, so the layouts are its own.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from common import FIXTURES, everything_float64, randomise, rounded, to_float64, versions, write_json

import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel, Qwen3Config, Qwen3Model

ROOT = FIXTURES / "encoders"

PROFILES = [
    "You are a person from Japan.",
    "You are a person from Japan, age: 25-34, gender: Female, marital status: Married.",
    "You are a person from Egypt, age: 16-24, education: Upper secondary (ISCED 3), religion: Muslim.",
    "You are a person, age: 65+, employment: Retired/pensioned.",
    "You are a person from Côte d'Ivoire, age: 45-54, ethnicity: Baoulé, religion: Roman Catholic.",
    "あなたは日本の出身で、年齢は25〜34歳です。",
    "Вы человек из Казахстана, возраст: 35-44, образование: высшее.",
    "",
]
LONG = "You are a person from New Zealand, " + ", ".join(
    f"statement {i}: {answer}" for i, answer in enumerate(["strongly agree", "disagree", "neither"] * 22)
) + "."
MINILM_TEXTS = [
    *PROFILES[:7],
    "You are a person from Brazil, age: 35-44, gender: Male, education: Bachelor or equivalent (ISCED 6), marital status: "
    "Living together as married, religion: Do not belong to a denomination, ethnicity: Mixed, employment: Self employed.",
    "User Profile: a nurse of 52 who lives in a small town, votes rarely and distrusts both parties.",
    "You are a person from Türkiye, gender: Kadın, şehir: İstanbul.",
    "person 👩🏽‍🌾 from Kenya — “farmer”, e\u0301tude №7",
    LONG,
]

WORDS = """you are a person from japan egypt age gender female male education religion married muslim status employment
upper secondary retired new zealand statement agree strongly disagree neither marital""".split()
PIECES = ["##ed", "##ing", "##er", "##an", "##on", "##ic"]


def word_piece() -> Tokenizer:
    """BERT's tokenizer with 120-odd pieces: letters, digits, signs and a few words."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{c}" for c in letters), *",.:-+/()'", *PIECES]
    tokens += [word for word in WORDS if word not in tokens]
    vocab = {token: i for i, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.add_special_tokens(tokens[:5])
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])],
    )
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def byte_bpe() -> Tokenizer:
    """Qwen's tokenizer with a few merges; its post-processor appends <|endoftext|>, as that of Qwen3-Embedding does."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    pattern = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(PROFILES, trainer)
    end = "<|endoftext|>"
    tokenizer.add_special_tokens([AddedToken(end, normalized=False), AddedToken("<|im_end|>", normalized=False)])
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False),
        processors.TemplateProcessing(single=f"$A {end}", pair=f"$A {end} $B {end}",
                                      special_tokens=[(end, tokenizer.token_to_id(end))]),
    ])
    return tokenizer


def write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def published_layout(folder: Path, mode: str, dimension: int) -> None:
    """modules.json, pooling and normalisation as sentence-transformers 2 to 5 wrote them."""
    kinds = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    write(folder / "modules.json", [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(kinds)
    ])
    modes = ["cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken"]
    write(folder / "1_Pooling" / "config.json", {
        "word_embedding_dimension": dimension, **{f"pooling_mode_{m}": m == mode for m in modes}, "include_prompt": True,
    })


def random_bert(folder: Path, vocab_size: int, seed: int) -> None:
    config = BertConfig(
        vocab_size=vocab_size, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
        max_position_embeddings=48, type_vocab_size=2,
    )
    # With the pooler that published checkpoints carry and sentence-transformers does not use.
    model = BertModel(config)
    randomise(model, torch.Generator().manual_seed(seed))
    model.save_pretrained(folder)


BERT_TOKENIZER = {
    "tokenizer_class": "BertTokenizer", "do_lower_case": True, "unk_token": "[UNK]", "sep_token": "[SEP]",
    "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]", "tokenize_chinese_chars": True,
    "strip_accents": None, "model_max_length": 48,
}


def make_bert_mean(folder: Path) -> None:
    tokenizer = word_piece()
    random_bert(folder, tokenizer.get_vocab_size(), 1)
    # Published MiniLM models carry padding and truncation in tokenizer.json; they are not what decides.
    tokenizer.enable_truncation(12)
    tokenizer.enable_padding(length=12, pad_token="[PAD]")
    tokenizer.save(str(folder / "tokenizer.json"))
    write(folder / "tokenizer_config.json", BERT_TOKENIZER)
    write(folder / "sentence_bert_config.json", {"max_seq_length": 24, "do_lower_case": False})
    published_layout(folder, "mean_tokens", 32)


def make_bert_cls(folder: Path) -> None:
    tokenizer = word_piece()
    random_bert(folder, tokenizer.get_vocab_size(), 2)
    tokenizer.save(str(folder / "tokenizer.json"))
    write(folder / "tokenizer_config.json", {**BERT_TOKENIZER, "model_max_length": 16})
    modules = [Transformer(str(folder)), Pooling(32, pooling_mode="cls")]
    SentenceTransformer(modules=modules, device="cpu").save(str(folder), create_model_card=False)
    # What the machine was told when it read the folder is no part of the model.
    path = folder / "tokenizer_config.json"
    saved = json.loads(path.read_text())
    write(path, {key: value for key, value in saved.items() if key not in ("is_local", "local_files_only")})


def make_qwen3(folder: Path) -> None:
    tokenizer = byte_bpe()
    config = Qwen3Config(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, intermediate_size=40, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=12, max_position_embeddings=64, rms_norm_eps=1e-6,
        tie_word_embeddings=True, bos_token_id=tokenizer.token_to_id("<|endoftext|>"),
        eos_token_id=tokenizer.token_to_id("<|endoftext|>"),
        rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
    )
    model = Qwen3Model(config)
    randomise(model, torch.Generator().manual_seed(3))
    model.save_pretrained(folder)
    saved = json.loads((folder / "config.json").read_text())
    write(folder / "config.json", {**saved, "architectures": ["Qwen3ForCausalLM"]})
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()},
              folder / "model.safetensors", metadata={"format": "pt"})
    tokenizer.save(str(folder / "tokenizer.json"))
    write(folder / "tokenizer_config.json", {
        "tokenizer_class": "Qwen2Tokenizer", "add_bos_token": False, "add_prefix_space": False, "bos_token": None,
        "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "unk_token": None, "errors": "replace",
        "split_special_tokens": False, "clean_up_tokenization_spaces": False, "model_max_length": 131072,
    })
    write(folder / "config_sentence_transformers.json", {
        "prompts": {"query": "Instruct: Given a person, retrieve their values\nQuery:", "document": ""},
        "default_prompt_name": None, "similarity_fn_name": "cosine",
    })
    published_layout(folder, "lasttoken", 32)


def token_ids(model: SentenceTransformer, text: str) -> list[int]:
    return model.preprocess([text])["input_ids"][0].tolist()


def vectors(model: SentenceTransformer, texts: list[str]) -> torch.Tensor:
    """One text at a time; fails where a text's vector depends on the others in its batch."""
    single = torch.stack([model.encode(text, convert_to_tensor=True, show_progress_bar=False) for text in texts])
    batch = model.encode(texts, convert_to_tensor=True, show_progress_bar=False)
    assert (single - batch).abs().max().item() < 1e-5
    return single


def tiny_case(name: str, folder: Path) -> dict[str, Any]:
    model = SentenceTransformer(str(folder), device="cpu")
    reference = Tokenizer.from_file(str(folder / "tokenizer.json"))
    reference.no_padding()
    reference.enable_truncation(model.max_seq_length)
    texts = [*PROFILES, LONG]
    ids = [token_ids(model, text) for text in texts]
    for text, found in zip(texts, ids):
        assert found == reference.encode(text).ids, (name, text, found, reference.encode(text).ids)
    assert len(ids[-1]) == model.max_seq_length
    single = vectors(model, texts)
    to_float64(model)
    with everything_float64():
        exact = vectors(model, texts)
    assert exact.dtype == torch.float64
    print(f"{name:16} {model.max_seq_length} tokens at most; float32 differs by {(single - exact).abs().max().item():.1e}")
    return {"case": name, "dimension": exact.shape[1], "maxSeqLength": model.max_seq_length,
            "rows": [{"text": text, "tokenIds": found, "vector": rounded(vector, 10)}
                     for text, found, vector in zip(texts, ids, exact)]}


def poolings(folder: Path) -> list[dict[str, Any]]:
    found = []
    for mode in (*Pooling.POOLING_MODES, ["max", "cls"]):
        model = SentenceTransformer(modules=[Transformer(str(folder)), Pooling(32, pooling_mode=mode)], device="cpu")
        model.max_seq_length = 24
        to_float64(model)
        with everything_float64():
            exact = vectors(model, PROFILES[:3])
        found.append({"pooling": mode, "vectors": [rounded(vector, 10) for vector in exact]})
    return found


def minilm(folder: Path) -> dict[str, Any]:
    model = SentenceTransformer(str(folder), device="cpu")
    found = {}
    for length in (128, 512, 256):
        model.max_seq_length = length
        found[length] = vectors(model, MINILM_TEXTS)
    ids = [token_ids(model, text) for text in MINILM_TEXTS]
    rows: list[dict[str, Any]] = [
        {"text": text, "tokenIds": row, "vector": rounded(vector, 7)}
        for text, row, vector in zip(MINILM_TEXTS, ids, found[256])
    ]
    rows[-1] |= {"vectorAt128": rounded(found[128][-1], 7), "vectorAt512": rounded(found[512][-1], 7)}
    assert [len(row) == 256 for row in ids] == [False] * (len(ids) - 1) + [True]
    model.double()
    with everything_float64():
        difference = (vectors(model, MINILM_TEXTS) - found[256]).abs().max().item()
    print(f"minilm: float32 differs by {difference:.1e}; tokens {[len(row) for row in ids]}")
    return {"maxSeqLength": 256, "float64Difference": float(f"{difference:.2g}"), "rows": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, help="the folder that holds all-minilm-l6-v2")
    arguments = parser.parse_args()
    used = versions("transformers", "sentence-transformers", "tokenizers", "safetensors")
    ROOT.mkdir(parents=True, exist_ok=True)
    cases = []
    for name, make in {"bert-mean": make_bert_mean, "bert-cls": make_bert_cls, "qwen3-lasttoken": make_qwen3}.items():
        make(ROOT / name)
        cases.append(tiny_case(name, ROOT / name))
    write_json(ROOT / "expected.json", {
        "about": "scripts/golden/encoders.py: sentence-transformers on the folders beside, float64; 10 significant digits",
        "versions": used,
        "cases": cases,
    })
    write_json(ROOT / "poolings.json", {
        "about": "scripts/golden/encoders.py: sentence-transformers on bert-mean, float64; 10 significant digits",
        "versions": used,
        "cases": poolings(ROOT / "bert-mean"),
    })
    if arguments.models:
        write_json(ROOT / "minilm.json", {
            "about": "scripts/golden/encoders.py: sentence-transformers, float32 on the CPU; 7 significant digits",
            "versions": used,
            "model": "all-minilm-l6-v2",
            **minilm(arguments.models / "all-minilm-l6-v2"),
        })


if __name__ == "__main__":
    main()
