"""The tables: text, Markdown, LaTeX, CSV and JSON."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from salgan_tf import files
from salgan_tf.evaluation import published, statistics
from salgan_tf.evaluation.measure import Evaluation
from salgan_tf.evaluation.scoring import BY_NAME, METRICS
from salgan_tf.evaluation.statistics import ALL, Estimate, Estimates

# The columns that are shown; files have all.
_SHOWN = ("auc_judd", "auc_borji", "auc_uniform", "sauc", "sauc_borji", "nss", "ig", "cc", "sim", "kl", "emd")
# The poster's: its comparison of models, and that of BCE with GAN.
_POSTER_COLUMNS = (
    ("auc_borji", "sauc_borji", "cc", "nss"),
    ("sauc_borji", "auc_borji", "nss", "cc", "ig"),
)

_LATEX = str.maketrans(
    {letter: f"\\{letter}" for letter in "_%&#${}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "–": "--"}
)

# A table: title, labels of the columns, rows of cells whose first is the row's name.
Table = tuple[str, list[str], list[list[str]]]


def format_text(evaluation: Evaluation, with_published: bool = False) -> str:
    """Set the tables for a terminal: every group of images, paired differences, and published figures if asked for."""
    tables = [*_tables(evaluation), *(_published_tables() if with_published else ())]
    return "\n\n".join(_set_text(*table) for table in tables)


def format_markdown(evaluation: Evaluation, with_published: bool = False) -> str:
    """Set the tables in Markdown, and the poster's two with measured numbers; published ones have their own titles."""
    return "\n\n".join(_set_markdown(*table) for table in _paper_tables(evaluation, with_published))


def format_latex(evaluation: Evaluation, with_published: bool = False) -> str:
    """Set the tables of `format_markdown` in LaTeX, for the package booktabs."""
    return "\n\n".join(_set_latex(*table) for table in _paper_tables(evaluation, with_published))


def write_csv(evaluation: Evaluation, path: str | Path) -> None:
    """Write every metric of every image: columns image, source, contender and the metrics' names; empty where NaN."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["image", "source", "contender", *BY_NAME])
    for name, scores in evaluation.scores.items():
        for index, example in enumerate(evaluation.examples):
            numbers = [scores[metric][index] for metric in BY_NAME]
            cells = ["" if np.isnan(number) else repr(float(number)) for number in numbers]
            writer.writerow([example.name, example.source, name, *cells])
    files.write_bytes(path, buffer.getvalue().encode())


def as_dict(evaluation: Evaluation) -> dict:
    """Give means and intervals of all metrics, by group and contender, and paired differences, as JSON takes them."""

    def numbers(one: Estimate) -> dict:
        # JSON knows no NaN.
        return {name: None if np.isnan(value) else value for name, value in one._asdict().items()}

    def plain(estimates: Estimates) -> dict:
        return {
            name: {metric: None if np.isnan(one.mean) else numbers(one) for metric, one in columns.items()}
            for name, columns in estimates.items()
        }

    groups = statistics.summarize(evaluation)
    return {
        "images": {group: statistics.count_images(evaluation, group) for group in groups},
        "metrics": {metric.name: metric.meaning for metric in METRICS},
        "centre_prior_of": evaluation.prior,
        "resamples": statistics.RESAMPLES,
        "results": {group: plain(estimates) for group, estimates in groups.items()},
        "differences_from_the_first": plain(statistics.compare(evaluation)),
        "fitted_densities": {name: density.as_dict() for name, density in evaluation.fitted.items()},
    }


def _shown(evaluation: Evaluation) -> list[str]:
    columns = list(_SHOWN)
    if evaluation.fitted:
        columns.insert(columns.index("ig") + 1, "ig_fitted")
    return columns


def _tables(evaluation: Evaluation) -> list[Table]:
    columns = _shown(evaluation)
    labels = [BY_NAME[name].label for name in columns]
    tables = []
    for group, estimates in statistics.summarize(evaluation).items():
        count = statistics.count_images(evaluation, group)
        pictures = f"{count} image" + ("s" if count > 1 else "")
        baseline = f"IG over the centre prior of {evaluation.prior}"
        title = f"{pictures}, ± half of the 95 % interval; {baseline}" if group == ALL else f"{group}: {pictures}"
        tables.append((title, labels, _rows(estimates, columns, intervals=group == ALL)))
    if differences := statistics.compare(evaluation):
        first = next(iter(evaluation.scores))
        title = f"differences from {first}, paired, ± half of the 95 % interval; * excludes 0"
        rows = [
            [name, *(_difference(estimates[column]) for column in columns)] for name, estimates in differences.items()
        ]
        tables.append((title, labels, rows))
    return tables


def _paper_tables(evaluation: Evaluation, with_published: bool) -> list[Table]:
    return [*_tables(evaluation), *_poster_tables(evaluation), *(_published_tables() if with_published else ())]


def _poster_tables(evaluation: Evaluation) -> list[Table]:
    estimates = statistics.summarize(evaluation)[ALL]
    return [
        (
            f"measured here, columns of the poster's table {number} ({len(evaluation.examples)} images; sAUC is MIT's)",
            ["sAUC" if name == "sauc_borji" else BY_NAME[name].label for name in columns],
            _rows(estimates, columns, intervals=False),
        )
        for number, columns in enumerate(_POSTER_COLUMNS, 1)
    ]


def _published_tables() -> list[Table]:
    return [
        (
            f"PUBLISHED, not measured here: {table.data} ({table.source})",
            list(table.columns),
            [[name, *(f"{number:.{table.decimals}f}" for number in numbers)] for name, numbers in table.rows.items()],
        )
        for table in published.TABLES
    ]


def _rows(estimates: Estimates, columns: Sequence[str], intervals: bool) -> list[list[str]]:
    rows = []
    for name, numbers in estimates.items():
        rows.append([name, *(_number(numbers[column].mean) for column in columns)])
        if intervals:
            halves = [(numbers[column].high - numbers[column].low) / 2 for column in columns]
            rows.append(["", *("" if np.isnan(half) else f"±{half:.3f}" for half in halves)])
    return rows


def _number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:z.3f}"


def _difference(estimate: Estimate) -> str:
    if np.isnan(estimate.mean):
        return "–"
    if np.isnan(estimate.low):
        return f"{estimate.mean:+z.3f}"
    star = "*" if estimate.low > 0 or estimate.high < 0 else ""
    return f"{estimate.mean:+z.3f} ±{(estimate.high - estimate.low) / 2:.3f}{star}"


def _set_text(title: str, labels: list[str], rows: list[list[str]]) -> str:
    lines = [["", *labels], *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(labels) + 1)]
    body = [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([title, *body])


def _set_markdown(title: str, labels: list[str], rows: list[list[str]]) -> str:
    rows = [[cell.replace("|", "\\|") for cell in cells] for cells in rows]
    lines = [["", *labels], ["---", *("---:" for _ in labels)], *rows]
    return "\n".join([f"**{title}**", "", *(f"| {' | '.join(cells)} |" for cells in lines)])


def _set_latex(title: str, labels: list[str], rows: list[list[str]]) -> str:
    lines = [" & ".join(cell.translate(_LATEX) for cell in cells) + " \\\\" for cells in (["", *labels], *rows)]
    return "\n".join(
        [
            f"% {title}",
            f"\\begin{{tabular}}{{l{'r' * len(labels)}}}",
            "\\toprule",
            lines[0],
            "\\midrule",
            *lines[1:],
            "\\bottomrule",
            "\\end{tabular}",
        ]
    )
