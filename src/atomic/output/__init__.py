"""Typed or refused: raw answers to values of the declared type, their JSON, their labels and their equality.

Pure: no clock, no client, no log. Nothing here raises on any text that a model may write.
"""

from atomic.output.equality import as_json, canonical_key
from atomic.output.instructions import instructions
from atomic.output.labels import answers_by_label, label_text, named_label
from atomic.output.reading import Refusal, from_json, plain_type, typed

__all__ = [
    "Refusal",
    "answers_by_label",
    "as_json",
    "canonical_key",
    "from_json",
    "instructions",
    "label_text",
    "named_label",
    "plain_type",
    "typed",
]
