"""What a check step found, in words: the violations of its report, by data, model or Clarify's monitor."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

IN_WORDS = re.compile(r"Value \S+ does not meet the constraint requirement: (.+)", re.DOTALL)
"""A sentence of Clarify that goes on to say which metric of which facet moved."""


def read(s3: Any, uri: str) -> tuple[str, ...]:
    """A sentence for each violation of a report; what is wrong with the report where it cannot be read."""
    place = urlsplit(uri, allow_fragments=False)
    try:
        body = s3.get_object(Bucket=place.netloc, Key=place.path.removeprefix("/"))["Body"].read()
        found = json.loads(body)["violations"]
        return tuple(sentence(each) for each in found)
    except ClientError as error:
        return (f"{uri} cannot be read: {error.response['Error']['Code']}",)
    except (ValueError, KeyError, TypeError, AttributeError):
        return (f"{uri} is no report of violations",)


def sentence(violation: Mapping[str, Any]) -> str:
    """What moved and how far. The monitor names a feature; Clarify a metric, and the facet or label it is of.

    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-violations.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-model-monitor-bias-drift-violations.html
    """
    said = str(violation.get("description") or violation.get("constraint_check_type") or "no description")
    if words := IN_WORDS.match(said):
        return " ".join(words[1].split())
    metric = violation.get("metric_name")
    if "facet" in violation:
        about = f"{metric} of {violation['facet']} = {violation.get('facet_value')}"
    elif "label" in violation:
        about = f"{metric} of label {violation['label']}"
    else:
        about = str(violation.get("feature_name") or metric or "")
    text = f"{about}: {said}" if about and about not in said else said
    return " ".join(text.split())
