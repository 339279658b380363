"""Pipelines, their executions and searches in memory."""

from __future__ import annotations

from typing import Any

from tests.lambdas.fakes.account import Account
from tests.lambdas.fakes.client import operation


class Executions(Account):
    def __init__(self) -> None:
        super().__init__()
        self.executions: dict[str, dict[str, Any]] = {}
        self.tunings: dict[str, dict[str, Any]] = {}
        self.definition: str | None = '{"Parameters": [], "Steps": []}'
        self.capacity = 20

    @operation
    def describe_pipeline(self, *, PipelineName: str) -> dict[str, Any]:
        if self.definition is None:
            self._fail("DescribePipeline", "ResourceNotFound", "Pipeline does not exist.")
        return {"PipelineName": PipelineName, "PipelineDefinition": self.definition}

    @operation
    def describe_hyper_parameter_tuning_job(self, *, HyperParameterTuningJobName: str) -> dict[str, Any]:
        self._interfere("DescribeHyperParameterTuningJob")
        if HyperParameterTuningJobName not in self.tunings:
            self._fail("DescribeHyperParameterTuningJob", "ResourceNotFound", "Requested resource not found.")
        return self.tunings[HyperParameterTuningJobName]

    @operation
    def list_pipeline_executions(self, **request: Any) -> dict[str, Any]:
        if self.definition is None:
            self._fail("ListPipelineExecutions", "ResourceNotFound", "Pipeline does not exist.")
        found = [
            {
                "PipelineExecutionArn": arn,
                "PipelineExecutionStatus": execution["status"],
                "PipelineExecutionDisplayName": execution["request"]["PipelineExecutionDisplayName"],
                "StartTime": execution["started"],
            }
            for arn, execution in self.executions.items()
            if f":pipeline/{request['PipelineName']}/" in arn
        ]
        return self._page("PipelineExecutionSummaries", found, request)

    @operation
    def start_pipeline_execution(self, **request: Any) -> dict[str, Any]:
        self._interfere("StartPipelineExecution")
        token = request["ClientRequestToken"]
        for arn, execution in self.executions.items():
            if execution["token"] == token:
                return {"PipelineExecutionArn": arn}
        if sum(execution["status"] == "Executing" for execution in self.executions.values()) >= self.capacity:
            self._fail("StartPipelineExecution", "ResourceLimitExceeded", "The account-level limit is reached.")
        arn = self.arn(f"pipeline/{request['PipelineName']}/execution/{len(self.executions):012d}")
        self.executions[arn] = {"token": token, "status": "Executing", "request": request, "started": self.now}
        return {"PipelineExecutionArn": arn}

    @operation
    def describe_pipeline_execution(self, *, PipelineExecutionArn: str) -> dict[str, Any]:
        if PipelineExecutionArn not in self.executions:
            self._fail("DescribePipelineExecution", "ResourceNotFound", "Pipeline execution does not exist.")
        status = self.executions[PipelineExecutionArn]["status"]
        return {"PipelineExecutionArn": PipelineExecutionArn, "PipelineExecutionStatus": status}

    def running(self, dimension: str) -> list[str]:
        """Executions of a dimension that run now."""
        return [
            arn
            for arn, execution in self.executions.items()
            if execution["status"] == "Executing"
            and {"Name": "Dimension", "Value": dimension} in execution["request"]["PipelineParameters"]
        ]
