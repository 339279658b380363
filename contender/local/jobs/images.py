"""Which containers this machine can stand in for, told by the image's repository name."""

from __future__ import annotations

from typing import Literal

Runtime = Literal["xgboost", "scikit-learn", "model-monitor", "groundtruth-merger", "clarify"]

KNOWN: dict[str, Runtime] = {
    "sagemaker-xgboost": "xgboost",
    "sagemaker-scikit-learn": "scikit-learn",
    "sagemaker-model-monitor-analyzer": "model-monitor",
    "sagemaker-model-monitor-groundtruth-merger": "groundtruth-merger",
    "sagemaker-clarify-processing": "clarify",
}

ENTRYPOINTS: dict[Runtime, tuple[str, ...]] = {
    "model-monitor": ("-m", "contender.local.containers.monitor"),
    "groundtruth-merger": ("-m", "contender.local.containers.groundtruth_merger"),
    "clarify": ("-m", "contender.local.containers.clarify"),
}
"""What an image starts by itself in a processing job; the others need a ContainerEntrypoint."""


class UnknownImage(Exception):
    """No local runtime for an image; the message names it and the known ones."""


def runtime_of(image: str) -> Runtime:
    """The runtime for an image URI such as `683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5`.

    Raises:
        UnknownImage: nothing here can stand in for it.
    """
    repository = image.rpartition("/")[2].partition("@")[0].partition(":")[0]
    for name, runtime in KNOWN.items():
        if name in repository:
            return runtime
    raise UnknownImage(
        f"the image {image!r} has no runtime on this machine; known are images whose repository is named "
        f"{' or '.join(KNOWN)}"
    )
