"""CloudWatch metrics that a monitoring job's container left in a file, published on its behalf as AWS does.

docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-cloudwatch.html
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

logger = logging.getLogger(__name__)

FOLDER = "output/metrics/cloudwatch"
MAX_DATA = 500


def publish(client: Callable[[], Any], ml: Path, body: Mapping[str, Any]) -> None:
    """Send what is in the job's folder, of a job that a schedule started; what cannot be sent is logged and lost."""
    data = [datum for path in sorted((ml / FOLDER).glob("*")) for datum in _read(path)]
    try:
        for start in range(0, len(data), MAX_DATA):
            client().put_metric_data(Namespace=namespace(body), MetricData=data[start : start + MAX_DATA])
    except (ClientError, BotoCoreError) as error:
        logger.warning("metrics of %s are lost: %s", body["ProcessingJobName"], error)


def namespace(body: Mapping[str, Any]) -> str:
    environment = body.get("Environment", {})
    about = "Endpoints" if environment.get("sagemaker_endpoint_name") else "ModelMonitoring"
    what = "model" if environment.get("analysis_type") == "MODEL_QUALITY" else "data"
    return f"aws/sagemaker/{about}/{what}-metrics"


def _read(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON objects of a file, one a line or written over several lines."""
    decoder, text, place = json.JSONDecoder(), path.read_text(encoding="utf-8", errors="replace"), 0
    try:
        while text[place:].strip():
            place += len(text[place:]) - len(text[place:].lstrip())
            found, place = decoder.raw_decode(text, place)
            yield _datum(found)
    except (ValueError, KeyError, TypeError) as error:
        logger.warning("%s holds no more metrics from character %d on: %s", path, place, error)


def _datum(found: Mapping[str, Any]) -> dict[str, Any]:
    datum = {
        name: found[name]
        for name in ("MetricName", "Dimensions", "Value", "StatisticValues", "Values", "Counts", "Unit")
        if name in found
    }
    return {**datum, "Timestamp": datetime.fromisoformat(found["Timestamp"])}
