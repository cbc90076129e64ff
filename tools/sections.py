"""Parts of Markdown documents that a script writes: what stands between `<!-- NAME -->` and `<!-- /NAME -->`."""

import re
from pathlib import Path

from salgan_tf import files


def replace_section(path: Path, name: str, content: str) -> None:
    """Put `content` in the place of the section `name` of a document."""
    document = path.read_text()
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    changed, count = re.subn(
        f"{begin}.*?{end}", lambda _: f"{begin}\n{content}\n{end}", document, count=1, flags=re.DOTALL
    )
    if not count:
        raise SystemExit(f"{path}: has no section {begin} … {end}")
    files.write_bytes(path, changed.encode())
