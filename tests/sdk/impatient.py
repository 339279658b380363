"""Runs one of the programs beside it, with the SDK's waiting cut short: it asks every 5 to 30 seconds how a job is.

python impatient.py program.py [argument …]
"""

import runpy
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from sagemaker.core import processing

HURRY = 100


def main() -> None:
    real = time.sleep
    time.sleep = lambda seconds: real(min(seconds, 0.1))
    # with logs it asks for the job's status at most every 30 s of the clock, whatever it slept
    processing.time = SimpleNamespace(time=lambda: time.time() * HURRY, sleep=time.sleep)
    sys.argv = sys.argv[1:]
    sys.path.insert(0, str(Path(sys.argv[0]).parent))
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
