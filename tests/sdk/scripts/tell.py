"""Counts the lines that a transform wrote."""

import boto3


def handler(event, context):
    bucket, _, prefix = event["Scored"].removeprefix("s3://").partition("/")
    s3 = boto3.client("s3")
    found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    bodies = [s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in found]
    lines = sum(body.count(b"\n") for body in bodies)
    print(f"{lines} lines, best {event['Best']}")
    return {"Lines": lines, "Told": True, "Flavour": event["Flavour"]}
