"""Tabulate the run folders of all trainings of the search in docs/experiments.md.

    python tools/tabulate_runs.py runs --baseline base-s0

Every folder with a run.json is a row, including those of runs that failed or were stopped. A row names the settings
that differ from the baseline's; its figures are those of the epoch with the best CC on `val`, at the training size.
"""

import argparse
import csv
import dataclasses
import json
from pathlib import Path

from sections import replace_section

from salgan_tf.settings import TrainingConfig

_DOCUMENT = Path(__file__).parents[1] / "docs" / "experiments.md"
# Paths of one machine, and settings that have a column of their own or no influence.
_NOT_SHOWN = ("data", "seed", "keep_epochs")
_METRICS = ("cc", "nss", "sim", "kl")


def read_run(folder: Path) -> tuple[dict, list[dict]]:
    """Read the settings and the epochs of a run; a run that was killed in its first epoch has no epochs."""
    saved = json.loads((folder / "run.json").read_text())["settings"]
    # A setting that is newer than the run has its default. Values are not checked: some of old runs are illegal today.
    defaults = {setting.name: setting.default for setting in dataclasses.fields(TrainingConfig)}
    settings = defaults | {name: value for name, value in saved.items() if name in defaults}
    history = folder / "history.csv"
    return settings, list(csv.DictReader(history.read_text().splitlines())) if history.exists() else []


def describe(settings: dict, baseline: dict) -> str:
    """Name the settings that differ from the baseline's."""

    def text(value) -> str:
        if isinstance(value, (list, tuple)):
            numbers = all(isinstance(entry, int) for entry in value)
            return ("x".join(map(str, value)) if numbers else "+".join(value)) or "none"
        return "/".join(Path(value).parts[-2:]) if isinstance(value, str) else str(value)

    names = [name for name in settings if name not in _NOT_SHOWN and settings[name] != baseline[name]]
    return ", ".join(f"{name} {text(settings[name])}" for name in names) or "as the baseline"


def tabulate(root: Path, baseline: str) -> str:
    """Return the table, with the runs in the order of their start."""
    folders = sorted(
        (path.parent for path in root.rglob("run.json")), key=lambda folder: (folder / "run.json").stat().st_mtime
    )
    reference, _ = read_run(root / baseline)
    lines = ["| run | differs from the baseline in | seed | epochs | minutes | best epoch | CC | NSS | SIM | KL |"]
    lines.append("|" + "---|" * 10)
    for folder in folders:
        settings, history = read_run(folder)
        planned = settings["bce_epochs"] + settings["gan_epochs"]
        epochs = f"{len(history)}" if len(history) == planned else f"{len(history)} of {planned}, stopped"
        minutes = sum(float(row["seconds"]) for row in history) / 60
        best = max(history, key=lambda row: float(row["val_cc"]), default=None)
        figures = [f"{float(best[f'val_{name}']):.3f}" if best else "–" for name in _METRICS]
        cells = [
            *(str(folder.relative_to(root)), describe(settings, reference), str(settings["seed"]), epochs),
            *(f"{minutes:.1f}", best["epoch"] if best else "–", *figures),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, metavar="RUNS", help="folder of run folders")
    parser.add_argument("--baseline", required=True, metavar="NAME", help="run that the others are compared with")
    parser.add_argument("--section", default="runs", metavar="NAME", help="of the document (default: %(default)s)")
    arguments = parser.parse_args()
    table = tabulate(arguments.runs, arguments.baseline)
    print(table)
    replace_section(_DOCUMENT, arguments.section, table)


if __name__ == "__main__":
    main()
