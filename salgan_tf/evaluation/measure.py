"""A data set and contenders in, the metrics of every photograph out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from salgan_tf import images
from salgan_tf.data import folder
from salgan_tf.data.fixations import Gaze
from salgan_tf.errors import InputError, InputErrors
from salgan_tf.evaluation import scoring
from salgan_tf.evaluation.contenders import CentrePrior, Contender, Contenders, Uniform, open_contenders
from salgan_tf.evaluation.fitted import FittedDensity, find_usable, fit_density
from salgan_tf.files import check_outputs
from salgan_tf.parallel import attempt_all

CENTRE_PRIOR, UNIFORM, HUMANS = "centre prior", "uniform", "humans"
BASELINES = (CENTRE_PRIOR, UNIFORM, HUMANS)


@dataclass(frozen=True)
class Evaluation:
    """What was measured.

    Attributes:
        examples: the photographs, in order of name.
        scores: by contender and metric (see `scoring.METRICS`), float64 (N,), one entry per photograph; NaN where a
            metric is undefined.
        contenders: by name, without the baselines.
        fitted: the fitted density of each contender; empty unless asked for.
        prior: the photographs that the centre prior is the mean of, in words.
    """

    examples: list[folder.Example]
    scores: dict[str, dict[str, np.ndarray]]
    contenders: dict[str, Contender]
    fitted: dict[str, FittedDensity]
    prior: str


def evaluate(
    root: str | Path,
    contenders: Contenders,
    *,
    split: str | None = None,
    humans: bool = False,
    fit_densities: bool = False,
    allow_missing: bool = False,
    outputs: Iterable[Path] = (),
    report: Callable[[InputError], None] = lambda error: None,
) -> Evaluation:
    """Measure models and saliency maps on a data set, beside the centre prior and a uniform map.

        from salgan_tf import evaluate, evaluation
        measured = evaluate("data/salicon", {"mine": generator, "edge": "edge"})
        print(evaluation.format_text(measured))

    Maps are measured at the size of their photographs. The centre prior is the mean of `train`; if `train` itself is
    measured, or there is none, the mean of all other photographs of the split.

    Args:
        root: data set in any layout of `data.layouts`.
        contenders: what to measure: a dict by name of names and paths of models, Keras models and `Contender`s; or a
            sequence of names and paths. See `open_contenders`.
        split: split of the data set; by default `"val"`, or the only one.
        humans: also measure people: each observer predicted from all others.
        fit_densities: also measure `ig_fitted`: blur, contrast and centre bias of each contender fitted on `train`.
        allow_missing: skip photographs that lack a map or fixations, for all contenders alike. In a split without any
            fixations none is skipped: metrics against densities are measured, and the others are NaN.
        outputs: files that will be written with what is measured; none of them may be an input, or another one.
        report: called with each remark that does not stop the evaluation: skipped photographs, fixations outside,
            photographs without observers.

    Raises:
        InputError: no such data or contender, no observers for `humans`, no `train` split for `fit_densities`, or an
            output that would overwrite something or become a photograph.
        TypeError: `contenders` are something else.
        InputErrors: photographs without a map or fixations, or with a bad file, each named.
    """
    contenders = open_contenders(contenders)
    if taken := set(contenders) & set(BASELINES):
        cause = "the name of a baseline, which is always measured; a folder of that name can be given as ./FOLDER"
        raise InputError(taken.pop(), cause)
    splits = folder.find_splits(root)
    if split is None:
        split = splits[0] if len(splits) == 1 else "val"
    from_train = split != "train" and "train" in splits
    index = folder.index_folder(root, split)
    training = folder.index_folder(root, "train") if from_train else []
    if outputs := list(outputs):
        read = [*index, *training]
        inputs = [path for contender in contenders.values() for example in read for path in contender.files(example)]
        check_outputs(outputs, [*folder.list_files(read), *dict.fromkeys(inputs)])
        folder.check_apart(read, outputs)
    gazes = _read_gazes(root, index, contenders.values(), allow_missing, report)
    examples = list(gazes)
    if humans and all(gaze.observers is None for gaze in gazes.values()):
        raise InputError(root, "the fixations do not tell observers apart, which the human ceiling needs")
    if humans and (alone := sum(scoring.count_observers(gaze) < 2 for gaze in gazes.values())):
        cause = f"{alone} of {len(examples)} photographs have fewer than two observers and are left out of {HUMANS}"
        report(InputError(root, cause))
    trained_on = training if from_train else examples
    if fit_densities and not from_train:
        raise InputError(root, "densities are fitted on the split train, which is not there beside this one")
    prior = CentrePrior(trained_on)
    fitted = {}
    if fit_densities:
        usable = {name: find_usable(contender, trained_on) for name, contender in contenders.items()}
        fitted = {name: fit_density(contenders[name], usable[name], prior) for name in contenders}
    negatives = scoring.NegativeFixations({example.name: gaze for example, gaze in gazes.items()})
    rows = contenders | {CENTRE_PRIOR: prior, UNIFORM: Uniform()}

    def measure(example: folder.Example) -> dict[str, dict[str, float]]:
        image, truth, gaze = images.read_image(example.image), folder.read_density(example), gazes[example]
        baseline, others = prior.density(example, truth.shape), negatives.of(example.name)
        scores = {}
        for name, contender in rows.items():
            saliency = contender.predict(example, image)
            density = fitted[name](saliency, baseline) if name in fitted else None
            scores[name] = scoring.score_map(saliency, truth, gaze.points, baseline, others, density)
        if humans:
            scores[HUMANS] = scoring.score_observers(gaze, baseline, others)
        return scores

    with tqdm(total=len(examples), desc=f"evaluate {split}", unit="picture", disable=None) as progress:
        measured, errors = attempt_all(measure, examples, progress)
    if errors:
        raise InputErrors(root, errors, len(examples))
    for contender in contenders.values():
        for remark in contender.remarks():
            report(remark)
    scores = {
        name: {metric.name: np.array([row[name][metric.name] for row in measured]) for metric in scoring.METRICS}
        for name in measured[0]
    }
    source = "the photographs of train"
    if not from_train:
        source = f"all other photographs of {split}" if len(examples) > 1 else "no other photograph, so it is uniform"
    return Evaluation(examples, scores, contenders, fitted, source)


def _read_gazes(
    root: str | Path,
    examples: list[folder.Example],
    contenders: Iterable[Contender],
    allow_missing: bool,
    report: Callable[[InputError], None],
) -> dict[folder.Example, Gaze]:
    """Read the fixations of all photographs that can be measured, before any other work.

    In a split without any file of fixations, those of each photograph are empty.
    """
    without_fixations = all(example.fixations is None for example in examples)
    if without_fixations:
        report(InputError(root, "no fixations, so only CC, SIM, KL and EMD are measured, against the density maps"))

    def read(example: folder.Example) -> tuple[folder.Example, Gaze]:
        for contender in contenders:
            contender.check(example)
        if without_fixations:
            return example, Gaze(images.read_size(example.image), np.empty((0, 2), np.int32), None, 0)
        gaze = folder.read_gaze(example)
        if gaze is None:
            raise InputError(example.image, "no fixations were recorded for it, and NSS and AUC need them")
        if not len(gaze.points):
            raise InputError(str(example.fixations), "no fixations inside the image, and NSS and AUC need them")
        return example, gaze

    with tqdm(total=len(examples), desc="fixations", unit="picture", disable=None) as progress:
        found, missing = attempt_all(read, examples, progress)
    if not found and len(missing) > 1 and len({error.subject for error in missing}) == 1:
        raise InputError(missing[0].subject, f"{missing[0].cause}; nor of any other of {len(examples)} photographs")
    if missing and (not allow_missing or not found):
        raise InputErrors(root, missing, len(examples))
    for error in missing:
        report(error)
    if missing:
        report(InputError(root, f"{len(missing)} of {len(examples)} photographs are skipped"))
    for example, gaze in found:
        if gaze.outside:
            recorded = gaze.outside + len(gaze.points)
            cause = f"{gaze.outside} of {recorded} fixations lie outside the image and are ignored"
            report(InputError(str(example.fixations), cause))
    return dict(found)
