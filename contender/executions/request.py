"""What a new execution is started with, whoever starts it: an upload, a person, a batch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contender import baselines, warm_start
from contender.naming import Names

GIVEN = ("Dimension", "InputDataUri", "DataVersion")
"""Parameters that say which data of whom; every pipeline has them."""
RECORDABLE = re.compile(r"[\w \u00a0.:/=+@-]{1,256}")
"""What the registry takes as metadata of a version, which will hold where its data came from."""


@dataclass(frozen=True, slots=True)
class Request:
    """A training to start."""

    dimension: str
    uri: str
    version: str
    options: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the pipeline beside these: what its checks do, and which search it continues."""
    reason: str = ""
    """Where a search begins; empty without one."""

    @property
    def parameters(self) -> dict[str, str]:
        return {**dict(zip(GIVEN, (self.dimension, self.uri, self.version), strict=True)), **self.options}

    @property
    def continues(self) -> bool:
        """Whether its search goes on from another one's, for which there is a pipeline of its own."""
        return self.options.get(warm_start.PARAMETER, warm_start.NONE) != warm_start.NONE


def prepare(
    sagemaker: Any,
    names: Names,
    dimension: str,
    uri: str,
    version: str,
    definition: Mapping[str, Any],
    *,
    drifted: bool = False,
) -> Request:
    """A check without a baseline is skipped and registers one, and a search continues the dimension's previous one.

    `definition` is the deployed one of the project's pipeline. `drifted`: the world has moved, so the data are not
    compared with what they were, and become what later ones are compared with.
    """
    group, declared = names.group(dimension), baselines.declared(definition)
    search = warm_start.choose(sagemaker, group, uri, version, definition)
    options = baselines.first_run(sagemaker, group, declared) | search.parameters
    if drifted:
        options |= baselines.renewed(baselines.DATA_QUALITY, declared)
    return Request(dimension, uri, version, options, search.reason)


def send(sagemaker: Any, names: Names, request: Request, token: str) -> str:
    """Start it, and return the execution's ARN. With the same token only one is started."""
    pipeline = names.warm_pipeline if request.continues else names.pipeline
    return begin(sagemaker, names, pipeline, request.dimension, request.parameters, token)


def begin(
    sagemaker: Any, names: Names, pipeline: str, dimension: str, parameters: Mapping[str, str], token: str
) -> str:
    """Start an execution of any pipeline, under a name that tells its dimension."""
    answer = sagemaker.start_pipeline_execution(
        PipelineName=pipeline,
        PipelineExecutionDisplayName=names.execution(dimension, token),
        PipelineParameters=[{"Name": name, "Value": value} for name, value in parameters.items()],
        ClientRequestToken=token,
    )
    return str(answer["PipelineExecutionArn"])
