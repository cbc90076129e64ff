"""The tables: text, Markdown, LaTeX, CSV and JSON."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tabulate import tabulate

from salgan_tf import files
from salgan_tf.evaluation import published, statistics
from salgan_tf.evaluation.measure import Evaluation
from salgan_tf.evaluation.scoring import BY_NAME, METRICS
from salgan_tf.evaluation.statistics import ALL, Estimate, Estimates

# The columns of the tables. Files have all metrics.
_SHOWN = ("auc_judd", "auc_borji", "auc_uniform", "sauc", "sauc_borji", "nss", "ig", "cc", "sim", "kl", "emd")
# The columns of the poster's two tables: its comparison of models, and that of BCE with GAN.
_POSTER_COLUMNS = (
    ("auc_borji", "sauc_borji", "cc", "nss"),
    ("sauc_borji", "auc_borji", "nss", "cc", "ig"),
)


class Table(NamedTuple):
    """A table to be printed.

    Attributes:
        title: what the numbers are.
        labels: labels of the columns after the first, which holds the names of the rows.
        rows: cells, the name of the row first.
    """

    title: str
    labels: Sequence[str]
    rows: list[list[str]]

    def format(self, style: str) -> str:
        """Return the table, without its title, in a format of tabulate."""
        rows = [["", *self.labels], *self.rows]
        # tabulate pads headers, which would only make plain text wider.
        headers = () if style == "plain" else "firstrow"
        alignment = ("left", *("right" for _ in self.labels))
        return tabulate(rows, headers, style, colalign=alignment, disable_numparse=True)


def format_text(evaluation: Evaluation, with_published: bool = False) -> str:
    """Return the tables for a terminal.

    They are the means of all images, those of each source of images if there are several, and the paired differences
    from the first contender; with `with_published` also published figures, in tables of their own.
    """
    tables = [*_measured_tables(evaluation), *(_published_tables() if with_published else ())]
    return "\n\n".join(f"{table.title}\n{table.format('plain')}" for table in tables)


def format_markdown(evaluation: Evaluation, with_published: bool = False) -> str:
    """Return the tables of `format_text` and the poster's two with measured numbers, in Markdown."""
    tables = _paper_tables(evaluation, with_published)
    return "\n\n".join(f"**{table.title}**\n\n{_escape_bars(table).format('pipe')}" for table in tables)


def format_latex(evaluation: Evaluation, with_published: bool = False) -> str:
    """Return the tables of `format_markdown` in LaTeX, for the package booktabs."""
    tables = _paper_tables(evaluation, with_published)
    text = "\n\n".join(f"% {table.title}\n{table.format('latex_booktabs')}" for table in tables)
    return text.replace("±", "$\\pm$").replace("–", "--")


def write_csv(evaluation: Evaluation, path: str | Path) -> None:
    """Write every metric of every image: columns image, source, contender and each metric's name; NaN is empty."""
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
    """Return the means and intervals of all metrics by group and contender, and paired differences, for JSON."""

    def convert(estimates: Estimates) -> dict:
        return {
            name: {metric: _numbers(estimate) for metric, estimate in columns.items()}
            for name, columns in estimates.items()
        }

    groups = statistics.summarize(evaluation)
    return {
        "images": {group: statistics.count_images(evaluation, group) for group in groups},
        "metrics": {metric.name: metric.meaning for metric in METRICS},
        "centre_prior_of": evaluation.prior,
        "resamples": statistics.RESAMPLES,
        "results": {group: convert(estimates) for group, estimates in groups.items()},
        "differences_from_the_first": convert(statistics.compare(evaluation)),
        "fitted_densities": {name: asdict(density) for name, density in evaluation.fitted.items()},
    }


def _numbers(estimate: Estimate) -> dict[str, float | None] | None:
    # JSON has no NaN.
    numbers = {name: None if np.isnan(value) else value for name, value in estimate._asdict().items()}
    return None if numbers["mean"] is None else numbers


def _measured_tables(evaluation: Evaluation) -> list[Table]:
    columns = list(_SHOWN)
    if evaluation.fitted:
        columns.insert(columns.index("ig") + 1, "ig_fitted")
    labels = [BY_NAME[name].label for name in columns]
    tables = []
    for group, estimates in statistics.summarize(evaluation).items():
        count = statistics.count_images(evaluation, group)
        title = f"{count} image" + ("s" if count > 1 else "")
        if group == ALL:
            title += f", ± half of the 95 % interval; IG over the centre prior of {evaluation.prior}"
        else:
            title = f"{group}: {title}"
        tables.append(Table(title, labels, _rows(estimates, columns, intervals=group == ALL)))
    if differences := statistics.compare(evaluation):
        first = next(iter(evaluation.scores))
        title = f"differences from {first}, paired, ± half of the 95 % interval; * excludes 0"
        rows = [
            [name, *(_difference(estimates[column]) for column in columns)] for name, estimates in differences.items()
        ]
        tables.append(Table(title, labels, rows))
    return tables


def _paper_tables(evaluation: Evaluation, with_published: bool) -> list[Table]:
    tables = [*_measured_tables(evaluation), *_poster_tables(evaluation)]
    return [*tables, *_published_tables()] if with_published else tables


def _poster_tables(evaluation: Evaluation) -> list[Table]:
    estimates = statistics.summarize(evaluation)[ALL]
    return [
        Table(
            f"measured here, columns of the poster's table {number} ({len(evaluation.examples)} images; sAUC is MIT's)",
            ["sAUC" if name == "sauc_borji" else BY_NAME[name].label for name in columns],
            _rows(estimates, columns, intervals=False),
        )
        for number, columns in enumerate(_POSTER_COLUMNS, 1)
    ]


def _published_tables() -> list[Table]:
    return [
        Table(
            f"PUBLISHED, not measured here: {table.data} ({table.source})",
            table.columns,
            [[name, *(f"{number:.{table.decimals}f}" for number in numbers)] for name, numbers in table.rows.items()],
        )
        for table in published.TABLES
    ]


def _rows(estimates: Estimates, columns: Sequence[str], intervals: bool) -> list[list[str]]:
    rows = []
    for name, numbers in estimates.items():
        rows.append([name, *(_fixed(numbers[column].mean) for column in columns)])
        if intervals:
            halves = [(numbers[column].high - numbers[column].low) / 2 for column in columns]
            rows.append(["", *("" if np.isnan(half) else f"±{half:.3f}" for half in halves)])
    return rows


def _fixed(value: float, sign: str = "") -> str:
    # Adding 0 makes -0 positive. Python 3.11 has a format for that.
    return "–" if np.isnan(value) else f"{round(value, 3) + 0.0:{sign}.3f}"


def _difference(estimate: Estimate) -> str:
    mean = _fixed(estimate.mean, "+")
    if np.isnan(estimate.low):
        return mean
    star = "*" if estimate.low > 0 or estimate.high < 0 else ""
    return f"{mean} ±{(estimate.high - estimate.low) / 2:.3f}{star}"


def _escape_bars(table: Table) -> Table:
    return table._replace(rows=[[cell.replace("|", "\\|") for cell in row] for row in table.rows])
