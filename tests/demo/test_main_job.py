"""The demo's waiting: for the versions of its own uploads, and no longer than there is hope."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from contender.cli.demo_laptop import stopped_by_signals
from contender.config import Settings
from contender.demo.main_job import Demo, raw_rows, uploads_from
from contender.errors import DataError
from tests.lambdas.fakes import operation
from tests.pipelines.fakes import FakePipelines


class Sagemaker(FakePipelines):
    """Pipelines, and groups without versions."""

    def __init__(self) -> None:
        super().__init__()
        self.pipelines["contender"] = {"PipelineDefinition": json.dumps({"Steps": []})}

    @operation
    def list_model_packages(self, *, ModelPackageGroupName: str, **request: Any) -> dict[str, Any]:
        return {"ModelPackageSummaryList": []}


def demo(sagemaker: Sagemaker, sleep: Callable[[float], None]) -> Demo:
    seconds = iter(range(1000))
    return Demo(
        Settings(), "bucket", sagemaker, None, None, lambda line: None, clock=lambda: float(next(seconds)), sleep=sleep
    )


def test_an_execution_that_fails_ends_the_wait_and_one_that_failed_before_does_not() -> None:
    sagemaker = Sagemaker()
    sagemaker.add_execution("A-00000001", "Failed", "an old reason")
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        sagemaker.add_execution("B-00000002", "Failed", "somebody else's")
        sagemaker.add_execution("A-00000002", "Failed", "no label")

    story = demo(sagemaker, sleep)
    served = story.serve_newer(["A"], story.before(["A"]), timeout_s=100)
    assert served.failures == {"A": "the pipeline failed: no label"}
    assert len(waited) == 1


def test_the_wait_ends_in_time() -> None:
    story = demo(Sagemaker(), lambda seconds: None)
    served = story.serve_newer(["A", "B"], story.before(["A", "B"]), timeout_s=5)
    assert list(served.failures) == ["A", "B"]
    assert "no new version serves after 5 s" in served.failures["A"]


def test_one_that_fails_does_not_end_the_wait_for_another() -> None:
    sagemaker = Sagemaker()

    def sleep(seconds: float) -> None:
        if not sagemaker.executions:
            sagemaker.add_execution("A-00000001", "Failed", "no label")
        elif len(sagemaker.executions) == 1:
            sagemaker.add_execution("B-00000001", "Failed", "one class only")

    story = demo(sagemaker, sleep)
    served = story.serve_newer(["A", "B"], story.before(["A", "B"]), timeout_s=100)
    assert served.failures == {"A": "the pipeline failed: no label", "B": "the pipeline failed: one class only"}


def test_one_file_makes_two_uploads_and_of_several_the_first_two_are_taken(tmp_path: Path) -> None:
    for name in ("A/x.csv", "B/1.csv", "B/2.csv", "B/3.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("head\n" + "".join(f"{name} {row}\n" for row in range(10)))
    (tmp_path / "empty").mkdir()
    found = uploads_from(tmp_path)
    assert list(found) == ["A", "B"]
    (name, first), (_, second) = found["A"].first, found["A"].second
    assert name == "first-x.csv"
    assert second.startswith(first)
    assert [len(body.splitlines()) for body in (first, second)] == [9, 11]
    assert [found["B"].first[0], found["B"].second[0]] == ["1.csv", "2.csv"]


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one folder per dimension"):
        uploads_from(tmp_path)


def test_rows_are_sent_without_their_label() -> None:
    body = 'a,y,b\n1,True.,"x,y"\n2,False.,z\n'.encode("utf-8-sig")
    assert raw_rows(body, "y", 5) == ['1,"x,y"', "2,z"]
    with pytest.raises(DataError, match="no column 'label'"):
        raw_rows(body, "label", 5)


def test_line_breaks_within_values_survive_the_cut_and_the_request(tmp_path: Path) -> None:
    rows = [["Note", "Churn?"], *(["two\nlines\rand more" if number > 6 else "one", "True."] for number in range(10))]
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    (tmp_path / "A").mkdir()
    (tmp_path / "A" / "notes.csv").write_text(text.getvalue(), newline="")
    uploads = uploads_from(tmp_path)["A"]
    assert list(csv.reader(io.StringIO(uploads.first[1].decode(), newline=""))) == rows[:9]
    request = raw_rows(uploads.second[1], "Churn?", 10)[-1]
    assert list(csv.reader(io.StringIO(request, newline=""))) == [[rows[10][0]]]


@pytest.mark.parametrize("body", [b"", b"a,b\n", "ä;ö\n1;2\n".encode("latin-1"), "a,b\n1,2\n".encode("utf-16")])
def test_what_is_no_csv_is_uploaded_for_the_pipeline_to_judge(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "A").mkdir()
    (tmp_path / "A" / "odd.csv").write_bytes(body)
    uploads = uploads_from(tmp_path)["A"]
    assert body.startswith(uploads.first[1])
    assert uploads.second[1] == body


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_it_lets_it_clean_up(signum: signal.Signals) -> None:
    before = signal.getsignal(signum)
    with pytest.raises(click.Abort), stopped_by_signals():
        os.kill(os.getpid(), signum)
    assert signal.getsignal(signum) is before
