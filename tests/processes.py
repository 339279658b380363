"""How several processes share the tests (`make test`): all of a file goes to one of them."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

TOGETHER = ("tests/local/cli/", "tests/studio/browser/")
"""Folders whose tests build on those of other files, or share a long story: one process has to run them all."""


class ByFile(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)
