"""A CLIP tokenizer whose words are those of captions.

Each of WORDS is one token; any other text is spelled in bytes and in the parts
that these words are merged from. Needs the standard library alone.
"""

import json
import os
from collections import Counter

import scenes

LENGTH = 77
BEGIN, END = "<|startoftext|>", "<|endoftext|>"
WORDS = tuple(
    list(scenes.SHAPES) + list(scenes.COLOURS) + list(scenes.BACKGROUNDS) +
    list(scenes.SIZES) +
    "a an and the of on in to left right above below background".split())


def byte_symbols():
    """The printable stand-in of each byte, as byte-level BPE has them."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD),
             *range(0xAE, 0x100)]
    odd = [byte for byte in range(256) if byte not in plain]
    return ([chr(byte) for byte in plain] +
            [chr(256 + place) for place in range(len(odd))])


def merged(symbols, pair):
    """The symbols with every such pair joined."""
    result = []
    for symbol in symbols:
        if result and (result[-1], symbol) == pair:
            result[-1] += symbol
        else:
            result.append(symbol)
    return tuple(result)


def learn_merges(words):
    """Pairs, best first, until every word is one symbol."""
    spelled = [tuple(word[:-1]) + (word[-1] + "</w>",) for word in words]
    merges = []
    while any(len(symbols) > 1 for symbols in spelled):
        pairs = Counter(pair for symbols in spelled
                        for pair in zip(symbols, symbols[1:]))
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        spelled = [merged(symbols, best) for symbols in spelled]
    return merges


class Tokenizer:
    """Ids of captions, and the files that others read it from."""

    def __init__(self):
        bytes_ = byte_symbols()
        self.merges = learn_merges(sorted(WORDS))
        tokens = (bytes_ + [symbol + "</w>" for symbol in bytes_] +
                  [left + right for left, right in self.merges] + [BEGIN, END])
        # The end is the highest id: every rule of finding it then agrees.
        self.ids = {token: place for place, token in enumerate(tokens)}
        assert len(self.ids) == len(tokens)

    def encode(self, caption):
        """LENGTH ids. KeyError for a word that is not one of WORDS."""
        ids = [self.ids[word + "</w>"] for word in caption.split()]
        ids = [self.ids[BEGIN]] + ids[:LENGTH - 2]
        return ids + [self.ids[END]] * (LENGTH - len(ids))

    def save(self, folder):
        os.makedirs(folder, exist_ok=True)
        special = {"bos_token": BEGIN, "eos_token": END, "unk_token": END,
                   "pad_token": END}
        for name, value in (
                ("vocab.json", self.ids),
                ("special_tokens_map.json", special),
                ("tokenizer_config.json",
                 {**special, "do_lower_case": True, "errors": "replace",
                  "model_max_length": LENGTH,
                  "tokenizer_class": "CLIPTokenizer"})):
            with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
                json.dump(value, file, ensure_ascii=False,
                          indent=None if name == "vocab.json" else 1)
                file.write("\n")
        with open(f"{folder}/merges.txt", "w", encoding="utf-8") as file:
            file.write("#version: 0.2\n")
            file.writelines(f"{left} {right}\n" for left, right in self.merges)
