"""Functions that the SDK's `@step` sends as jobs: their code, their arguments and what they return travel by S3."""

from __future__ import annotations

from tests.sdk.conftest import Run


def test_decorated_functions_run_as_a_pipeline(run_program: Run, bucket: str) -> None:
    seen = run_program("functions.py", bucket, "sdk-functions")
    assert seen["answer"] == 16.0
    assert {each["StepName"]: each["StepStatus"] for each in seen["steps"]} == dict.fromkeys(
        ["Fit", "Predict"], "Succeeded"
    )
