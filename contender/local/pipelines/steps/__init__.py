"""The step types this engine runs: a new one is a runner of its own and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from contender.local.pipelines.steps.callback import CALLBACK
from contender.local.pipelines.steps.checks import CLARIFY_CHECK, QUALITY_CHECK
from contender.local.pipelines.steps.condition import CONDITION
from contender.local.pipelines.steps.endpoints import ENDPOINT, ENDPOINT_CONFIG
from contender.local.pipelines.steps.fail import FAIL
from contender.local.pipelines.steps.for_each import FOR_EACH
from contender.local.pipelines.steps.jobs import PROCESSING, TRAINING, TRANSFORM, TUNING
from contender.local.pipelines.steps.lambdas import LAMBDA
from contender.local.pipelines.steps.models import MODEL, REGISTER_MODEL
from contender.local.pipelines.steps.runner import StepRunner

RUNNERS: Mapping[str, StepRunner] = {
    "Processing": PROCESSING,
    "Training": TRAINING,
    "Tuning": TUNING,
    "Transform": TRANSFORM,
    "QualityCheck": QUALITY_CHECK,
    "ClarifyCheck": CLARIFY_CHECK,
    "Model": MODEL,
    "RegisterModel": REGISTER_MODEL,
    "EndpointConfig": ENDPOINT_CONFIG,
    "Endpoint": ENDPOINT,
    "Lambda": LAMBDA,
    "Callback": CALLBACK,
    "Condition": CONDITION,
    "Fail": FAIL,
    "ForEach": FOR_EACH,
}
