"""contender.yaml as frozen, checked settings.

    flag  >  environment  >  file  >  default          resolved once, by `load`

An environment variable names a setting by its path, and its value is read as YAML: `CONTENDER_TRAINING_ROUNDS=50` is
the file's `training: {rounds: 50}`. Flags are those of the command that loads the settings.
A region that none of them names is AWS_REGION's or AWS_DEFAULT_REGION's.
What the file may hold is what the classes in sections/ hold; a key they do not know is refused, with the nearest one
named.
"""

from contender.config.loading import FILE, load, load_project
from contender.config.sections import Settings

__all__ = ["FILE", "Settings", "load", "load_project"]
