"""What CloudWatch has counted of each variant: the evidence for endpoints that are asked directly, without the API."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

NAMESPACE = "AWS/SageMaker"
REQUESTS, FAILED = "Invocations", "Invocation5XXErrors"
MOST_POINTS = 1_000
MINUTE_S = 60
HOUR_S = 3600


def requests_and_failures(
    cloudwatch: Any, endpoint: str, variants: Iterable[str], since: datetime, now: datetime
) -> dict[str, tuple[int, int]]:
    """Requests of each variant since then, and how many of them failed.

    Periods are whole minutes, or hours where that would be too many; so the first one may begin a little earlier.
    """
    period_s = MINUTE_S if (now - since).total_seconds() <= MOST_POINTS * MINUTE_S else HOUR_S
    start = datetime.fromtimestamp(math.floor(since.timestamp() / period_s) * period_s, since.tzinfo)
    wanted = [(variant, metric) for variant in sorted(variants) for metric in (REQUESTS, FAILED)]
    queries = [
        {
            "Id": f"m{index}",
            "MetricStat": {
                "Metric": {
                    "Namespace": NAMESPACE,
                    "MetricName": metric,
                    "Dimensions": [
                        {"Name": "EndpointName", "Value": endpoint},
                        {"Name": "VariantName", "Value": variant},
                    ],
                },
                "Period": period_s,
                "Stat": "Sum",
            },
        }
        for index, (variant, metric) in enumerate(wanted)
    ]
    sums: dict[str, float] = {}
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=start, EndTime=now + timedelta(seconds=period_s)
    )
    for page in pages:
        for result in page["MetricDataResults"]:
            sums[result["Id"]] = sums.get(result["Id"], 0.0) + sum(result["Values"])
    counts = {each: int(sums.get(f"m{index}", 0.0)) for index, each in enumerate(wanted)}
    return {variant: (counts[variant, REQUESTS], counts[variant, FAILED]) for variant, _ in wanted}
