"""One figure for CloudWatch. Figures are for alarms and graphs: what has to be done is done without them too."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from contender.naming import METRICS


def put(cloudwatch: Any, name: str, value: float, dimensions: Mapping[str, str], at: datetime) -> str:
    """Why it could not be sent, for the log; "" when it was."""
    datum = {
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": text} for key, text in dimensions.items()],
        "Timestamp": at,
        "Value": value,
        "Unit": "Count",
    }
    try:
        cloudwatch.put_metric_data(Namespace=METRICS, MetricData=[datum])
    except (ClientError, BotoCoreError) as error:
        return f"{name}: {type(error).__name__}: {error}"
    return ""
