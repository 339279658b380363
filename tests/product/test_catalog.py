"""What `contender deploy catalog` puts where Service Catalog and CloudFormation find it."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from contender.catalog import catalog_assets
from contender.errors import DeploymentError
from contender.source_code import source_key, source_zip
from tests.conftest import REPOSITORY

DELIVERY = """
Parameters: {Project: {Type: String}}
Resources: {Topic: {Type: AWS::SNS::Topic}}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one file that git knows and one that it does not."""
    root = tmp_path / "checkout"
    root.mkdir()
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    (root / "contender.yaml").write_text("project: contender\n")
    (root / "notes.txt").write_text("mine alone\n")
    subprocess.run(["git", "-C", str(root), "add", "contender.yaml"], check=True)
    return root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(REPOSITORY / "infra" / "project.yaml", tmp_path)
    (tmp_path / "delivery.yaml").write_text(DELIVERY)
    return tmp_path


def test_the_product_asks_its_users_for_no_more_than_studio_knows(folder: Path, checkout: Path) -> None:
    product, delivery, source = catalog_assets(folder, checkout, "the-bucket")
    parameters = json.loads(product.body)["Parameters"]
    asked_for = {name for name, parameter in parameters.items() if "Default" not in parameter}
    assert asked_for == {"SageMakerProjectName", "SageMakerProjectId"}
    assert parameters["CodeBucket"]["Default"] == "the-bucket"
    assert parameters["SourceKey"]["Default"] == source.key
    assert parameters["DeliveryTemplateKey"]["Default"] == delivery.key
    assert delivery.body.decode() == DELIVERY


def test_new_source_makes_a_new_product(folder: Path, checkout: Path) -> None:
    before = catalog_assets(folder, checkout, "the-bucket")
    assert catalog_assets(folder, checkout, "the-bucket") == before
    (checkout / "contender.yaml").write_text("project: other\n")
    after = catalog_assets(folder, checkout, "the-bucket")
    assert [one.key == other.key for one, other in zip(before, after, strict=True)] == [False, True, False]


def test_new_projects_begin_with_what_git_keeps(checkout: Path) -> None:
    body = source_zip(checkout)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.namelist() == ["contender.yaml"]
    assert source_key(body).startswith("source/")


def test_a_folder_that_is_no_repository_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match="is no git repository: deploy the catalog from a checkout"):
        source_zip(tmp_path)
