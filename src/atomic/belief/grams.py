"""A text as the set of its words and pairs of neighbouring words, hashed: what nearness and classifiers stand on."""

from __future__ import annotations

import re
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST = 20_000  # characters; what makes a text like another stands at its beginning

_WORD = re.compile(r"[^\W_]+|[$€£!?%]")


@lru_cache(maxsize=256)
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
