"""`contender data`: make sample data, upload data to train on."""

from __future__ import annotations

from pathlib import Path

import click

from contender.aws import Connect, client
from contender.cli.output import dry_run_option, emit_rows, json_option, progress
from contender.config import load
from contender.errors import DataError
from contender.naming import Names, object_key
from contender.stack import stack_outputs


@click.group()
def command() -> None:
    """Training data: make some, upload some."""


@command.command(short_help="Write telecom customers who stay or leave.")
@click.option("--dimensions", type=click.IntRange(1, 1000), default=3, show_default=True, help="How many dimensions.")
@click.option("--rows", type=click.IntRange(min=1), default=5000, show_default=True, help="Rows of each.")
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True, help="Another one, another upload.")
@click.option(
    "--drift", type=click.FloatRange(0, 1), default=0.0, show_default=True, help="How far reasons to churn have moved."
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to write to.")
@json_option
def sample(dimensions: int, rows: int, seed: int, drift: float, out: Path, as_json: bool) -> None:
    """Write telecom customers who stay or leave, as OUT/<dimension>/churn-<seed>.csv.

    The same arguments give the same files. Files of one dimension with different seeds share about half of their
    customers, as two uploads of one business do.
    """
    from contender import sample_data  # numpy: only who makes data needs it

    names = sample_data.dimension_names(dimensions)
    made = []
    with progress() as bar:
        task = bar.add_task("writing", total=len(names))
        for name in names:
            (path,) = sample_data.write(out, [name], rows, seed, drift)
            made.append({"dimension": name, "rows": rows, "file": str(path)})
            bar.advance(task)
    emit_rows(made, ("dimension", "rows", "file"), as_json=as_json)


@command.command(short_help="Upload files; each starts a training.")
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--dimension", help="The file's dimension; by default the name of its folder.")
@dry_run_option
@json_option
@click.pass_obj
def upload(obj: Connect | None, source: Path, dimension: str | None, dry_run: bool, as_json: bool) -> None:
    """Upload SOURCE, a file or a folder of <dimension>/*.csv; each file starts a training of its dimension."""
    settings, connect = load(), obj or client
    files = find_files(source, dimension)
    bucket = stack_outputs(connect("cloudformation", settings.region), Names(settings.project).stack("core"))[
        "DataBucket"
    ]
    keys = [object_key(settings.data.prefix, name, path.name) for name, path in files]
    rows = [
        {"dimension": name, "file": str(path), "uri": f"s3://{bucket}/{key}"}
        for (name, path), key in zip(files, keys, strict=True)
    ]
    if not dry_run:
        s3 = connect("s3", settings.region)
        with progress() as bar:
            task = bar.add_task("uploading", total=len(files))
            for (name, path), key in zip(files, keys, strict=True):
                bar.update(task, description=f"uploading {name}")
                s3.upload_file(str(path), bucket, key)
                bar.advance(task)
    emit_rows(rows, ("dimension", "file", "uri"), as_json=as_json)


def find_files(source: Path, dimension: str | None) -> list[tuple[str, Path]]:
    """Dimension and path of every CSV file meant. DataError if there is none."""
    if source.is_file():
        return [(dimension or source.resolve().parent.name, source)]
    if dimension:
        found = [(dimension, path) for path in sorted(source.glob("*.csv"))]
    else:
        found = [(path.parent.name, path) for path in sorted(source.glob("*/*.csv"))]
    if not found:
        shape = "*.csv" if dimension else "<dimension>/*.csv"
        raise DataError(f"{source} holds no {shape}: nothing to upload")
    return found
