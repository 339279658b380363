"""Parts of an object, also from a server that answers with the whole, as HTTP allows."""

from __future__ import annotations

import io
from typing import Any

from contender.scoring.source import Source, read


class Whole:
    """An S3 that knows no ranges."""

    def get_object(self, **request: Any) -> dict[str, Any]:
        assert request["Range"] == "bytes=2-4"
        return {"Body": io.BytesIO(b"0123456789")}


def test_of_the_whole_only_the_part_is_taken() -> None:
    assert read(Whole(), Source("bucket", "key"), 2, 5) == b"234"
