"""Check: everything that can be found wrong without AWS, the quickest first."""

from __future__ import annotations

from phase import ROOT, Phase, contender, python

QUIET_PYTEST = ("-q", "-rfE", "-p", "no:cacheprovider", "--no-header")
IN_PARALLEL = ("--numprocesses", "auto", "--maxprocesses", "4", "--no-loadscope-reorder")
LINTED_ALREADY = "tests/infra/test_every_template.py::test_the_linter_has_nothing_to_say"
"""By the step before: the linter takes half a minute."""


def main() -> None:
    phase = Phase("check", "lint, types, templates, the pipelines' definitions, and the tests that need no AWS")
    with phase.step("lint"):
        python("-m", "ruff", "check", "--quiet", ".")
        python("-m", "ruff", "format", "--check", "--quiet", ".")
    with phase.step("types"):
        python("-m", "mypy")
    with phase.step("templates"):
        python(
            "-c",
            "from cfnlint.runner import main; main()",
            *sorted(str(path) for path in (ROOT / "infra").glob("*.yaml")),
        )
    with phase.step("definitions"):
        contender("pipeline", "check")
    with phase.step("tests"):
        python("-m", "pytest", "--without-aws", "--deselect", LINTED_ALREADY, *IN_PARALLEL, *QUIET_PYTEST)
    phase.done()


if __name__ == "__main__":
    main()
