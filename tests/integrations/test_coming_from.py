"""What the pages for those who come from elsewhere show as configuration is one."""

import re
import tomllib
from pathlib import Path

import pytest

from atomic.config import read_config
from atomic.config.prices import PriceFile

PAGES = sorted((Path(__file__).parents[2] / "docs" / "coming-from").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_configuration_of_a_page_is_right(page: Path) -> None:
    for text in re.findall(r"^```toml\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        table = tomllib.loads(text)
        assert PriceFile.model_validate(table) if "prices" in table else read_config(table).digest
