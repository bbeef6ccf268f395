"""Text, JSON and picture of a report."""

from __future__ import annotations

import json
import xml.dom.minidom

import numpy as np
import pytest

import minigrad as mg
from minigrad.check import figure
from tests.check import known_bad

EVIL = '</script><img src=x onerror=alert(1)>"]; a -> b'


@pytest.fixture(scope="module")
def reports():
    rng = np.random.default_rng(0)
    inputs = known_bad.batch(rng, 8, 3)
    wrong = known_bad.CASES["09 eps missing in the variance path"].wrong
    return {
        "PASS": mg.gradcheck(mg.batchnorm.fused, inputs),
        "FAIL": mg.check_pair(known_bad.forward, wrong, inputs, name=EVIL),
        "VACUOUS": mg.gradcheck(lambda x: x * 0.0, inputs[0]),
        "INCONCLUSIVE": mg.gradcheck(mg.exp, inputs[0], require_resolution=1e-17),
        "kink": mg.gradcheck(mg.abs, np.array([0.0, 1.0, -2.0])),
        "linear": mg.gradcheck(lambda x: x * 2.0, np.array([1.0, 2.0])),
        "scalar": mg.gradcheck(mg.exp, 0.5),
        "large": mg.gradcheck(mg.tanh, rng.normal(size=(3, 40, 50)), mode="sketch"),
        "many": mg.gradcheck(lambda *xs: sum(x * x for x in xs), tuple(rng.normal(size=(12, 2)))),
        "against": mg.check_against(mg.batchnorm.composed, mg.batchnorm.fused, inputs),
    }


def test_verdicts(reports):
    for verdict in ("PASS", "FAIL", "VACUOUS", "INCONCLUSIVE"):
        assert reports[verdict].verdict == verdict
        assert bool(reports[verdict]) == (verdict == "PASS")


def test_every_pass_prints_its_resolution(reports):
    for report in reports.values():
        if report.verdict == "PASS":
            assert "on would be caught" in report.text()
            assert f"{report.resolution:.0e}" in report.text()


def test_a_failure_shows_the_worst_first_with_seventeen_digits(reports):
    report = reports["FAIL"]
    text = report.text(worst=4)
    margins = [e.margin for e in report.wrong if e.index is not None]
    assert margins == sorted(margins, reverse=True)
    rows = [line for line in text.splitlines() if line.startswith("  d/dx   (")]
    assert len(rows) == 4
    for row, entry in zip(rows, report.wrong, strict=False):
        for part in (
            str(entry.index),
            f"{entry.expected:.17g}",
            f"{entry.got:.17g}",
            f"{entry.allowed:.1e}",
        ):
            assert part in row
    assert f"... and {len(report.wrong) - 4} more" in text
    assert "replay: mg.check_pair(..., seed=0, mode='auto')" in text


def test_the_replay_line_repeats_it(reports):
    inputs = known_bad.batch(np.random.default_rng(0), 8, 3)
    again = mg.gradcheck(mg.batchnorm.fused, inputs, seed=0, mode="auto", order=1)
    assert again.json() == reports["PASS"].json()
    assert mg.gradcheck(mg.batchnorm.fused, inputs, seed=1).json() != reports["PASS"].json()


@pytest.mark.parametrize("name", ["PASS", "FAIL", "VACUOUS", "INCONCLUSIVE", "kink", "against"])
def test_json_is_strict_and_complete(reports, name):
    def refuse(constant):
        raise AssertionError(constant)

    report = reports[name]
    read = json.loads(report.json(), parse_constant=refuse)
    assert read["verdict"] == report.verdict
    assert read["passed"] == bool(report)
    assert len(read["entries"]) == len(report.entries)
    finite = next(n for n, e in enumerate(report.entries) if np.isfinite(e.expected))
    assert read["entries"][finite]["expected"] == report.entries[finite].expected
    assert read["evaluations"]["forward"] > 0


def test_raising(reports):
    assert reports["PASS"].raise_if_failed() is reports["PASS"]
    with pytest.raises(mg.GradientCheckError, match="eps is missing in the path through the variance"):
        reports["FAIL"].raise_if_failed()
    assert issubclass(mg.GradientCheckError, AssertionError)


def test_pictures_are_well_formed_and_escape_names(reports):
    for name, report in reports.items():
        picture = figure.svg(report)
        xml.dom.minidom.parseString(picture)
        assert "<img" not in picture, name
        assert "NaN" not in picture.split("<desc>")[0], name
        assert f"{report.verdict}" in picture


def test_a_picture_of_a_failure_has_a_cell_per_entry(reports):
    picture = figure.svg(reports["FAIL"])
    assert picture.count("<rect class=") >= 24  # dx is 8 x 3
    assert "best single step" in picture
    assert "error bound of the ladder" in picture
    assert "this far off" in picture


def test_a_picture_says_what_is_wrong(reports):
    drawn = figure.svg(reports["FAIL"]).split("</style>")[1]
    hints = [i.message for i in reports["FAIL"].issues if i.severity == "hint"]
    assert hints[0][:40] in drawn
    assert hints[0] not in figure.svg(reports["PASS"])


def test_many_inputs_are_said_to_be_left_out(reports):
    assert "the first 8 of 12 inputs are drawn" in figure.svg(reports["many"])


def test_writing_a_picture(reports, tmp_path):
    reports["FAIL"].figure(tmp_path / "a.svg")
    reports["FAIL"].figure(str(tmp_path / "a.html"))
    assert (tmp_path / "a.svg").read_text().startswith("<svg")
    assert "<img" not in (tmp_path / "a.html").read_text()
    with pytest.raises(
        mg.ArgumentError, match=r"'a.pdf' should end in .svg .* or .html .* rsvg-convert"
    ):
        reports["FAIL"].figure(tmp_path / "a.pdf")
    reports["FAIL"].figure(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.html", "a.png", "a.svg"]


def test_notebooks_get_text_and_picture_and_never_an_exception(reports, monkeypatch):
    assert reports["FAIL"]._repr_html_().startswith("<pre>FAIL")
    monkeypatch.setattr(figure, "svg", lambda report: 1 / 0)
    assert "no picture: ZeroDivisionError" in reports["FAIL"]._repr_html_()


def test_a_report_shows_itself(reports):
    assert repr(reports["PASS"]) == str(reports["PASS"]) == reports["PASS"].text()


@pytest.mark.parametrize("name", ["PASS", "FAIL"])
def test_the_calls_are_counted(reports, name):
    calls = reports[name].evaluations
    assert calls["forward"] > 50
    assert calls["backward"] > 10


def test_a_check_costs_a_tenth_of_checking_every_entry():
    """At 64 x 8, entry by entry takes 2 x 528 forward and 2 x 512 backward passes."""
    inputs = known_bad.batch(np.random.default_rng(0), 64, 8)
    calls = mg.check_pair(known_bad.forward, known_bad.backward, inputs).evaluations
    assert calls["forward"] <= (2 * 528) // 5
    assert calls["backward"] <= (2 * 512) // 5
