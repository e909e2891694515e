"""The README's promises, as they are printed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"

pytestmark = pytest.mark.skipif(not README.is_file(), reason="the suite runs without the project")


def test_the_pytest_example_passes_when_pasted(pytester: pytest.Pytester) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    pytester.makepyfile(example)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_the_script_example_is_a_script() -> None:
    from chatdouble.script import parse

    (example,) = re.findall(r"```yaml\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert len(parse(example)) == 3


@pytest.mark.parametrize(
    ("name", "ends"), [("serve", "chatdouble serve"), ("test", "pytest -q -n 2")]
)
def test_the_first_screen_has_two_one_line_commands(name: str, ends: str) -> None:
    script = ROOT / "scripts" / "readme-command"
    ran = subprocess.run([sys.executable, script, name], capture_output=True, text=True, check=True)
    assert ran.stdout.count("\n") == 1
    assert ran.stdout.strip().endswith(ends)
    assert README.read_text("utf-8").index(ran.stdout) < 1200


def test_the_examples_are_scripts() -> None:
    from chatdouble.script import load

    assert len(load((ROOT / "examples",))) == 3


def test_links_lead_somewhere() -> None:
    for page in (README, *ROOT.glob("docs/*.md"), ROOT / "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
