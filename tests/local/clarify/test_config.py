"""What analysis_config.json may say; every slip in it is one clear line."""

from __future__ import annotations

from typing import Any

import pytest

from contender.local.containers.clarify.config import load_config, read_config
from contender.local.containers.clarify.errors import ClarifyError
from tests.local.clarify.analyses import FACET, LABEL, POST, PRE, PREDICTOR, Analyse

MINIMAL: dict[str, Any] = {"dataset_type": "text/csv", **LABEL, **FACET, **PRE}
SHAP: dict[str, Any] = {"dataset_type": "text/csv", **PREDICTOR, "methods": {"shap": {}}}


def refusal(config: Any, model_name: str = "") -> str:
    with pytest.raises(ClarifyError) as raised:
        read_config(config, model_name)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_reads_the_example_of_aws() -> None:
    config = read_config(
        {
            "dataset_type": "text/csv",
            "headers": ["feature_0", "feature_1", "feature_2", "feature_3", "target"],
            "label": "target",
            "label_values_or_threshold": [1],
            "probability_threshold": 0.7,
            "facet": [
                {"name_or_index": "feature_1", "value_or_threshold": [1]},
                {"name_or_index": "feature_2", "value_or_threshold": [0.7]},
            ],
            "group_variable": "feature_3",
            "methods": {
                "shap": {
                    "baseline": [["yes", 3, 0.9, 1]],
                    "num_samples": 1000,
                    "agg_method": "mean_sq",
                    "use_logit": True,
                    "save_local_shap_values": True,
                    "seed": 1234,
                },
                "pre_training_bias": {"methods": "all"},
                "post_training_bias": {"methods": "all"},
                "pdp": {"features": ["feature_0"], "grid_resolution": 20},
                "report": {"name": "report", "title": "Analysis Report"},
            },
            "predictor": {
                "model_name": "my_model",
                "instance_type": "ml.m5.xlarge",
                "initial_instance_count": 1,
                "content_type": "text/csv",
                "accept_type": "text/csv",
                "accelerator_type": "ml.eia1.medium",
                "custom_attributes": "c000b4f9",
                "label": 0,
                "probability": 1,
                "endpoint_name_prefix": "myendpointprefix",
                "target_model": "",
            },
        }
    )
    assert [facet.values for facet in config.facets] == [(1,), (0.7,)]
    assert config.probability_threshold == 0.7
    assert config.shap is not None
    assert (config.shap.num_samples, config.shap.use_logit, config.shap.seed) == (1000, True, 1234)
    assert config.pdp is not None
    assert (config.pdp.grid_resolution, config.pdp.top_k_features) == (20, 10)
    assert config.predictor is not None
    assert (config.predictor.label, config.predictor.probability) == (0, 1)
    assert len(config.pre_training) == 8
    assert len(config.post_training) == 13


def test_names_the_nearest_field() -> None:
    assert "unknown field 'facets'; did you mean 'facet'?" in refusal({**MINIMAL, "facets": []})
    assert "'methods.shap.num_sample'" in refusal({**SHAP, "methods": {"shap": {"num_sample": 5}}})


def test_a_check_brings_its_own_model_name() -> None:
    without = {**SHAP, "predictor": {"instance_type": "ml.m5.large", "initial_instance_count": 1}}
    assert "predictor.model_name" in refusal(without)
    config = read_config(without, "from-the-step")
    assert config.predictor is not None
    assert config.predictor.model_name == "from-the-step"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dataset_type": "application/x-image"}, "must be one of text/csv"),
        ({"dataset_type": "csv"}, "must be one of text/csv"),
        ({"version": "2.0"}, "must be one of 1.0"),
        ({"label": None}, "'label' is missing"),
        ({"label_values_or_threshold": []}, "'label_values_or_threshold' is missing"),
        ({"facet": []}, "'facet' is missing"),
        ({"facet": [{}]}, "'facet[0].name_or_index' is missing"),
        ({"facet": {"name_or_index": "town"}}, "must be a list of objects"),
        ({"label": True}, "must be a column's name or index"),
        ({"headers": "a,b"}, "must be a list of texts"),
        ({"probability_threshold": "high"}, "must be a number"),
        ({"methods": {}}, "asks for nothing"),
        ({"methods": None}, "'methods' is missing"),
        ({"methods": {"pre_training_bias": {"methods": ["CJ"]}}}, "unknown metric 'CJ'"),
        ({"methods": {"post_training_bias": {"methods": "all"}}}, "'predictor' is missing"),
        ({"methods": {"shap": {}}}, "'predictor' is missing"),
        ({"features": "a.b"}, "is a JMESPath for JSON"),
        ({"facet_headers": ["town"]}, "needs facet_dataset_uri"),
        ({"segment_config": [{}]}, "is not available on this machine"),
        ({"time_series_data_config": {}}, "is not available on this machine"),
    ],
)
def test_refuses(change: dict[str, Any], words: str) -> None:
    assert words in refusal({**MINIMAL, **change})


@pytest.mark.parametrize(
    ("methods", "words"),
    [
        ({"shap": {"agg_method": "mean"}}, "must be one of mean_abs, median, mean_sq"),
        ({"shap": {"num_samples": 0}}, "must be at least 1"),
        ({"shap": {"use_logit": "yes"}}, "must be true or false"),
        ({"shap": {"baseline": []}}, "must be rows"),
        ({"shap": {"baseline": [[1]], "num_clusters": 2}}, "contradicts baseline"),
        ({"shap": {"text_config": {}}}, "only tables"),
        ({"pdp": {"grid_resolution": 10}}, "'methods.pdp.features' is missing"),
        ({"shap": {}, "report": {"name": "../x"}}, "must be a file's name"),
    ],
)
def test_refuses_methods(methods: dict[str, Any], words: str) -> None:
    assert words in refusal({**SHAP, "methods": methods})


@pytest.mark.parametrize(
    ("predictor", "words"),
    [
        ({"model_name": "m", "endpoint_name": "e"}, "contradicts model_name"),
        ({"model_name": "m", "content_type": "image/png"}, "must be one of text/csv"),
        ({"model_name": "m", "content_type": "application/json"}, "$records or $record"),
        (
            {"model_name": "m", "content_type": "application/jsonlines", "content_template": "{}"},
            "must hold the placeholder $features",
        ),
    ],
)
def test_refuses_predictors(predictor: dict[str, Any], words: str) -> None:
    assert words in refusal({**SHAP, "predictor": predictor})


def test_a_file_that_is_no_json_is_one_line(analyse: Analyse) -> None:
    assert analyse.refused("{").startswith("Unable to load analysis configuration as JSON")
    assert "must be an object" in analyse.refused("[1]")


def test_a_config_that_is_not_there_is_one_line(analyse: Analyse) -> None:
    analyse({**LABEL, **FACET, **PRE})
    (analyse.root / "config" / "analysis_config.json").unlink()
    with pytest.raises(ClarifyError, match="no analysis_config"):
        load_config(analyse.root / "config" / "analysis_config.json")


def test_predictions_in_the_dataset_need_no_model() -> None:
    config = read_config({**MINIMAL, **POST, "predicted_label": "guess"})
    assert not config.needs_model
