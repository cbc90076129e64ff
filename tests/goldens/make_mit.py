"""Measure the cases with the MIT benchmark's own MATLAB code, run by Octave, and write mit.json beside this script.

    apt-get install octave octave-image
    git clone https://github.com/cvzoya/saliency mit
    python tests/goldens/make_mit.py mit/code_forMetrics

Needs numpy and scipy. The code is not in this repository; the stored numbers were measured with its functions typed
off, without comments and plots. Its AUCs are sampled: each is run many times, with the seeds 1, 2 … It takes minutes.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import cases
import numpy as np
import scipy.io

# The maps are doubles here: with an 8-bit map the code would round to integers after each of its steps. AUC_Borji fails
# with a single fixation, because S(r) is then a column.
PROGRAM = """
pkg load image
addpath("{code}");
runs = {runs};
results = struct();
for name = {{{names}}}
  load(fullfile("{scratch}", [name{{1}} ".mat"]));
  scores = struct();
  scores.nss_mit = NSS(saliency, fixated);
  scores.cc = CC(saliency, truth);
  scores.sim_mit = similarity(saliency, truth);
  scores.kl_divergence = KLdiv(saliency, truth);
  scores.information_gain = InfoGain(saliency, fixated, baseline);
  sampled = zeros(runs, 3);
  for run = 1:runs
    rand("twister", run);
    sampled(run, 1) = AUC_Judd(saliency, fixated);
    sampled(run, 2) = NaN;
    if (nnz(fixated) > 1)
      sampled(run, 2) = AUC_Borji(saliency, fixated);
    end
    sampled(run, 3) = AUC_shuffled(saliency, fixated, others);
  end
  scores.auc_judd_without_jitter = AUC_Judd(saliency, fixated, 0);
  means = mean(sampled);
  errors = std(sampled) / sqrt(runs);
  sampled_names = {{"auc_judd", "auc_borji", "sauc_borji"}};
  for index = 1:3
    scores.(sampled_names{{index}}) = struct("mean", means(index), "error", errors(index), "count", runs);
  end
  results.(name{{1}}) = scores;
end
parts = pkg("list", "image");
output = struct("octave", version(), "octave_image", parts{{1}}.version, "values", results);
file = fopen(fullfile("{scratch}", "results.json"), "w");
fputs(file, jsonencode(output));
fclose(file);
"""


def mark(fixations: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Make a binary fixation map (H, W), float64."""
    fixated = np.zeros(shape)
    fixated[tuple(fixations.T)] = 1
    return fixated


def number_or_none(value: float | list | dict | None) -> float | dict | None:
    """Replace undefined numbers by None: NaN, or complex ones, such as logarithms of negative maps."""
    if isinstance(value, dict):
        return value if isinstance(value.get("mean"), float) else None
    return value if isinstance(value, float | int) else None


def measure(code: Path, runs: int) -> None:
    """Run Octave on all cases and write the numbers."""
    made = cases.make_cases()
    with tempfile.TemporaryDirectory() as scratch:
        for name, case in made.items():
            arrays = {part: getattr(case, part).astype(np.float64) for part in ("saliency", "truth", "baseline")}
            arrays["fixated"] = mark(case.fixations, case.saliency.shape)
            arrays["others"] = mark(cases.other_fixations(made, name), case.saliency.shape)
            scipy.io.savemat(Path(scratch) / f"{name}.mat", arrays)
        program = Path(scratch) / "measure.m"
        names = ", ".join(f'"{name}"' for name in made)
        program.write_text(PROGRAM.format(code=code.resolve(), scratch=scratch, names=names, runs=runs))
        subprocess.run(["octave-cli", "--norc", "--quiet", program], check=True)
        output = json.loads((Path(scratch) / "results.json").read_text())
    values = {
        name: {metric: number_or_none(value) for metric, value in output["values"][name].items()} for name in made
    }
    versions = {
        "code": "github.com/cvzoya/saliency, code_forMetrics",
        "octave": output["octave"],
        "octave_image": output["octave_image"],
        "scipy": scipy.__version__,
    }
    cases.write_numbers(Path(__file__).parent / "mit.json", made, versions, values=values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("code", type=Path, help="the folder code_forMetrics")
    parser.add_argument("--runs", type=int, default=200, help="number of runs of each sampled AUC")
    arguments = parser.parse_args()
    measure(arguments.code, arguments.runs)


if __name__ == "__main__":
    main()
