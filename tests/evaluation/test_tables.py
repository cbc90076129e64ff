"""Tables: the numbers in every format, and published ones in tables of their own."""

import csv
import dataclasses
import io
import json
import re

import numpy as np
from handmade import make_evaluation
from hypothesis import given
from hypothesis import strategies as st

from salgan_tf.evaluation import as_dict, compare, format_latex, format_markdown, format_text, summarize, write_csv
from salgan_tf.evaluation.fitted import FittedDensity
from salgan_tf.evaluation.published import TABLES
from salgan_tf.evaluation.scoring import BY_NAME
from salgan_tf.files import write_json

LABELS = ["AUC-J", "AUC-B", "AUC", "sAUC", "sAUC-B", "NSS", "IG", "CC", "SIM", "KL", "EMD"]


def make_rows(names: list[str], sources: list[str] | None = None):
    """Make an evaluation of six photographs with different numbers; people have no metrics against densities."""
    random = np.random.default_rng(0)
    scores = {
        name: {metric: list(random.normal(1, 0.5, 6)) for metric in BY_NAME if metric != "ig_fitted"} for name in names
    }
    if "humans" in scores:
        for metric in ("cc", "sim", "sim_mit", "kl", "emd"):
            scores["humans"][metric] = [np.nan] * 6
    return make_evaluation(scores, sources)


MEASURED = make_rows(["ours", "theirs", "centre prior", "uniform", "humans"])


def split_markdown(text: str) -> list[tuple[str, list[list[str]]]]:
    """Return the title and the cells of each table in Markdown."""
    tables = []
    for part in text.split("**")[1:]:
        if part.startswith("\n\n|"):
            lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in part.strip().splitlines()]
            tables[-1][1].extend([[cell.strip() for cell in cells] for cells in lines])
        else:
            tables.append((part, []))
    return tables


def test_text_has_the_columns_the_means_and_the_intervals():
    lines = format_text(MEASURED).splitlines()
    assert lines[0] == "6 images, ± half of the 95 % interval; IG over the centre prior of the photographs of train"
    assert lines[1].split() == LABELS
    estimates = summarize(MEASURED)["all"]
    mean, low, high = estimates["ours"]["auc_judd"]
    assert lines[2].split()[:2] == ["ours", f"{mean:.3f}"]
    assert lines[3].split()[0] == f"±{(high - low) / 2:.3f}"
    assert lines[2].split()[LABELS.index("KL") + 1] == f"{estimates['ours']['kl'].mean:.3f}"
    # Metrics that people do not have are a dash, without an interval.
    assert lines[10].split()[0] == "humans"
    assert lines[10].split()[-4:] == ["–"] * 4
    assert len(lines[11].split()) == len(LABELS) - 4
    assert "nan" not in "\n".join(lines).lower()


def test_differences_are_a_table_of_their_own_with_stars():
    same = {"nss": [1.0, 2.0, 3.0], "cc": [0.1, 0.2, 0.3], "kl": [1.5, 1.4, 1.7]}
    better = {"nss": [2.0, 3.0, 4.0], "cc": [0.2, 0.0, 0.3], "kl": [0.5, 0.4, 0.7]}
    text = format_text(make_evaluation({"first": same, "second": better, "third": same, "uniform": same}))
    title, header, *rows = text.split("\n\n")[1].splitlines()
    assert title == "differences from first, paired, ± half of the 95 % interval; * excludes 0"
    assert header.split() == LABELS
    cells = [re.split(r"\s{2,}", row) for row in rows]
    assert [row[0] for row in cells] == ["second", "third"]
    place = LABELS.index("NSS") + 1
    assert cells[0][place] == "+1.000 ±0.000*"
    assert cells[1][place] == "+0.000 ±0.000"
    assert cells[0][LABELS.index("KL") + 1] == "-1.000 ±0.000*"
    assert cells[0][LABELS.index("CC") + 1].startswith("-0.033 ±")
    assert "*" not in cells[0][LABELS.index("CC") + 1]
    assert cells[0][1] == "–"


def test_sources_have_tables_of_their_own():
    text = format_text(make_rows(["ours"], ["Action", "Art", "Action", "Art", "Art", "Art"]))
    titles = [table.splitlines()[0] for table in text.split("\n\n")]
    assert titles[0].startswith("6 images, ")
    assert titles[1:] == ["Action: 2 images", "Art: 4 images"]
    assert format_text(make_evaluation({"ours": {"nss": [1]}})).startswith("1 image,")


def test_numbers_that_round_to_zero_have_no_sign():
    text = format_text(make_evaluation({"a": {"kl": [-1e-9]}, "b": {"kl": [-2e-9]}}))
    assert "-0.000" not in text
    assert "+0.000" in text


def test_the_fitted_gain_is_shown_if_it_was_measured():
    fitted = dataclasses.replace(MEASURED, fitted={"ours": FittedDensity(0.1, 0.2, 0.3, 0.4)})
    labels = format_text(fitted).splitlines()[1].split()
    assert labels == [*LABELS[:7], "IG-fit", *LABELS[7:]]
    assert as_dict(fitted)["fitted_densities"] == {
        "ours": {"blur": 0.1, "offset": 0.2, "contrast": 0.3, "centre_bias": 0.4}
    }


def test_markdown_has_the_posters_columns():
    tables = split_markdown(format_markdown(MEASURED))
    assert len(tables) == 4
    means = summarize(MEASURED)["all"]
    posters = [(title, cells) for title, cells in tables if "poster" in title]
    assert [cells[0] for _, cells in posters] == [
        ["", "AUC-B", "sAUC", "CC", "NSS"],
        ["", "sAUC", "AUC-B", "NSS", "CC", "IG"],
    ]
    for title, cells in posters:
        assert title.startswith("measured here")
        assert [row[0] for row in cells[2:]] == list(MEASURED.scores)
        for metric, label in (("sauc_borji", "sAUC"), ("nss", "NSS")):
            assert cells[2][cells[0].index(label)] == f"{means['ours'][metric].mean:.3f}"
    for _, cells in tables:
        assert {len(row) for row in cells} == {len(cells[0])}
        assert all(re.fullmatch(r":-+" if not place else r"-+:", rule) for place, rule in enumerate(cells[1]))


def test_published_figures_are_printed_on_request_in_tables_of_their_own():
    plain, more = (split_markdown(format_markdown(MEASURED, flag)) for flag in (False, True))
    assert "PUBLISHED" not in str(plain)
    assert more[: len(plain)] == plain
    published = more[len(plain) :]
    assert len(published) == len(TABLES)
    for (title, cells), table in zip(published, TABLES, strict=True):
        assert title.startswith("PUBLISHED, not measured here: ")
        assert table.data in title
        assert table.source in title
        assert cells[0] == ["", *table.columns]
        assert {row[0] for row in cells[2:]} == set(table.rows)
        assert not set(MEASURED.scores) & set(table.rows)
        for row in cells[2:]:
            assert tuple(map(float, row[1:])) == table.rows[row[0]]
    assert not any(set(table.rows) & {row[0] for row in cells} for table in TABLES for _, cells in plain)


def test_the_poster_is_quoted_as_it_was_printed():
    rows = {table.data: table.rows for table in TABLES}
    assert rows["SALICON test (2015 release)"]["SalGAN"] == (0.884, 0.772, 0.781, 2.459)
    assert rows["SALICON val (2015 release), best over epochs"]["GAN/4"] == (0.773, 0.859, 2.56, 0.786, 1.243)
    for table in TABLES:
        assert {len(numbers) for numbers in table.rows.values()} == {len(table.columns)}


def test_a_bar_in_a_name_does_not_end_a_cell():
    tables = split_markdown(format_markdown(make_rows(["a|b", "c"])))
    assert tables[0][1][2][0] == r"a\|b"
    assert len({len(row) for row in tables[0][1]}) == 1


def test_latex_has_the_tables_of_markdown_escaped():
    names = ["50%_of #1 & {a}$b$", "back\\slash^~", "humans"]
    text = format_latex(make_rows(names))
    assert r" 50\%\_of \#1 \& \{a\}\$b\$ " in text
    assert r" back\textbackslash{}slash\^{}\textasciitilde{} " in text
    assert "$\\pm$" in text
    assert re.search(r"& +-- ", text)
    assert "±" not in re.sub(r"(?m)^%.*$", "", text)
    assert "–" not in text
    assert text.count("\\begin{tabular}{l") == text.count("\\end{tabular}") == text.count("\\toprule") == 4
    for table in text.split("\n\n"):
        columns = len(re.search(r"\{l(r+)\}", table)[1])
        rows = [line for line in table.splitlines() if line.endswith("\\\\")]
        assert rows
        assert all(len(re.findall(r"(?<!\\)&", row)) == columns for row in rows)


NUMBER = st.one_of(st.floats(allow_infinity=False), st.floats(-1, 1))


@given(st.lists(st.tuples(NUMBER, NUMBER), min_size=1, max_size=5))
def test_csv_gives_the_same_numbers_back(tmp_path_factory, pairs):
    nss, kl = map(list, zip(*pairs, strict=True))
    sources = [f'so,u"rce {index}' for index in range(len(pairs))]
    path = tmp_path_factory.mktemp("csv") / "new" / "numbers.csv"
    write_csv(make_evaluation({"a, b": {"nss": nss, "kl": kl}, "uniform": {"nss": kl}}, sources), path)
    rows = list(csv.DictReader(io.StringIO(path.read_text(), newline="")))
    assert list(rows[0]) == ["image", "source", "contender", *BY_NAME]
    assert [row["contender"] for row in rows] == ["a, b"] * len(pairs) + ["uniform"] * len(pairs)
    assert [row["source"] for row in rows] == sources * 2
    assert [row["image"] for row in rows[: len(pairs)]] == [f"scene_{index:03d}" for index in range(len(pairs))]
    for name, expected in (("nss", nss + kl), ("kl", kl + [np.nan] * len(kl))):
        np.testing.assert_array_equal([float(row[name] or "nan") for row in rows], expected)
    assert {row["cc"] for row in rows} == {""}


def test_json_has_the_numbers_that_the_tables_round(tmp_path):
    evaluation = make_rows(["ours", "theirs", "uniform", "humans"], ["a", "a", "a", "b", "b", "b"])
    write_json(tmp_path / "numbers.json", as_dict(evaluation))

    def refuse(token):
        raise AssertionError(f"{token} is not JSON")

    loaded = json.loads((tmp_path / "numbers.json").read_text(), parse_constant=refuse)
    assert loaded == as_dict(evaluation)
    assert loaded["images"] == {"all": 6, "a": 3, "b": 3}
    assert list(loaded["metrics"]) == list(BY_NAME)
    assert loaded["centre_prior_of"] == "the photographs of train"
    assert loaded["results"]["all"]["humans"]["cc"] is None
    assert loaded["results"]["b"]["ours"]["ig_fitted"] is None
    for group, estimates in summarize(evaluation).items():
        found = loaded["results"][group]["ours"]["nss"]
        assert found == estimates["ours"]["nss"]._asdict()
    assert list(loaded["differences_from_the_first"]) == ["theirs"]
    assert loaded["differences_from_the_first"]["theirs"]["nss"] == compare(evaluation)["theirs"]["nss"]._asdict()
    assert loaded["fitted_densities"] == {}
