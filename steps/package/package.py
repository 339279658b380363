"""Pack booster, encoder and serving code into the artifact that answers raw rows.

    model/model.tar.gz (the training job's) ┐
    encoder/encoder.json                    ├─► model.tar.gz: model.ubj · encoder.json · code/inference.py
    inference.py (beside this file)         ┘

Before it is written the artifact has to answer one row, so a broken one ends here and not on an endpoint. Identical
inputs give identical bytes. Needs numpy and xgboost.
"""

import argparse
import gzip
import importlib.util
import io
import json
import os
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

import xgboost
from last_words import fail

BOOSTER_NAMES = ("xgboost-model", "model.ubj", "model.json", "xgboost-model.ubj", "xgboost-model.json")


class BadArtifact(Exception):
    """The inputs make no working artifact; the message says why."""


def main(argv=None):
    options = parse_arguments(argv)
    try:
        summary = package(options)
    except BadArtifact as error:
        return fail(error, options.last_words)
    print(json.dumps(summary, sort_keys=True))
    return 0


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("/opt/ml/processing/input/model"))
    parser.add_argument("--encoder", type=Path, default=Path("/opt/ml/processing/input/encoder"))
    parser.add_argument("--code", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--artifact", type=Path, default=Path("/opt/ml/processing/output/artifact"))
    parser.add_argument("--last-words", type=Path, default=Path("/opt/ml/output"), help="for why the job failed")
    return parser.parse_args(argv)


def package(options):
    encoder = json.loads((options.encoder / "encoder.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(read_booster(options.model / "model.tar.gz"))
        if booster.num_features() > encoder["width"]:
            raise BadArtifact(
                f"the booster was trained on {booster.num_features()} columns but the encoder makes {encoder['width']}"
            )
        booster.save_model(root / "model.ubj")
        (root / "code").mkdir()
        shutil.copyfile(options.encoder / "encoder.json", root / "encoder.json")
        shutil.copyfile(options.code / "inference.py", root / "code" / "inference.py")
        try_one_row(root, encoder)
        options.artifact.mkdir(parents=True, exist_ok=True)
        archive = options.artifact / "model.tar.gz"
        pack(root, archive)
    return {"artifact": archive.name, "bytes": archive.stat().st_size, "trees": booster.num_boosted_rounds()}


def read_booster(archive):
    """The bytes of the only booster in a training job's model.tar.gz; nothing is unpacked to disk."""
    if not archive.is_file():
        raise BadArtifact(f"the training job left no {archive.name}")
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            if member.isfile() and os.path.basename(member.name) in BOOSTER_NAMES:
                return bytearray(tar.extractfile(member).read())
        names = ", ".join(member.name for member in tar.getmembers()) or "nothing"
    raise BadArtifact(f"no booster in the training job's {archive.name}: expected xgboost-model, found {names}")


def try_one_row(root, encoder):
    spec = importlib.util.spec_from_file_location("packaged_inference", root / "code" / "inference.py")
    module = importlib.util.module_from_spec(spec)
    wrote, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = wrote
    model = module.model_fn(str(root))
    blank = json.dumps([[None] * len(encoder["columns"])])
    answer, _ = module.output_fn(module.predict_fn(module.input_fn(blank, "application/json"), model), "text/csv")
    if not 0.0 <= float(answer) <= 1.0:
        raise BadArtifact(f"the model answers {answer.strip()!r} to a blank row, which is no probability")


def pack(root, archive):
    """A tar.gz whose bytes depend on the files only: fixed order, owner, mode and time."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(item for item in root.rglob("*") if item.is_file()):
            info = tarfile.TarInfo(path.relative_to(root).as_posix())
            info.size = path.stat().st_size
            info.mode = 0o644
            with path.open("rb") as file:
                tar.addfile(info, file)
    archive.write_bytes(gzip.compress(content.getvalue(), 6, mtime=0))


if __name__ == "__main__":
    sys.exit(main())
