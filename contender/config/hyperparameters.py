"""The hyperparameters of XGBoost's built-in algorithm on SageMaker, and who sets them.

https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost_hyperparameters.html
"""

from __future__ import annotations

INTEGERS = frozenset(
    {
        "early_stopping_rounds", "max_bin", "max_delta_step", "max_depth", "max_leaves", "nthread", "num_parallel_tree",
        "one_drop", "refresh_leaf", "seed", "verbosity",
    }
)  # fmt: skip

HYPERPARAMETERS = INTEGERS | {
    "alpha", "base_score", "booster", "colsample_bylevel", "colsample_bynode", "colsample_bytree",
    "deterministic_histogram", "eta", "eval_metric", "gamma", "grow_policy", "interaction_constraints", "lambda",
    "lambda_bias", "learning_rate", "min_child_weight", "min_split_loss", "monotone_constraints", "normalize_type",
    "process_type", "rate_drop", "reg_alpha", "reg_lambda", "sample_type", "sampling_method", "scale_pos_weight",
    "sketch_eps", "skip_drop", "subsample", "tree_method", "updater",
}  # fmt: skip

OURS = {
    "num_round": "use training.rounds",
    "objective": "the pipeline predicts a probability (binary:logistic)",
    "num_class": "a label has two values",
}
"""Hyperparameters that follow from elsewhere, and from where."""
