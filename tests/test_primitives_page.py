"""``docs/primitives.md`` says what the registry says, and its errors hold."""

from __future__ import annotations

import json
import subprocess
import sys

from tests import primitives_page
from tests.primitives_page import PAGE

AGAIN = "the page is stale; write it again with: python -m tests.primitives_page"
FRESH = (
    "import json; from tests import primitives_page as p; "
    "print(json.dumps([p.page(p.stated(p.PAGE.read_text('utf-8'))), p.measure()]))"
)


def test_the_page_is_fresh_and_its_errors_hold() -> None:
    """In another process, whose registry holds nothing that a test has declared."""
    run = subprocess.run(
        [sys.executable, "-c", FRESH],
        cwd=PAGE.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    wanted, errors = json.loads(run.stdout)
    text = PAGE.read_text("utf-8")
    stated = primitives_page.stated(text)
    assert sorted(stated) == sorted(errors), AGAIN
    assert text == wanted, AGAIN
    # Another processor may round otherwise, by a factor of a few.
    allowed = {name: 4 * max(float(error.rstrip("†")), 0.5) for name, error in stated.items()}
    worse = {name: error for name, (error, _) in errors.items() if error > allowed[name]}
    assert not worse, f"errors larger than stated: {worse}"


def test_a_changed_declaration_would_show() -> None:
    from minigrad.primitive import REGISTRY

    line = primitives_page.row(REGISTRY["sin"], "1")
    assert line == r"| `sin` | $`\sin x`$ | $`g\cos x`$ | 1 |  |"
    assert line in primitives_page.page({"sin": "1"})
