"""A CloudFormation template: what it declares, what of it outlives its stack, and how much of it can be sent.

The short forms of CloudFormation's functions (`!Sub`, `!Ref`…) are read as their long ones, so that a part of a
template can be sent as JSON.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from contender.errors import DeploymentError

INLINE_BYTES = 51_200
"""The most that a request to CloudFormation holds; a template in S3 may have 1,000,000."""

_NAMED_BY = {"AWS::S3::Bucket": "BucketName", "AWS::DynamoDB::Table": "TableName"}
"""The types that hold a project's data, and the property that names one."""

_REFUSED_TWICE = ("SSESpecification", "TimeToLiveSpecification")
"""What DynamoDB refuses to be told of a table that is so already."""

_ESSENTIAL = (*_NAMED_BY.values(), "AttributeDefinitions", "KeySchema", "BillingMode", *_REFUSED_TWICE)


@dataclass(frozen=True, slots=True)
class Kept:
    """A bucket or table that stays when its stack is deleted."""

    logical_id: str
    type: str
    name: str

    @property
    def identifier(self) -> dict[str, str]:
        """What CloudFormation imports it by."""
        return {_NAMED_BY[self.type]: self.name}


@dataclass(frozen=True)
class Template:
    """The text of a template, and where it was read."""

    path: Path
    body: str

    @property
    def key(self) -> str:
        """Where the code bucket keeps it: named after its content."""
        return f"templates/{self.path.stem}-{hashlib.sha256(self.body.encode()).hexdigest()[:32]}{self.path.suffix}"

    @property
    def parameters(self) -> frozenset[str]:
        return frozenset(self.document.get("Parameters", {}))

    @property
    def compact(self) -> str:
        """The same without comments and white space: what a request may still hold."""
        return _json(self.document)

    @cached_property
    def document(self) -> Mapping[str, Any]:
        try:
            document = yaml.load(self.body, Loader=_LongForms)
        except yaml.YAMLError as error:
            raise DeploymentError(f"template {self.path} is not YAML: {' '.join(str(error).split())}") from error
        if not isinstance(document, dict) or "Resources" not in document:
            raise DeploymentError(f"template {self.path} has no Resources")
        return document

    def kept(self, values: Mapping[str, str]) -> tuple[Kept, ...]:
        """Buckets and tables with a deletion policy that keeps them; `values` are what their names are made of."""
        return tuple(self._kept(values))

    def functions(self, project: str) -> frozenset[str]:
        """Names of its Lambda functions in a project."""
        resources = self._resources.values()
        functions = (each["Properties"] for each in resources if each["Type"] == "AWS::Lambda::Function")
        named = (_text(function.get("FunctionName"), {"Project": project}) for function in functions)
        return frozenset(name for name in named if name is not None)

    def bare(self, logical_ids: frozenset[str]) -> str:
        """The template of these resources alone, with no more than they cannot be described without, or told again.

        Importing changes nothing: what they have beside is a change of the template that follows, and so is made.
        """
        resources = {}
        for name in sorted(logical_ids):
            whole = self.document["Resources"][name]
            essential = {key: value for key, value in whole["Properties"].items() if key in _ESSENTIAL}
            resources[name] = {**whole, "Properties": essential}
        rest = {part: self.document[part] for part in ("Parameters", "Conditions") if part in self.document}
        return _json({**rest, "Resources": resources})

    def with_names(self, kept: tuple[Kept, ...]) -> str:
        """The template with these resources' names as text: CloudFormation looks for no other when it plans."""
        resources = dict(self.document["Resources"])
        for each in kept:
            resource = resources[each.logical_id]
            resources[each.logical_id] = {**resource, "Properties": {**resource["Properties"], **each.identifier}}
        return _json({**self.document, "Resources": resources})

    @property
    def _resources(self) -> dict[str, Any]:
        """Those that are named one by one, without loops (`Fn::ForEach`)."""
        return {name: each for name, each in self.document["Resources"].items() if isinstance(each, dict)}

    def _kept(self, values: Mapping[str, str]) -> Iterator[Kept]:
        for logical_id, resource in self._resources.items():
            named_by = _NAMED_BY.get(resource["Type"])
            if named_by and str(resource.get("DeletionPolicy", "")).startswith("Retain"):
                name = _text(resource["Properties"].get(named_by), values)
                if name is not None:
                    yield Kept(logical_id, resource["Type"], name)


def read(path: Path) -> Template:
    try:
        return Template(path, path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeploymentError(f"template {path} cannot be read: {error.strerror}") from error


def read_all(folder: Path) -> tuple[Template, ...]:
    """Every template in a folder, by name."""
    return tuple(read(path) for path in sorted(folder.glob("*.yaml")))


def _text(value: Any, values: Mapping[str, str]) -> str | None:
    """A name made of `values`; None for one that CloudFormation chooses, or that holds something else."""
    if isinstance(value, Mapping):
        value = f"${{{value['Ref']}}}" if "Ref" in value else value.get("Fn::Sub")
    if not isinstance(value, str):
        return None
    for name, text in values.items():
        value = value.replace(f"${{{name}}}", text)
    return None if "${" in value else value


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))


class _LongForms(yaml.SafeLoader):
    """YAML with `!Name value` as {"Fn::Name": value}."""


def _long_form(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if name == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


_LongForms.add_multi_constructor("!", _long_form)
