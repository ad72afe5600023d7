"""A text as a set of hashes, of its words and word pairs or of its spelling: what nearness and classifiers read."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

from atomic.belief.remembered import remembered

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST = 20_000  # characters; what makes a text like another stands at its beginning

LONGEST_SPELLED = 6_000  # bytes read by `spelling`
_WINDOW = 4

_WORD = re.compile(r"[^\W_]+|[$€£!?%]")


@remembered(256)
def grams(text: str) -> NDArray[np.uint32]:
    """The distinct hashes of a text's words and pairs of words, ascending; read-only. Case does not count.

    Only the first 20,000 characters are read. Hashes are 32 bits of CRC, the same in every process. The last 256
    texts are remembered, since a request's text is asked for by every bidder.

    >>> len(grams("Free money, FREE money!")), grams("").size
    (6, 0)
    """
    import numpy as np

    words = _WORD.findall(text[:LONGEST].casefold())
    crc = zlib.crc32
    single = np.fromiter((crc(word.encode("utf-8", "replace")) for word in words), np.uint32, len(words))
    # Two odd multipliers (Knuth's and Murmur's) and a shift: "a b" and "b a" fall apart, and so do "a a" and "b b".
    mixed = single[:-1] * np.uint32(2654435761) + single[1:] * np.uint32(3432918353)
    pairs = mixed ^ (mixed >> np.uint32(15))
    distinct = np.unique(np.concatenate([single, pairs]))
    distinct.flags.writeable = False
    return distinct


@remembered(256)
def spelling(text: str) -> NDArray[np.uint32]:
    """The distinct hashes of a text's runs of four bytes, ascending; read-only. Case and width of space do not count.

    It sees what words hide: odd spellings, word parts, other scripts. Only the first 6,000 bytes are read.

    >>> len(spelling("free  FREE")), spelling("abc").size  # "free" counts once
    (5, 0)
    """
    import numpy as np

    squeezed = " ".join(text[:LONGEST_SPELLED].casefold().split()).encode("utf-8", "replace")[:LONGEST_SPELLED]
    codes = np.frombuffer(squeezed, np.uint8).astype(np.uint32)
    count = max(0, codes.size - _WINDOW + 1)
    mixed = np.zeros(count, np.uint32)
    for offset in range(_WINDOW):  # FNV's prime and Knuth's multiplier
        mixed = mixed * np.uint32(16777619) ^ codes[offset : offset + count] * np.uint32(2654435761)
    distinct = np.unique(mixed ^ (mixed >> np.uint32(15)))
    distinct.flags.writeable = False
    return distinct
