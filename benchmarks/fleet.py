"""Compare `predict --engine ray` with `predict`, on this machine.

    python benchmarks/fleet.py [--folder DIR] [--before CHECKOUT]

Whole processes, started in turns, with all photographs and with a few of them. Printed are medians over the rounds:
the whole time, in which Ray starts and ends, and the pictures a second without any start, from the difference between
all and few. With `--before`, `predict` is also run with the package of another checkout.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import matplotlib

from salgan_tf.exporting.processor import describe_processor
from salgan_tf.images import find_pictures


def seconds(folder: Path, out: Path, words: list[str], package: Path | None) -> float:
    """Predict a folder into an empty one, check that all maps are there, and return the time."""
    shutil.rmtree(out, ignore_errors=True)
    variables = os.environ | ({"PYTHONPATH": str(package)} if package else {})
    variables.pop("RAY_ADDRESS", None)
    command = [sys.executable, "-m", "salgan_tf", "predict", str(folder), "--out", str(out), *words]
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=variables, cwd="/")
    taken = time.perf_counter() - started
    found, expected = len(list(out.glob("*_saliency.png"))), len(find_pictures(folder))
    if found != expected:
        raise SystemExit(f"{found} of {expected} maps")
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="photographs (default: copies of one that matplotlib has)")
    parser.add_argument("--count", type=int, default=400, metavar="N", help="copies (default: %(default)s)")
    parser.add_argument("--few", type=int, default=40, metavar="N", help="of them (default: %(default)s)")
    parser.add_argument("--before", type=Path, metavar="CHECKOUT", help="an earlier version of the package")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="(default: %(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder, few = Path(scratch, "all"), Path(scratch, "few")
        folder.mkdir()
        few.mkdir()
        photograph = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
        copies = [(photograph, f"{index}.jpg") for index in range(arguments.count)]
        given = [(path, path.name) for path in find_pictures(arguments.folder)] if arguments.folder else copies
        for index, (path, name) in enumerate(given):
            shutil.copy(path, folder / name)
            if index < arguments.few:
                shutil.copy(path, few / name)
        here = Path(__file__).resolve().parents[1]
        commands: dict[str, tuple[list[str], Path]] = {"predict": ([], here), "ray": (["--engine", "ray"], here)}
        if arguments.before:
            commands["before"] = ([], arguments.before.resolve())
        out = Path(scratch, "out")
        rounds = [
            {(name, part): seconds(part, out, *command) for name, command in commands.items() for part in (folder, few)}
            for _ in range(arguments.rounds)
        ]
        medians = {key: statistics.median(times[key] for times in rounds) for key in rounds[0]}
        print(describe_processor(), f"{os.cpu_count()} cores, {len(given)} photographs", sep="\n")
        rates = {}
        for name in commands:
            whole, part = medians[name, folder], medians[name, few]
            rates[name] = (len(given) - arguments.few) / (whole - part)
            print(f"{name:8} {whole:6.1f} s for all, {part:5.1f} s for {arguments.few}, {rates[name]:5.1f} a second")
        for name in commands.keys() - {"ray"}:
            whole = medians[name, folder] / medians["ray", folder]
            print(f"ray is {rates['ray'] / rates[name]:.2f} times as fast as {name}, {whole:.2f} with all starts")


if __name__ == "__main__":
    main()
