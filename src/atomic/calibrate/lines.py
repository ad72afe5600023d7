"""Lines of a file that somebody made: JSON objects or CSV, with their numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from atomic.errors import CallerError


def lines_of(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line's number and fields: JSON objects or, where the file's name ends so, CSV with a heading.

    In CSV `letter.subject` is a field of `letter`. Raises CallerError for what is neither.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CallerError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise CallerError(f"{file}: not UTF-8 from byte {error.start} on") from None
    if file.suffix.lower() == ".csv":
        rows = csv.DictReader(io.StringIO(text))
        for row in rows:
            if None in row or None in row.values():
                raise CallerError(f"{file}:{rows.line_num}: another number of columns than in the first line")
            yield rows.line_num, _nested(row)
        return
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            raise CallerError(f"{file}:{number}: not JSON") from None
        if not isinstance(value, dict):
            raise CallerError(f"{file}:{number}: not an object")
        yield number, value


def _nested(row: Mapping[str, str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in row.items():
        outer, dot, inner = name.partition(".")
        if dot:
            fields.setdefault(outer, {})[inner] = value
        else:
            fields[name] = value
    return fields
