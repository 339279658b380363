"""The analysis that `analysis_config.json` asks for.

Its fields are those of AWS's page "Analysis configuration files", as far as they concern tables.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contender.local.containers.clarify.errors import ClarifyError
from contender.local.containers.clarify.fields import Fields, Name, Value

CSV, JSON_LINES, JSON, PARQUET = "text/csv", "application/jsonlines", "application/json", "application/x-parquet"
DATASET_TYPES = (CSV, JSON_LINES, JSON, PARQUET)
MODEL_TYPES = (CSV, JSON_LINES, JSON)
AGGREGATIONS = ("mean_abs", "median", "mean_sq")
ALL = "all"
PRE_TRAINING = ("CDDL", "CI", "DPL", "JS", "KL", "KS", "LP", "TVD")
POST_TRAINING = ("AD", "CDDPL", "DAR", "DCA", "DCR", "DI", "DPPL", "DRR", "FT", "GE", "RD", "SD", "TE")
OTHER_DATA = "only tables are analysed here"
DENSE_TEMPLATE = '{"features":$features}'
"""SageMaker's own JSON lines format."""


@dataclass(frozen=True, slots=True)
class Facet:
    """A sensitive column; `values` are its sensitive group, or one lower bound; none is every value by itself."""

    column: Name
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class PredictorConfig:
    """The model and how it is spoken to; `label` and `probability` say where its answer holds them."""

    model_name: str
    endpoint_name: str
    content_type: str
    accept_type: str
    label: Name | None
    probability: Name | None
    label_headers: tuple[Value, ...]
    content_template: str
    record_template: str
    custom_attributes: str
    target_model: str


@dataclass(frozen=True, slots=True)
class ShapConfig:
    """`baseline` is rows, the URI of a file of rows, or None; `num_samples` and `num_clusters` None is our choice."""

    baseline: Any
    num_clusters: int | None
    num_samples: int | None
    agg_method: str
    use_logit: bool
    save_local_shap_values: bool
    seed: int | None
    features_to_explain: tuple[Name, ...] | None


@dataclass(frozen=True, slots=True)
class PdpConfig:
    features: tuple[Name, ...] | None
    grid_resolution: int
    top_k_features: int


@dataclass(frozen=True, slots=True)
class ReportConfig:
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class ExtraDataset:
    """Columns that lie in files of their own (facets, predicted labels)."""

    uri: str
    headers: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class AnalysisConfig:
    """What to analyse; a method that is None or empty is not asked for."""

    dataset_type: str
    dataset_uri: str
    headers: tuple[str, ...] | None
    features: str
    label: Name | None
    predicted_label: Name | None
    label_values: tuple[Value, ...]
    probability_threshold: float
    facets: tuple[Facet, ...]
    group_variable: Name | None
    joinsource: Name | None
    excluded_columns: tuple[Name, ...]
    facet_dataset: ExtraDataset | None
    predicted_label_dataset: ExtraDataset | None
    predictor: PredictorConfig | None
    pre_training: tuple[str, ...]
    post_training: tuple[str, ...]
    shap: ShapConfig | None
    pdp: PdpConfig | None
    report: ReportConfig | None

    @property
    def needs_model(self) -> bool:
        given = self.predicted_label is not None or self.predicted_label_dataset is not None
        return bool(self.shap or self.pdp or (self.post_training and not given))


def load_config(path: Path, model_name: str = "") -> AnalysisConfig:
    """The configuration in the file; `model_name` stands in where it names no model, as in a pipeline's check.

    Raises ClarifyError.
    """
    try:
        given = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ClarifyError(f"no {path.name} in the input analysis_config ({path.parent})") from None
    except ValueError as error:
        raise ClarifyError(f"Unable to load analysis configuration as JSON: {path.name}: {error}") from error
    return read_config(given, model_name)


def read_config(given: Any, model_name: str = "") -> AnalysisConfig:
    """Raises ClarifyError for a field that is unknown, of the wrong kind, or contradicts another."""
    fields = Fields(given)
    fields.choice("version", ("1.0",))
    dataset_type = fields.choice("dataset_type", (*DATASET_TYPES, "application/x-image"))
    if dataset_type not in DATASET_TYPES:
        raise fields.error("dataset_type", f"must be one of {', '.join(DATASET_TYPES)}; {OTHER_DATA}")
    fields.refuse("segment_config", "metrics by segment are not computed")
    fields.refuse("time_series_data_config", OTHER_DATA)
    methods = fields.section("methods")
    if methods is None:
        raise fields.error("methods", "is missing: name at least one of shap, pdp, pre_training_bias, …")
    methods.refuse("asymmetric_shapley_value", OTHER_DATA)
    predictor = fields.section("predictor")
    threshold = fields.number("probability_threshold")
    config = AnalysisConfig(
        dataset_type=dataset_type,
        dataset_uri=fields.text("dataset_uri") or "",
        headers=fields.texts("headers"),
        features=fields.text("features") or "",
        label=fields.name_or_index("label"),
        predicted_label=fields.name_or_index("predicted_label"),
        label_values=fields.values("label_values_or_threshold"),
        probability_threshold=0.5 if threshold is None else threshold,
        facets=tuple(_facet(each) for each in fields.sections("facet")),
        group_variable=fields.name_or_index("group_variable"),
        joinsource=fields.name_or_index("joinsource_name_or_index"),
        excluded_columns=fields.names("excluded_columns") or (),
        facet_dataset=_extra(fields, "facet"),
        predicted_label_dataset=_extra(fields, "predicted_label"),
        predictor=_predictor(predictor, dataset_type, model_name) if predictor else None,
        pre_training=_metrics(methods, "pre_training_bias", PRE_TRAINING),
        post_training=_metrics(methods, "post_training_bias", POST_TRAINING),
        shap=_shap(shap) if (shap := methods.section("shap")) else None,
        pdp=_pdp(pdp) if (pdp := methods.section("pdp")) else None,
        report=_report(report) if (report := methods.section("report")) else None,
    )
    methods.finish()
    fields.finish()
    _check(config, fields)
    return config


def _check(config: AnalysisConfig, fields: Fields) -> None:
    """What fields mean together."""
    if not (config.pre_training or config.post_training or config.shap or config.pdp):
        raise fields.error("methods", "asks for nothing: name shap, pdp, pre_training_bias or post_training_bias")
    if config.pre_training or config.post_training:
        if config.label is None:
            raise fields.error("label", "is missing, which bias metrics need")
        if not config.label_values:
            raise fields.error("label_values_or_threshold", "is missing, which bias metrics need")
        if not config.facets:
            raise fields.error("facet", "is missing, which bias metrics need")
    if config.dataset_type == JSON and not config.features:
        raise fields.error("features", "is missing: the JMESPath of the feature values in the application/json dataset")
    if config.features and config.dataset_type not in (JSON, JSON_LINES):
        raise fields.error("features", f"is a JMESPath for JSON, but dataset_type is {config.dataset_type}")
    for extra, name in (
        (config.facet_dataset, "facet_dataset_uri"),
        (config.predicted_label_dataset, "predicted_label_dataset_uri"),
    ):
        if extra and config.dataset_type != CSV:
            raise fields.error(name, f"goes with dataset_type {CSV} only")
    if config.predicted_label is not None and config.predicted_label_dataset:
        raise fields.error("predicted_label", "contradicts predicted_label_dataset_uri: name one of them")
    if config.needs_model and config.predictor is None:
        raise fields.error("predictor", "is missing, which shap, pdp and post_training_bias need")
    if config.pdp and config.pdp.features is None and not config.shap:
        raise fields.error("methods.pdp.features", "is missing, which pdp needs where shap does not rank the features")


def _facet(fields: Fields) -> Facet:
    column = fields.name_or_index("name_or_index")
    if column is None:
        raise fields.error("name_or_index", "is missing")
    facet = Facet(column, fields.values("value_or_threshold"))
    fields.finish()
    return facet


def _extra(fields: Fields, name: str) -> ExtraDataset | None:
    uri, headers = fields.text(f"{name}_dataset_uri"), fields.texts(f"{name}_headers")
    if headers is not None and uri is None:
        raise fields.error(f"{name}_headers", f"needs {name}_dataset_uri")
    return ExtraDataset(uri, headers) if uri else None


def _metrics(methods: Fields, name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    section = methods.section(name)
    if section is None:
        return ()
    chosen = section.anything("methods")
    section.finish()
    if chosen in (None, ALL, [ALL]):
        return known
    if not isinstance(chosen, list) or not chosen:
        raise section.error("methods", f'must be "{ALL}" or a list of metrics, not {chosen!r:.80}')
    for each in chosen:
        if each not in known:
            raise section.error("methods", f"has the unknown metric {each!r}; known are {', '.join(known)}")
    return tuple(metric for metric in known if metric in chosen)


def _predictor(fields: Fields, dataset_type: str, model_name: str) -> PredictorConfig:
    content_type = fields.choice("content_type", MODEL_TYPES)
    accept_type = fields.choice("accept_type", MODEL_TYPES)
    named, endpoint_name = fields.text("model_name"), fields.text("endpoint_name") or ""
    if named and endpoint_name:
        raise fields.error("endpoint_name", "contradicts model_name: name one of them")
    fields.refuse("time_series_predictor_config", OTHER_DATA)
    fields.ignore("instance_type", "initial_instance_count", "accelerator_type", "endpoint_name_prefix")
    sent = content_type or (CSV if dataset_type == PARQUET else dataset_type)
    predictor = PredictorConfig(
        model_name="" if endpoint_name else named or model_name,
        endpoint_name=endpoint_name,
        content_type=sent,
        accept_type=accept_type or sent,
        label=fields.name_or_index("label"),
        probability=fields.name_or_index("probability"),
        label_headers=fields.values("label_headers"),
        content_template=fields.text("content_template") or (DENSE_TEMPLATE if sent == JSON_LINES else ""),
        record_template=fields.text("record_template") or "",
        custom_attributes=fields.text("custom_attributes") or "",
        target_model=fields.text("target_model") or "",
    )
    fields.finish()
    if not predictor.model_name and not endpoint_name:
        raise fields.error("model_name", "is missing: name a model or an endpoint")
    if sent == JSON_LINES and "$features" not in predictor.content_template:
        raise fields.error("content_template", f"must hold the placeholder $features where {sent} is sent")
    if sent == JSON and not ("$record" in predictor.content_template and predictor.record_template):
        raise fields.error(
            "content_template", "must hold $records or $record, and record_template the record, where JSON is sent"
        )
    return predictor


def _shap(fields: Fields) -> ShapConfig:
    baseline = fields.anything("baseline")
    if not isinstance(baseline, str | list | dict | None) or baseline == []:
        raise fields.error("baseline", f"must be rows or the S3 URI of a file of rows, not {baseline!r:.80}")
    fields.refuse("text_config", OTHER_DATA)
    fields.refuse("image_config", OTHER_DATA)
    shap = ShapConfig(
        baseline=baseline,
        num_clusters=fields.integer("num_clusters", 1),
        num_samples=fields.integer("num_samples", 1),
        agg_method=fields.choice("agg_method", AGGREGATIONS) or AGGREGATIONS[0],
        use_logit=fields.boolean("use_logit", False),
        save_local_shap_values=fields.boolean("save_local_shap_values", False),
        seed=fields.integer("seed", 0),
        features_to_explain=fields.names("features_to_explain"),
    )
    fields.finish()
    if baseline is not None and shap.num_clusters is not None:
        raise fields.error("num_clusters", "contradicts baseline: name one of them")
    return shap


def _pdp(fields: Fields) -> PdpConfig:
    resolution, top = fields.integer("grid_resolution", 1), fields.integer("top_k_features", 1)
    pdp = PdpConfig(fields.names("features"), resolution or 15, top or 10)
    fields.finish()
    return pdp


def _report(fields: Fields) -> ReportConfig:
    report = ReportConfig(fields.text("name") or "report", fields.text("title") or "SageMaker Analysis Report")
    fields.finish()
    if Path(report.name).name != report.name:
        raise fields.error("name", f"must be a file's name, not {report.name!r}")
    return report
