"""The image `sagemaker-model-monitor-analyzer`: statistics of a dataset, the constraints they suggest, and violations.

    dataset ─► records ─► profile (columns · numbers · texts) ─► statistics ─► constraints
                                        baseline's statistics and constraints ─► violations
    predictions ─► quality (metrics) ─► quality_constraints ─► violations
    for a schedule, CloudWatch metrics of all this ─► emission

The files and the environment variables are AWS's own (SageMaker's guide, "model-monitor-byoc-*").
"""
