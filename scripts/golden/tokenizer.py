"""Golden token ids and chat renderings of SmolLM2's tokenizer.

Run from the repository root; MODELS holds the folder smollm2-135m-instruct (tokenizer.json, tokenizer_config.json):

    python scripts/golden/tokenizer.py --models MODELS

Reads test/fixtures/golden/tokenizer/lines.json, some 200 lines written for this purpose: many scripts, numbers, code, white
space, emoji, combining marks, special tokens inside text. Writes expected.json beside it:

- `ids`: per line its token ids by tokenizer.json as the tokenizers library reads it, special tokens added as by default
  (`idsWithoutSpecial` only where leaving them out differs), and `decoded` where decoding them, special tokens kept, does
  not give the line back;
- `autoTokenizerDiffers`: the lines (by index) for which transformers' AutoTokenizer gives other ids, with those ids.
  transformers 5 rebuilds a GPT2Tokenizer from its vocabulary and merges and drops the file's own pre-tokenizer, here the
  splitting of digits. What the model was trained with is tokenizer.json;
- `chats`: `{ name, messages, addGenerationPrompt, text, ids }` by `apply_chat_template`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from common import FIXTURES, versions, write_json

from tokenizers import Tokenizer
from transformers import AutoTokenizer

ROOT = FIXTURES / "tokenizer"
PERSONA = "You are a person from Japan, age: 25-34, gender: Female, marital status: Married."
QUESTION = "How important is family in your life? A. Very B. Rather C. Not at all. You can only choose one option."

SYSTEM = {"role": "system", "content": PERSONA}
USER = {"role": "user", "content": QUESTION}
ANSWER = {"role": "assistant", "content": "A"}
CHATS: dict[str, tuple[list[dict[str, str]], bool]] = {
    "system and user": ([SYSTEM, USER], True),
    "user only": ([USER], True),
    "several turns": ([SYSTEM, USER, ANSWER, {"role": "user", "content": "And work?\n\n  日本では？ "}], True),
    "answered, without a generation prompt": ([SYSTEM, USER, ANSWER], False),
    "several turns without a system message": ([USER, ANSWER, {"role": "user", "content": "And \"leisure\" & <b>?"}], True),
    "empty system message": ([{"role": "system", "content": ""}, USER], True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, required=True, help="the folder that holds smollm2-135m-instruct")
    folder = parser.parse_args().models / "smollm2-135m-instruct"
    lines: list[str] = json.loads((ROOT / "lines.json").read_text(encoding="utf-8"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    auto = AutoTokenizer.from_pretrained(folder)

    ids, without, decoded, differs = [], {}, {}, {}
    for i, line in enumerate(lines):
        found = tokenizer.encode(line).ids
        ids.append(found)
        if (bare := tokenizer.encode(line, add_special_tokens=False).ids) != found:
            without[str(i)] = bare
        if (back := tokenizer.decode(found, skip_special_tokens=False)) != line:
            decoded[str(i)] = back
        if (other := auto(line)["input_ids"]) != found:
            differs[str(i)] = other

    chats: list[dict[str, Any]] = []
    for name, (messages, prompt) in CHATS.items():
        text = auto.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt)
        chats.append({"name": name, "messages": messages, "addGenerationPrompt": prompt, "text": text,
                      "ids": tokenizer.encode(text, add_special_tokens=False).ids})
    write_json(ROOT / "expected.json", {
        "about": "scripts/golden/tokenizer.py, whose docstring says what is what",
        "versions": versions("transformers", "tokenizers"),
        "model": "smollm2-135m-instruct",
        "ids": ids,
        "idsWithoutSpecial": without,
        "decoded": decoded,
        "autoTokenizerDiffers": differs,
        "chats": chats,
    })
    print(f"{len(lines)} lines, {sum(map(len, ids))} tokens; AutoTokenizer differs on {len(differs)}; "
          f"{len(decoded)} do not decode to themselves")


if __name__ == "__main__":
    main()
