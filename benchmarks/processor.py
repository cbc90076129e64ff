"""The processor that a benchmark ran on, for its first line: ratios of one run depend on it too."""

import os
import platform
import re
from pathlib import Path


def describe_processor() -> str:
    """Return the processor's name and its number of threads, such as "AMD EPYC 7B13, 2 threads"."""
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*: (.+)$", cpuinfo.read_text(), re.MULTILINE) if cpuinfo.exists() else None
    name = found[1] if found else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} threads"
