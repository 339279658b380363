from datetime import UTC, datetime
from pathlib import Path

from contender.local.jobs.metrics import MetricLog, Reading, final_metrics

ROUND = "[{n}]\ttrain-auc:0.9{n}\tvalidation-auc:0.8{n}\tvalidation-error@0.5:0.1\n"


def test_the_algorithms_own_metrics_have_the_names_aws_gives_them(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("Train matrix has 5 rows\n" + ROUND.format(n=0) + ROUND.format(n=1))
    readings = MetricLog(log, [], xgboost=True).read()
    assert readings[:3] == [
        Reading("train:auc", 0.90, 0),
        Reading("validation:auc", 0.80, 0),
        Reading("validation:error@0.5", 0.1, 0),
    ]
    assert {reading.step for reading in readings} == {0, 1}


def test_a_growing_log_is_read_on_from_where_it_was_left(tmp_path: Path) -> None:
    log = tmp_path / "log"
    metrics = MetricLog(log, [{"Name": "loss", "Regex": r"loss=(\S+)"}], xgboost=False)
    assert metrics.read() == []
    log.write_text("loss=3\nloss=")
    assert metrics.read() == [Reading("loss", 3.0, 0)]
    with open(log, "a") as file:
        file.write("2\n")
    assert metrics.read() == [Reading("loss", 2.0, 1)]
    assert metrics.read() == []


def test_expressions_written_for_cloudwatchs_tabs_match(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("[3]\tvalidation-rmse:1.5\n")
    regex = r".*\[[0-9]+\].*#011validation-rmse:(\S+)"
    assert MetricLog(tmp_path / "log", [{"Name": "rmse", "Regex": regex}], xgboost=False).read()[0].value == 1.5


def test_what_is_no_finite_number_is_no_reading(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("m=nan\nm=inf\nm=abc\nm=\nm=1e-3\n")
    readings = MetricLog(tmp_path / "log", [{"Name": "m", "Regex": r"m=(\S*)"}], xgboost=False).read()
    assert [reading.value for reading in readings] == [0.001]


def test_the_final_value_is_the_last_one(tmp_path: Path) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    readings = [Reading("a", 1.0, 0), Reading("b", 5.0, 0), Reading("a", 2.0, 1)]
    assert final_metrics(readings, now) == [
        {"MetricName": "a", "Value": 2.0, "Timestamp": now},
        {"MetricName": "b", "Value": 5.0, "Timestamp": now},
    ]
