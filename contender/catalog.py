"""What the catalog's product needs in the code bucket: its template, the delivery's, and the source.

Service Catalog loads the product's template from the bucket, and shows its users every parameter without a default: so
the places of the other two are written into it.
"""

from __future__ import annotations

import json
from pathlib import Path

from contender.deployment import Asset
from contender.source_code import source_key, source_zip
from contender.templates import Template, read

PRODUCT, DELIVERY = "project.yaml", "delivery.yaml"


def catalog_assets(folder: Path, root: Path, bucket: str) -> tuple[Asset, ...]:
    """The product's template with its defaults, the delivery's template, and the source under `root`."""
    source, delivery = source_zip(root), read(folder / DELIVERY)
    places = {"CodeBucket": bucket, "SourceKey": source_key(source), "DeliveryTemplateKey": delivery.key}
    product = with_defaults(read(folder / PRODUCT), places)
    return (
        Asset("ProductTemplateKey", product.key, product.body.encode()),
        Asset("DeliveryTemplateKey", delivery.key, delivery.body.encode()),
        Asset("SourceKey", places["SourceKey"], source),
    )


def with_defaults(template: Template, values: dict[str, str]) -> Template:
    """The template, as JSON, with these parameters' defaults."""
    document = dict(template.document)
    declared = document["Parameters"]
    document["Parameters"] = declared | {name: {**declared[name], "Default": value} for name, value in values.items()}
    return Template(template.path.with_suffix(".json"), json.dumps(document, indent=2))
