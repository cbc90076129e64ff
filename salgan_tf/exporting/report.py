"""Report what an exported file is, how close it is to the model and how fast: JSON, Markdown and a picture."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from salgan_tf import files, images, visualization
from salgan_tf.exporting.format import Contents
from salgan_tf.exporting.parity import Parity


@dataclass(frozen=True)
class Report:
    """What is known about a file.

    Attributes:
        file: its name.
        format: name of its format.
        model: what it was made from.
        image_shape: (height, width) of the network.
        size: bytes.
        contents: operations, multiply-adds, types of tensors.
        calibration: the pictures that its activations were calibrated with; None if they were not.
        checked_with: the pictures of `parity`.
        parity: comparison with the Keras generator.
        latency: by number of threads, `milliseconds` and `times as fast as float32`; empty if a CPU's say nothing.
        processor: what measured the latency.
        metrics: by model (keras, the file), NSS, CC, SIM and KL; empty without data.
    """

    file: str
    format: str
    model: str
    image_shape: tuple[int, int]
    size: int
    contents: Contents
    calibration: str | None
    checked_with: str
    parity: Parity
    latency: dict[str, dict[str, float]]
    processor: str
    metrics: dict[str, dict[str, float]]


def write_report(
    report: Report, stem: Path, picture: np.ndarray, expected: np.ndarray, found: np.ndarray
) -> list[Path]:
    """Write `STEM.report.json`, `.md` and `.png`, and return their paths.

    Args:
        report: the content.
        stem: folder and name of the exported file, without its ending.
        picture: uint8 (H, W, 3), the one on which the file is worst.
        expected: the Keras generator's map of it, float32 (H, W).
        found: the file's map of it, float32 (H, W).
    """
    paths = report_files(stem)
    files.write_json(paths[0], _as_dict(report))
    files.write_bytes(paths[1], format_markdown(report).encode())
    files.write_bytes(paths[2], _draw(report, picture, expected, found))
    return paths


def report_files(stem: Path) -> list[Path]:
    """Return the files that `write_report` writes."""
    return [stem.with_name(f"{stem.name}.report.{ending}") for ending in ("json", "md", "png")]


def _as_dict(report: Report) -> dict:
    plain = asdict(report)
    plain["contents"] = report.contents._asdict()
    plain["parity"] |= {"limits": report.parity.limits._asdict(), "failures": report.parity.failures()}
    # JSON has no NaN.
    for key in ("mean_cc", "worst_cc", "difference"):
        if np.isnan(plain["parity"][key]):
            plain["parity"][key] = None
    return plain


def format_markdown(report: Report) -> str:
    """Format a report as Markdown."""
    parity, contents = report.parity, report.contents
    height, width = report.image_shape
    failures = parity.failures()
    lines = [
        f"# {report.file}",
        "",
        *(
            [f"**It is NOT the model, and was written because of --force:** {'; '.join(failures)}", ""]
            if failures
            else []
        ),
        f"- made from {report.model}: {report.format}, {height}x{width}, {report.size / 1e6:.2f} MB",
        f"- {contents.macs / 1e9:.2f} billion multiply-adds; operations: "
        + ", ".join(f"{count} {name}" for name, count in contents.operations.items()),
        f"- weights: {_count_types(contents.weights)}; activations: {_count_types(contents.activations)}",
        f"- calibrated with: {report.calibration or 'nothing, since it needs no calibration'}",
        "",
        f"## Compared with Keras ({report.checked_with}; the network's own output)",
        "",
        "| | | limit |",
        "|---|---:|---:|",
        f"| mean CC | {_number(parity.mean_cc)} | {parity.limits.mean_cc:g} |",
        f"| worst CC | {_number(parity.worst_cc)} | {parity.limits.worst_cc:g} |",
        f"| largest difference | {parity.difference:.2e} | {parity.difference_allowed:g} |",
        "",
        f"{parity.flat} of {parity.pictures} maps had too little contrast to correlate.",
    ]
    if report.metrics:
        lines += [
            "",
            "## On recorded fixations",
            "",
            "| | NSS | CC | SIM | KL | images |",
            "|---|---:|---:|---:|---:|---:|",
        ]
        for name, row in report.metrics.items():
            numbers = " | ".join(f"{row[metric]:.3f}" for metric in ("nss", "cc", "sim", "kl"))
            lines.append(f"| {name} | {numbers} | {row['images']} |")
        if len(report.metrics) > 2:
            lines += ["", "The last row is what calibration with photographs of the split train would give."]
    elif report.calibration and "generated" in report.calibration:
        lines += [
            "",
            "What generated pictures cost compared with photographs was not measured: `--data ROOT` measures it, and "
            "`--calibration DIR` calibrates with photographs.",
        ]
    if report.latency:
        lines += [
            "",
            "## Latency, measured in turns with float32 LiteRT",
            "",
            f"On {report.processor}. int8 is faster than float32 only with dot products of bytes (VNNI, AMX, asimddp).",
            "",
            "| threads | ms | times as fast |",
            "|---|---:|---:|",
        ]
        for threads, times in report.latency.items():
            lines.append(f"| {threads} | {times['milliseconds']:.2f} | {times['times as fast as float32']:.2f} |")
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.4f}"


def _count_types(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "none"


def _draw(report: Report, picture: np.ndarray, expected: np.ndarray, found: np.ndarray) -> bytes:
    # Importing matplotlib takes half a second.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 7.5), layout="constrained")
    panels = figure.subplots(2, 3)
    top = max(images.find_peak(expected), images.find_peak(found))
    inferno: dict[str, Any] = {"cmap": "inferno", "vmin": 0, "vmax": top}
    differences: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -top / 4, "vmax": top / 4}
    for panel, title, array, style in (
        (panels[0, 0], "its worst picture", picture, {}),
        (panels[0, 1], "Keras", expected, inferno),
        (panels[0, 2], f"{report.format}: CC {_number(report.parity.worst_cc)}", found, inferno),
        (panels[1, 0], f"difference, colours from {-top / 4:.3f} to {top / 4:.3f}", found - expected, differences),
    ):
        panel.imshow(array, **style)
        panel.set_title(title)
        panel.axis("off")
    panels[1, 1].plot(expected.ravel(), found.ravel(), ".", markersize=2, alpha=0.3)
    panels[1, 1].plot([1e-4, 1], [1e-4, 1], color="grey", linewidth=1)
    panels[1, 1].set(xscale="log", yscale="log", xlim=(1e-4, 1), ylim=(1e-4, 1), xlabel="Keras", ylabel=report.format)
    panels[1, 1].set_title(f"each pixel; {len(np.unique(found))} levels are used")
    if report.latency:
        bars = {f"threads: {threads}": times["times as fast as float32"] for threads, times in report.latency.items()}
        panels[1, 2].barh(list(bars), list(bars.values()))
        panels[1, 2].axvline(1, color="grey")
        panels[1, 2].set_title("times as fast as float32 LiteRT")
    else:
        panels[1, 2].axis("off")
    figure.suptitle(f"{report.file}, {report.size / 1e6:.2f} MB")
    return visualization.encode_figure(figure, dpi=90)
