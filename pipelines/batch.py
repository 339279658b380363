"""The batch scoring pipeline of one dimension: a file's rows, scored by who serves.

Lookup ─► Prepare ─► ScoreChampion ─► Alone
    yes:    Collect
    no:     ScoreChallenger ─► Compare
"""

from __future__ import annotations

from collections.abc import Mapping

from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import Step

from contender.config import Settings
from contender.naming import Names
from contender.pipeline.compiling import Compiled, compiled
from steps.batch.step import alone_step, collect_step, compare_step, lookup_step, prepare_step, score_step
from steps.build import Build, compiler_session


def compile(settings: Settings, outputs: Mapping[str, str]) -> Compiled:
    """The definition and the files it needs in S3, as `pipelines.train` makes them."""
    build = Build(settings, outputs, compiler_session(settings.region, outputs["ArtifactBucket"]), area="batch")
    listed = steps(build)
    pipeline = Pipeline(
        name=Names(settings.project).batch_pipeline,
        parameters=build.parameters,
        steps=listed,
        sagemaker_session=build.session,
        pipeline_experiment_config=None,
    )
    return compiled(pipeline.definition(), build.uploads)


def steps(build: Build) -> list[Step]:
    lookup = lookup_step(build, build.flag("SideBySide", default=False))
    prepare = prepare_step(build, lookup)
    champion = score_step(build, prepare, lookup, "Champion")
    challenger = score_step(build, prepare, lookup, "Challenger")
    compare = compare_step(build, lookup, prepare, champion, challenger)
    collect = collect_step(build, lookup, prepare, champion)
    return [lookup, prepare, champion, alone_step(lookup, alone=[collect], compared=[challenger, compare])]
