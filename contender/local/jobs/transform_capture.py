"""Data capture of a transform job: manifests of what it read and of what it wrote, by the hour, as AWS lays them out.

    <DestinationS3Uri>/input/yyyy/mm/dd/hh/<job>.json     [{"prefix": "s3://…/"}, "a.csv", …]
    <DestinationS3Uri>/output/yyyy/mm/dd/hh/<job>.json    [{"prefix": "s3://…/"}, "a.csv.out", …]

docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-batch.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from contender.local.context import Context
from contender.local.jobs.files import split


def write(context: Context, body: Mapping[str, Any]) -> None:
    """Of a job whose answers are uploaded; nothing if it captures nothing."""
    config = body.get("DataCaptureConfig")
    if config is None:
        return
    source = body["TransformInput"]["DataSource"]["S3DataSource"]
    read = context.jobs.files.objects(source["S3Uri"], source["S3DataType"])
    names = [inside for _, inside in read]
    prefixes = {
        "input": read[0][0].uri.removesuffix(names[0]),
        "output": f"{body['TransformOutput']['S3OutputPath'].rstrip('/')}/",
    }
    for side, prefix in prefixes.items():
        suffix = ".out" if side == "output" else ""
        manifest = [{"prefix": prefix}, *(f"{name}{suffix}" for name in names)]
        bucket, root = split(f"{config['DestinationS3Uri'].rstrip('/')}/{side}")
        key = f"{root}/{body['TransformStartTime']:%Y/%m/%d/%H}/{body['TransformJobName']}.json"
        context.aws.client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(manifest).encode())
