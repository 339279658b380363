"""`contender <noun> <verb>`: data on stdout, the rest on stderr; exit 0 done, 1 refused or failed, 2 usage."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from contender import __version__
from contender.cli.extras import advice, extra_of
from contender.cli.output import note
from contender.cli.whose_aws import find_credentials, use_laptop_if_alone
from contender.errors import ContenderError

NOUNS = {
    "local": "AWS on this machine: up, down, status, env, reset, builds, build.",
    "deploy": "Deploy the CloudFormation stacks.",
    "destroy": "Remove what the project made; keep its data, or not.",
    "pipeline": "The pipeline: show, check, diff, upsert, history, rollback, start, list, watch, stop, retry.",
    "data": "Training data: sample, upload.",
    "models": "The registry: list, show, compare, record, approve, reject.",
    "endpoint": "A dimension's endpoint: show, invoke.",
    "rollout": "Rollouts: status, history, replay, start, pause, resume, approve, promote, rollback.",
    "experiment": "Experiments: simulate, plan, replay.",
    "monitoring": "Monitoring of what serves: status, run, truth.",
    "batch": "Scoring of whole files: score.",
    "inference": "Files to predictions: upload, status, results, retry.",
    "studio": "The web page: pipelines, models, endpoints, rollouts, experiments.",
    "cost": "What this configuration costs per month on AWS.",
    "logs": "Logs of jobs and Lambdas.",
    "demo": "The whole story on this machine: upload, train, serve, challenge.",
    "doctor": "Check that this machine and this project have what they need.",
}

WITHOUT_AWS = ("local", "demo")
"""Nouns that bring their own laptop."""


class LazyGroup(click.Group):
    """Imports a noun's module only when it is used: `contender local env` does not wait for pandas."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(NOUNS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in NOUNS:
            return None
        command: click.Command = importlib.import_module(f"contender.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(NOUNS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="contender")
def contender() -> None:
    """Champion/challenger MLOps on Amazon SageMaker."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; a known error is one line on stderr and exit code 1."""
    words = sys.argv[1:] if argv is None else argv
    try:
        if words[:1] and words[0] in NOUNS and words[0] not in WITHOUT_AWS:
            use_laptop_if_alone(os.environ, find_credentials)
        code = contender.main(args=argv, prog_name="contender", standalone_mode=False)
    except click.exceptions.Exit as exit_:
        code = exit_.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.Abort:
        note("stopped")
        code = 130
    except ContenderError as error:
        note(f"error: {error}")
        code = 1
    except (NoCredentialsError, NoRegionError) as error:
        note(f'error: {str(error).rstrip(".")}; for the laptop run: eval "$(contender local env)"')
        code = 1
    except (ClientError, BotoCoreError) as error:
        note(f"error: AWS refused: {error}")
        code = 1
    except ModuleNotFoundError as error:
        extra = extra_of(error.name)
        if extra is None:
            raise
        note(f"error: this needs {error.name}: {advice(extra)}")
        code = 1
    except BrokenPipeError:
        code = 0
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
