"""Figures published by others. They are shown beside measured ones, in tables of their own."""

from typing import NamedTuple


class Published(NamedTuple):
    """A published table: its data set, its source, labels of the columns, figures by model, and their decimals."""

    data: str
    source: str
    columns: tuple[str, ...]
    rows: dict[str, tuple[float, ...]]
    decimals: int = 3


_POSTER = "Pan et al., SalGAN, CVPR Scene Understanding Workshop 2017"

TABLES = (
    Published(
        "SALICON test (2015 release)",
        _POSTER,
        ("AUC-B", "sAUC", "CC", "NSS"),
        {
            "SalGAN": (0.884, 0.772, 0.781, 2.459),
            "ML-Net": (0.866, 0.768, 0.743, 2.789),
            "SalNet": (0.858, 0.724, 0.609, 1.859),
            "DSCLRCN": (0.884, 0.776, 0.831, 3.157),
        },
    ),
    Published(
        "MIT300 (the MIT benchmark's old code)",
        _POSTER,
        ("AUC-B", "sAUC", "CC", "NSS"),
        {
            "Humans": (0.88, 0.81, 1.0, 3.29),
            "SALICON": (0.85, 0.74, 0.74, 2.12),
            "SalGAN": (0.81, 0.72, 0.73, 2.04),
        },
        decimals=2,
    ),
    Published(
        "SALICON val (2015 release), best over epochs",
        _POSTER,
        ("sAUC", "AUC-B", "NSS", "CC", "IG"),
        {
            "MSE": (0.728, 0.820, 1.680, 0.708, 0.628),
            "BCE": (0.753, 0.825, 2.562, 0.772, 0.824),
            "BCE/4": (0.757, 0.833, 2.580, 0.772, 1.067),
            "GAN/4": (0.773, 0.859, 2.560, 0.786, 1.243),
        },
    ),
    Published(
        "MIT300 (the Tübingen benchmark)",
        "saliency.tuebingen.ai",
        ("AUC", "sAUC", "NSS", "CC", "KL", "SIM"),
        {
            "SalGAN": (0.850, 0.735, 1.862, 0.674, 0.757, 0.593),
            "UNISAL": (0.877, 0.784, 2.369, 0.785, 0.415, 0.675),
            "MSI-Net": (0.874, 0.779, 2.305, 0.779, 0.423, 0.670),
            "DeepGaze IIE": (0.883, 0.794, 2.527, 0.824, 0.347, 0.699),
        },
    ),
)
