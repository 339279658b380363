"""AWS's image `sagemaker-clarify-processing`: bias of data and models, and what a model's predictions rest on.

    analysis_config.json ─► config ─► dataset ─► bias (pre-, post-training) ─┐
                                   └► predictor ─► shap, pdp ────────────────┴─► analysis.json, report.html
    a baseline's analysis.json ─────────────────────────────────────────────────► constraint_violations.json

Definitions of the metrics, of the configuration and of the files: the chapters "Clarify" and "Model Monitor" of the
Amazon SageMaker AI developer guide.
"""
