"""The image that puts labels to captured requests, and the analysis of what it writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from contender.local.containers.groundtruth_merger import main
from tests.local.monitor.image import Image

MERGED = '{"sagemakerMergeJson": {"captureIndexNames": ["endpointOutput"]}}'
HOUR = "shop/v1/2026/01/01/10"
BINARY = {"analysis_type": "MODEL_QUALITY", "problem_type": "BinaryClassification", "probability_attribute": "0"}


def captured(event: str, answer: str, inference_id: str = "", time: str = "2026-01-01T10:30:00Z") -> str:
    metadata = {"eventId": event, "inferenceTime": time} | ({"inferenceId": inference_id} if inference_id else {})
    body = {"observedContentType": "text/csv", "encoding": "CSV"}
    data = {
        "endpointInput": {**body, "mode": "INPUT", "data": "1,2"},
        "endpointOutput": {**body, "mode": "OUTPUT", "data": answer},
    }
    return json.dumps({"captureData": data, "eventMetadata": metadata, "eventVersion": "0"})


def label(event: str, value: str) -> str:
    data = {"data": value, "encoding": "CSV"}
    return json.dumps({"groundTruthData": data, "eventMetadata": {"eventId": event}, "eventVersion": "0"})


class Merge:
    """One run of the image, in a folder of its own."""

    def __init__(self, home: Path, files: Mapping[str, list[str]], labels: list[str], **variables: str) -> None:
        self.home = home
        for name, lines in {**files, "../labels/2026/01/01/12/l.jsonl": labels}.items():
            path = home / "captured" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(lines) + "\n")
        self.code = main(
            {
                "dataset_source": str(home / "captured"),
                "ground_truth_source": str(home / "labels"),
                "output_path": str(home / "merged"),
                "SM_OUTPUT_DIR": str(home),
                **variables,
            }
        )
        self.said = (home / "message").read_text()

    def records(self, folder: str = HOUR) -> list[dict[str, Any]]:
        path = self.home / "merged" / folder / "merged.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_label_finds_its_request_by_inference_id_or_else_by_event_id(tmp_path: Path) -> None:
    requests = [captured("e1", "0.9", "order-1"), captured("e2", "0.2"), captured("e3", "0.3", "order-3")]
    merge = Merge(tmp_path, {f"{HOUR}/a.jsonl": requests}, [label("order-1", "1"), label("e2", "0"), label("e3", "1")])
    assert merge.code == 0
    assert [(each["eventMetadata"]["eventId"], each["groundTruthData"]["data"]) for each in merge.records()] == [
        ("e1", "1"),
        ("e2", "0"),
    ]
    assert merge.records()[0]["captureData"]["endpointOutput"]["data"] == "0.9"
    assert merge.said == (
        "Completed: merged 2 of 3 captured requests with their labels; 1 have no label yet, "
        "1 of 3 labels are of no request captured in these hours"
    )


def test_records_stay_in_the_hour_and_the_variant_of_their_request(tmp_path: Path) -> None:
    other = "shop/v2/2026/01/01/11"
    files = {
        f"{HOUR}/a.jsonl": [captured("1", "0.1")],
        f"{HOUR}/b.jsonl": [captured("2", "0.2")],
        f"{other}/a.jsonl": [captured("3", "0.3")],
        "shop/v3/2026/01/01/11/a.jsonl": [captured("4", "0.4")],
    }
    merge = Merge(tmp_path, files, [label(str(number), "1") for number in (1, 2, 3)])
    assert len(merge.records()) == 2
    assert len(merge.records(other)) == 1
    assert not (tmp_path / "merged" / "shop" / "v3").exists()


def test_the_last_label_of_a_request_counts(tmp_path: Path) -> None:
    merge = Merge(tmp_path, {f"{HOUR}/a.jsonl": [captured("1", "0.1")]}, [label("1", "0"), label("1", "1")])
    assert [each["groundTruthData"]["data"] for each in merge.records()] == ["1"]


def test_only_the_window_is_merged(tmp_path: Path) -> None:
    times = ("10:19:59", "10:20:00", "10:40:00", "10:40:01")
    requests = [captured(time, "0.1", time=f"2026-01-01T{time}Z") for time in times]
    window = {"start_time": "2026-01-01T10:20:00Z", "end_time": "2026-01-01T10:40:00Z"}
    merge = Merge(tmp_path, {f"{HOUR}/a.jsonl": requests}, [label(time, "1") for time in times], **window)
    assert [each["eventMetadata"]["eventId"] for each in merge.records()] == ["10:20:00", "10:40:00"]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([label("nobody", "1")], "Error: none of the 1 labels belongs to one of the 1 captured requests"),
        (['{"label": 1}'], "Error: l.jsonl: record 1 is no label"),
        (["not json"], "Error: l.jsonl: not JSON"),
    ],
)
def test_what_cannot_be_merged_is_said(tmp_path: Path, labels: list[str], said: str) -> None:
    merge = Merge(tmp_path, {f"{HOUR}/a.jsonl": [captured("1", "0.1")]}, labels)
    assert merge.code != 0
    assert merge.said.startswith(said)


def test_a_window_that_is_no_time_is_said(tmp_path: Path) -> None:
    times = {"start_time": "yesterday", "end_time": "now"}
    merge = Merge(tmp_path, {f"{HOUR}/a.jsonl": [captured("1", "0.1")]}, [label("1", "1")], **times)
    assert merge.code != 0
    assert merge.said == "Error: start_time 'yesterday' is no time such as 2026-01-31T13:00:00Z"


def test_merged_records_are_analysed(tmp_path: Path, image: Image) -> None:
    scores = (0.9, 0.8, 0.3, 0.1, 0.6)
    truth = (1, 1, 0, 0, 0)
    requests = [captured(str(number), f"{score}\n") for number, score in enumerate(scores)]
    Merge(tmp_path, {f"{HOUR}/a.jsonl": requests}, [label(str(number), str(each)) for number, each in enumerate(truth)])
    outcome = image.run(tmp_path / "merged", MERGED, **BINARY)
    measured = outcome.file("statistics.json")["binary_classification_metrics"]
    assert measured["confusion_matrix"] == {"0": {"0": 2, "1": 1}, "1": {"0": 0, "1": 2}}


def test_an_invocation_of_several_rows_has_a_label_a_line(tmp_path: Path, image: Image) -> None:
    requests = [captured("1", "0.9\n0.2\n"), captured("2", "0.7\n0.4\n")]
    Merge(tmp_path, {f"{HOUR}/a.jsonl": requests}, [label("1", "1\n0\n"), label("2", "1")])
    outcome = image.run(tmp_path / "merged", MERGED, **BINARY)
    assert outcome.file("statistics.json")["dataset"]["item_count"] == 2  # event 2 has one label for two rows


def test_the_users_script_makes_the_rows_that_get_the_labels(tmp_path: Path, image: Image) -> None:
    requests = [captured("1", "yes:0.9"), captured("2", "no:0.2")]
    Merge(tmp_path, {f"{HOUR}/a.jsonl": requests}, [label("1", "1"), label("2", "0")])
    script = tmp_path / "pre.py"
    script.write_text(
        "def preprocess_handler(record):\n    return {'score': record.endpoint_output.data.partition(':')[2]}\n"
    )
    attributes = {**BINARY, "probability_attribute": "score"}
    outcome = image.run(tmp_path / "merged", MERGED, record_preprocessor_script=str(script), **attributes)
    assert outcome.code == 0, outcome.message
    assert outcome.file("statistics.json")["binary_classification_metrics"]["accuracy"]["value"] == 1.0
