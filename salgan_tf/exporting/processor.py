"""The processor that something was measured on: ratios of one run depend on it too."""

import os
import platform
import re
from pathlib import Path

# Instructions that decide how fast int8 and bfloat16 are; dot products of bytes first. As Linux calls them.
_INSTRUCTIONS = ("avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm", "avx512_bf16", "amx_bf16", "avx2")


def describe_processor() -> str:
    """Return the processor's name, threads and instructions, such as "AMD EPYC 7B13, 2 threads, avx2"."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.exists() else ""
    found = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    name = found[1] if found else platform.processor() or platform.machine()
    flags = re.search(r"^(?:flags|Features)\s*: (.+)$", text, re.MULTILINE)
    known = [each for each in _INSTRUCTIONS if flags and each in flags[1].split()]
    return ", ".join([name, f"{os.cpu_count()} threads", *known])
