"""Evaluation: a data set, models and folders of maps in, tables and pictures out."""

from salgan_tf.evaluation.contenders import CentrePrior, Contender, MapFolder, Model, Uniform, open_contenders
from salgan_tf.evaluation.measure import Evaluation, evaluate
from salgan_tf.evaluation.pictures import picture_files, write_pictures
from salgan_tf.evaluation.statistics import compare, summarize
from salgan_tf.evaluation.tables import as_dict, format_latex, format_markdown, format_text, write_csv

__all__ = [
    "CentrePrior",
    "Contender",
    "Evaluation",
    "MapFolder",
    "Model",
    "Uniform",
    "as_dict",
    "compare",
    "evaluate",
    "format_latex",
    "format_markdown",
    "format_text",
    "open_contenders",
    "picture_files",
    "summarize",
    "write_csv",
    "write_pictures",
]
