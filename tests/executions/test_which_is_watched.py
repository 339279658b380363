"""Which executions a word means to `pipeline watch`, and what an upload that has started nothing yet is awaited for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from contender.executions.watch import STARTS_WITHIN, Uploads, Watch
from tests.executions.fakes import BUCKET, NAMES, START, FakeExecutions, Run, at, upload
from tests.lambdas.fakes import client_error
from tests.pipelines.fakes import FakeS3


def watching(sagemaker: FakeExecutions, s3: FakeS3, *words: str, now: datetime = START) -> Watch:
    watch = Watch(sagemaker, NAMES, Uploads(s3, BUCKET, "data/"))
    watch.begin(words, now)
    return watch


def followed(watch: Watch) -> list[str]:
    return [snapshot.name for snapshot in watch.look()]


def test_right_after_an_upload_its_execution_is_meant_and_not_the_one_before(
    sagemaker: FakeExecutions, s3: FakeS3
) -> None:
    sagemaker.add("A-00000001", "Succeeded", START)
    uri = upload(s3, "data/A/new.csv", at(60))
    watch = watching(sagemaker, s3, "A", now=at(61))
    assert followed(watch) == []
    assert watch.awaited["A"].uri == uri
    sagemaker.add("B-00000001", "Executing", at(62))
    assert followed(watch) == [], "another dimension's is not awaited"
    sagemaker.add("A-00000002", "Executing", at(63), parameters={"InputDataUri": uri, "DataVersion": "0123abcd"})
    assert followed(watch) == ["A-00000002"]
    assert watch.awaited == {}


def test_an_upload_that_has_started_its_execution_is_not_awaited(sagemaker: FakeExecutions, s3: FakeS3) -> None:
    """S3's whole seconds may make the two look simultaneous."""
    uri = upload(s3, "data/A/new.csv", START)
    sagemaker.add("A-00000001", "Succeeded", at(0.4), parameters={"InputDataUri": uri, "DataVersion": "0123abcd"})
    watch = watching(sagemaker, s3, "A", now=at(1))
    assert (followed(watch), watch.awaited) == (["A-00000001"], {})


def test_an_upload_waiting_behind_a_running_execution_is_followed_too(sagemaker: FakeExecutions, s3: FakeS3) -> None:
    sagemaker.add("A-00000001", "Executing", START, parameters={"InputDataUri": "s3://b/old.csv"})
    upload(s3, "data/A/new.csv", at(5))
    watch = watching(sagemaker, s3, "A", now=at(3600))
    assert followed(watch) == ["A-00000001"]
    assert list(watch.awaited) == ["A"]


def test_an_upload_that_started_nothing_for_long_is_told_and_not_awaited(
    run: Run, sagemaker: FakeExecutions, s3: FakeS3
) -> None:
    sagemaker.add("A-00000001", "Succeeded", START)
    uri = upload(s3, "data/A/new.csv", at(60))
    watch = watching(sagemaker, s3, "A", now=at(61) + STARTS_WITHIN)
    assert (followed(watch), watch.awaited) == (["A-00000001"], {})
    assert f"{uri} was uploaded at 12:01:00 and has started nothing" in run("watch", "A").stderr


class Forbidden(FakeS3):
    def get_paginator(self, name: str) -> Any:
        raise client_error("ListObjectsV2", "AccessDenied", "no", 403)


def test_who_may_not_list_uploads_may_watch_all_the_same(sagemaker: FakeExecutions) -> None:
    sagemaker.add("A-00000001", "Succeeded", START)
    assert followed(watching(sagemaker, Forbidden(), "A")) == ["A-00000001"]


def test_what_has_ended_is_not_asked_for_again(sagemaker: FakeExecutions, s3: FakeS3) -> None:
    sagemaker.add("A-00000001", "Succeeded", START)
    watch = watching(sagemaker, s3, "A")
    assert followed(watch) == followed(watch) == ["A-00000001"]
    assert len(sagemaker.made("ListPipelineExecutionSteps")) == 1


def test_files_that_start_nothing_are_not_awaited(sagemaker: FakeExecutions, s3: FakeS3) -> None:
    sagemaker.add("A-00000001", "Succeeded", START)
    upload(s3, "data/A/notes.txt", at(60))
    assert watching(sagemaker, s3, "A", now=at(61)).awaited == {}


def test_no_word_means_all_that_runs_and_all_that_starts_meanwhile(sagemaker: FakeExecutions, s3: FakeS3) -> None:
    sagemaker.add("A-00000001", "Executing", START)
    sagemaker.add("B-00000001", "Executing", at(1))
    sagemaker.add("C-00000001", "Succeeded", at(2))
    watch = watching(sagemaker, s3, now=at(60))
    assert sorted(followed(watch)) == ["A-00000001", "B-00000001"]
    sagemaker.add("D-00000001", "Executing", at(3))
    assert sorted(followed(watch)) == ["A-00000001", "B-00000001", "D-00000001"]


def test_no_word_means_what_was_over_before_anybody_watched_too(sagemaker: FakeExecutions, s3: FakeS3) -> None:
    sagemaker.add("C-00000001", "Succeeded", at(-100))
    sagemaker.add("A-00000001", "Succeeded", at(-3))
    sagemaker.add("A-00000002", "Executing", at(1))
    sagemaker.add("B-00000001", "Succeeded", START)
    sagemaker.add("B-00000002", "Failed", at(2))
    assert sorted(followed(watching(sagemaker, s3, now=at(3)))) == ["A-00000002", "B-00000002"]


def test_where_nothing_runs_the_latest_is_meant(sagemaker: FakeExecutions, s3: FakeS3) -> None:
    sagemaker.add("A-00000001", "Succeeded", START)
    sagemaker.add("B-00000001", "Failed", at(1))
    assert followed(watching(sagemaker, s3, now=at(60))) == ["B-00000001"]
    assert followed(watching(sagemaker, s3, "000000000000")) == ["A-00000001"]
    assert followed(watching(sagemaker, s3, "A-00000001")) == ["A-00000001"]


def test_scoring_a_file_is_no_answer_to_an_upload(sagemaker: FakeExecutions, s3: FakeS3) -> None:
    sagemaker.deployed.add(NAMES.batch_pipeline)
    sagemaker.add("A-00000001", "Succeeded", START)
    upload(s3, "data/A/new.csv", at(60))
    sagemaker.add("A-00000002", "Succeeded", at(120), pipeline=NAMES.batch_pipeline)
    watch = watching(sagemaker, s3, "A", now=at(121))
    assert (followed(watch), list(watch.awaited)) == ([], ["A"])
