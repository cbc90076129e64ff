"""Sections of Markdown documents that scripts write, between `<!-- NAME -->` and `<!-- /NAME -->`."""

import re
from pathlib import Path

from salgan_tf import files


def replace_section(path: Path, name: str, content: str) -> None:
    """Replace the section `name` of a document by `content`."""
    document = path.read_text()
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    changed, count = re.subn(
        f"{begin}.*?{end}", lambda _: f"{begin}\n{content}\n{end}", document, count=1, flags=re.DOTALL
    )
    if not count:
        raise SystemExit(f"{path}: no section {begin} … {end}")
    files.write_bytes(path, changed.encode())
