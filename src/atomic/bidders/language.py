"""In which language a text is, roughly: what a bidder may know of an input that it may not see."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_LOOKED_AT = 4_000  # characters
_FEWEST = 2  # telling words
_SCRIPTS = {
    "HIRAGANA": "ja", "KATAKANA": "ja", "CJK": "zh", "HANGUL": "ko", "CYRILLIC": "ru", "GREEK": "el", "ARABIC": "ar",
    "HEBREW": "he", "DEVANAGARI": "hi", "THAI": "th",
}  # fmt: skip
_WORDS = {
    "en": "the and you of to is that for with this are have not your from was will be",
    "de": "der die und das ist nicht ein eine zu mit den für auf sie ich wir bitte wird haben",
    "fr": "le la les des est une et vous pour dans que pas nous avec sur votre merci je",
    "es": "el los las una que por para con del está no su más como gracias usted pero",
    "it": "il che di non per una sono con della gli più come questo grazie anche ho",
    "pt": "não uma para com que os as você mais obrigado por seu está isso também",
    "nl": "het een van niet dat voor met zijn wij naar ook maar bedankt wordt deze",
    "pl": "nie się jest na że do jak dla już ale czy tak proszę",
}
_TELLING = {language: frozenset(words.split()) for language, words in _WORDS.items()}
_WORD = re.compile(r"[^\W\d_]+")


def language_of(text: str) -> str:
    """The language's code (ISO 639-1), or "und" where too little tells it. A guess by script and common words.

    >>> language_of("Where is the parcel that you sent?"), language_of("Wo ist das Paket, bitte?"), language_of("12")
    ('en', 'de', 'und')
    """
    text = text[:_LOOKED_AT].lower()
    scripts = Counter(unicodedata.name(one, "?").split()[0] for one in text if one.isalpha() and one > "\u036f")
    for script, language in _SCRIPTS.items():  # kana before han: Japanese is written in both
        if 4 * scripts[script] > sum(one.isalpha() for one in text):
            return language
    words = Counter(_WORD.findall(text))
    found = {language: sum(words[one] for one in telling) for language, telling in _TELLING.items()}
    best = max(found, key=lambda language: found[language])
    return best if found[best] >= _FEWEST else "und"
