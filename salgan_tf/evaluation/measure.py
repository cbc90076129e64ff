"""A data set and contenders in, the numbers of every image out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from salgan_tf.data import folder
from salgan_tf.data.fixations import Gaze
from salgan_tf.errors import InputError, InputErrors
from salgan_tf.evaluation import scoring
from salgan_tf.evaluation.contenders import CentrePrior, Contender, Uniform
from salgan_tf.evaluation.fitted import FittedDensity, find_usable, fit_density
from salgan_tf.parallel import attempt_all

CENTRE_PRIOR, UNIFORM, HUMANS = "centre prior", "uniform", "humans"
BASELINES = (CENTRE_PRIOR, UNIFORM, HUMANS)


@dataclass(frozen=True)
class Evaluation:
    """What was measured.

    Attributes:
        examples: the photographs, in order of name.
        scores: by contender and metric (see `scoring.METRICS`), float64 (N,), an entry a photograph; NaN where a metric
            cannot be had.
        fitted: by contender, its fitted density, if asked for.
        prior: what the centre prior is the mean of.
    """

    examples: list[folder.Example]
    scores: dict[str, dict[str, np.ndarray]]
    fitted: dict[str, FittedDensity]
    prior: str


def evaluate(
    root: str | Path,
    contenders: dict[str, Contender],
    *,
    split: str | None = None,
    humans: bool = False,
    fit_densities: bool = False,
    allow_missing: bool = False,
    report: Callable[[InputError], None] = lambda error: None,
) -> Evaluation:
    """Measure contenders against a split at the photographs' own size, beside the centre prior and a uniform map.

    The centre prior is the mean of `train`; where that is what is measured, or there is none, the mean of all other
    photographs of the split. All cores are used, and a progress bar shows how far it is.

    Args:
        root: data set in any layout of `data.layouts`.
        contenders: by the name that the table shows.
        split: `"val"`, or the only one, if not said.
        humans: measure people too: each observer predicted from all others.
        fit_densities: also measure `ig_fitted`: blur, contrast and centre bias of each contender fitted on `train`.
        allow_missing: leave out photographs that lack a map or fixations; each row is then of the same photographs.
        report: called with each remark that is no reason to stop: what was left out, fixations outside of images.

    Raises:
        InputError: no such data, no observers for `humans`, no train split for `fit_densities`.
        InputErrors: photographs without a map or fixations, or with a bad file, each named.
    """
    if taken := set(contenders) & set(BASELINES):
        raise InputError(
            taken.pop(),
            "the name of a baseline, which is measured anyway; a folder of that name can be given as ./FOLDER",
        )
    splits = folder.find_splits(root)
    split = split or (splits[0] if len(splits) == 1 else "val")
    examples = folder.index_folder(root, split)
    gazes = _read_gazes(root, examples, contenders, allow_missing, report)
    examples = [example for example in examples if example.name in gazes]
    if humans and all(gaze.observers is None for gaze in gazes.values()):
        raise InputError(root, "the fixations do not tell observers apart, which the human ceiling needs")
    from_train = split != "train" and "train" in splits
    trained_on = folder.index_folder(root, "train") if from_train else examples
    prior = CentrePrior(trained_on)
    fitted = {}
    if fit_densities:
        if not from_train:
            raise InputError(root, "densities are fitted on the split train, which is not there beside this one")
        for contender in contenders.values():
            find_usable(contender, trained_on)
        fitted = {name: fit_density(contender, trained_on, prior) for name, contender in contenders.items()}
    others = scoring.OtherFixations(gazes)
    rows = contenders | {CENTRE_PRIOR: prior, UNIFORM: Uniform()}

    def measure(example: folder.Example) -> dict[str, dict[str, float]]:
        sample = folder.read_example(example)
        shape = sample.saliency.shape
        baseline = prior.density(example, shape)
        negatives = others.of(example.name)
        scores = {}
        for name, contender in rows.items():
            saliency = contender.predict(example, sample.image)
            density = fitted[name](saliency, baseline) if name in fitted else None
            scores[name] = scoring.score_map(saliency, sample, baseline, negatives, density)
        if humans:
            scores[HUMANS] = scoring.score_observers(sample, baseline, negatives)
        return scores

    with tqdm(total=len(examples), desc=f"evaluate {split}", unit="picture", disable=None) as progress:
        measured, errors = attempt_all(measure, examples, progress)
    if errors:
        raise InputErrors(root, errors, len(examples))
    names = [*rows, HUMANS] if humans else list(rows)
    scores = {
        name: {metric.name: np.array([row[name][metric.name] for row in measured]) for metric in scoring.METRICS}
        for name in names
    }
    others_of = f"all other photographs of {split}" if len(examples) > 1 else "no other photograph, so it is uniform"
    origin = "the photographs of train" if from_train else others_of
    return Evaluation(examples, scores, fitted, origin)


def _read_gazes(
    root: str | Path,
    examples: list[folder.Example],
    contenders: dict[str, Contender],
    allow_missing: bool,
    report: Callable[[InputError], None],
) -> dict[str, Gaze]:
    """Read the fixations of all photographs that can be measured, before any work is put into the first."""
    missing = []

    def read(example: folder.Example) -> Gaze | None:
        try:
            if example.fixations is None:
                raise InputError(example.image, "no fixations were recorded for it, and NSS and AUC need them")
            for contender in contenders.values():
                contender.check(example)
            gaze = folder.read_gaze(example)
            if not len(gaze.points):
                raise InputError(example.fixations, "no fixations inside the image, and NSS and AUC need them")
        except InputError as error:
            missing.append(error)
            return None
        return gaze

    with tqdm(total=len(examples), desc="fixations", unit="picture", disable=None) as progress:
        gazes, _ = attempt_all(read, examples, progress)
    found = {example.name: gaze for example, gaze in zip(examples, gazes, strict=True) if gaze is not None}
    missing.sort(key=str)
    if not found and len(missing) > 1 and len({error.subject for error in missing}) == 1:
        raise InputError(missing[0].subject, f"{missing[0].cause}; nor of any other of {len(examples)} photographs")
    if missing and (not allow_missing or not found):
        raise InputErrors(root, missing, len(examples))
    for error in missing:
        report(error)
    if missing:
        report(InputError(root, f"{len(missing)} of {len(examples)} photographs are left out"))
    for example in examples:
        if example.name in found and (outside := found[example.name].outside):
            recorded = outside + len(found[example.name].points)
            cause = f"{outside} of {recorded} fixations lie outside the image and are left out"
            report(InputError(example.fixations, cause))
    return found
