"""What words are, and the hashes by which they are indexed."""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt
import re2  # type: ignore[import-untyped]

# What stands between words: ASCII but letters, digits and the underscore, and beyond ASCII the spaces, punctuation and
# symbols that texts have most. Unicode's classes would say the same for all scripts, but take RE2 8 ms to compile.
_SEPARATORS = "".join(
    (
        r"\x00-/:-@\[-^`{-\x{a9}\x{ab}-\x{b1}\x{b4}\x{b6}-\x{b8}\x{bb}\x{bf}\x{d7}\x{f7}",  # Latin
        r"\x{55a}-\x{55f}\x{589}\x{58a}\x{5be}\x{5c0}\x{5c3}\x{5f3}\x{5f4}",  # Armenian, Hebrew
        r"\x{60c}-\x{60f}\x{61b}-\x{61f}\x{66a}-\x{66d}\x{6d4}\x{964}\x{965}",  # Arabic, Devanagari
        r"\x{1680}\x{2000}-\x{206f}\x{20a0}-\x{20cf}\x{2190}-\x{2bff}\x{2e00}-\x{2e2e}\x{2e30}-\x{2e7f}",
        r"\x{3000}-\x{3004}\x{3008}-\x{3020}\x{3030}\x{30fb}\x{fe10}-\x{fe1f}\x{fe30}-\x{fe6f}",  # East Asia
        r"\x{feff}-\x{ff0f}\x{ff1a}-\x{ff20}\x{ff3b}-\x{ff40}\x{ff5b}-\x{ff65}\x{ffe0}-\x{ffff}\x{1f000}-\x{1faff}",
    )
)
#: What is no part of a word, in RE2's syntax.
NO_WORD = f"[{_SEPARATORS}]"
#: What is a part of a word, and a whole one.
IN_WORD = f"[^{_SEPARATORS}]"
WORD = f"{IN_WORD}+"

#: Words are told apart by their first bytes; a longer one is found with all that begin like it.
_LONGEST_WORD = 64
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_KEPT_BYTES = np.array([(1 << 8 * count) - 1 for count in range(9)], dtype=np.uint64)
# Tells of each byte whether it is part of a word; of characters beyond ASCII only those of words come here.
_IN_WORD = bytes(byte >= 128 or chr(byte) in "abcdefghijklmnopqrstuvwxyz0123456789_" for byte in range(256))
_words_of = re2.compile(WORD)


def lowered(text: str) -> str:
    """Return a text in lower case as DuckDB has it: each character by itself, and always one for one."""
    return text.lower() if text.isascii() else "".join(one.lower()[0] for one in text)


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, in their order."""
    found: list[str] = _words_of.findall(lowered(text))
    return found


def word_hashes(text: str, name: str) -> npt.NDArray[np.uint32]:
    """Return the hash of every word, in their order, of a text that is in lower case and cut into words beyond ASCII.

    Words of texts with another name have other hashes. All are computed at once: a word is taken eight bytes at a
    time, the last of them masked to what belongs to it.
    """
    seed = np.uint64(zlib.crc32(name.encode()))
    padded = b" " + text.encode() + b" " * 9
    data = np.frombuffer(padded, dtype=np.uint8)
    inside = np.frombuffer(padded.translate(_IN_WORD), dtype=np.bool_)
    edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    starts = edges[::2]
    lengths = np.minimum(edges[1::2] - starts, _LONGEST_WORD)
    eights = np.lib.stride_tricks.as_strided(data[:8].view("<u8"), (len(data) - 7,), (1,))
    hashes = _mixed(lengths.astype(np.uint64) * _MULTIPLIER + seed, eights[starts], lengths)
    longer = np.flatnonzero(lengths > 8)
    done = 8
    while longer.size:
        hashes[longer] = _mixed(hashes[longer], eights[starts[longer] + done], lengths[longer] - done)
        done += 8
        longer = longer[lengths[longer] > done]
    return (hashes >> np.uint64(32)).astype(np.uint32)


def _mixed(
    hashes: npt.NDArray[np.uint64], eights: npt.NDArray[np.uint64], left: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint64]:
    mixed = (hashes ^ (eights & _KEPT_BYTES[np.minimum(left, 8)])) * _MULTIPLIER
    mixed ^= mixed >> np.uint64(29)
    mixed *= _MULTIPLIER
    return mixed
