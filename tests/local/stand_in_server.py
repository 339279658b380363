"""The least that the launcher asks of a SageMaker server: its arguments, its health, and children of its own."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Health(BaseHTTPRequestHandler):
    """Answers every path with the environment it was started with."""

    def do_GET(self) -> None:
        body = json.dumps(dict(os.environ)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path)
    for name in ("--port", "--runtime-port"):
        parser.add_argument(name, type=int)
    for name in ("--region", "--aws-url"):
        parser.add_argument(name)
    options = parser.parse_args()
    if (options.home / "refuse-to-start").exists():
        sys.exit("the database is from a newer version")
    # A child in a session of its own that ignores SIGTERM: the worst that `down` can meet.
    subprocess.Popen(
        [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"],
        start_new_session=True,
    )
    ThreadingHTTPServer(("127.0.0.1", options.port), Health).serve_forever()


if __name__ == "__main__":
    main()
