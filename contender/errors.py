"""The errors a user of Contender meets: one line each, naming what failed, on which thing, and what to do.

ContenderError
    SettingsError       contender.yaml, a flag or an environment variable is wrong
    NamingError         a project, dimension or key that cannot be a name
    NotFoundError       a thing that was asked for does not exist
    DeploymentError     a stack, a pipeline or an endpoint could not be changed
    DataError           a file of rows that cannot be used
    LaptopError         the local AWS could not start, stop or answer
"""


class ContenderError(Exception):
    """An error whose message is meant for the user: the CLI prints it as one line and exits with 1."""


class SettingsError(ContenderError):
    """contender.yaml, a flag or an environment variable holds something that cannot be used."""


class NamingError(ContenderError):
    """A project, dimension or object key breaks the rules of names."""


class NotFoundError(ContenderError):
    """Something named by the user does not exist."""


class DeploymentError(ContenderError):
    """A stack, a pipeline or an endpoint could not be changed as meant."""


class DataError(ContenderError):
    """A file of rows cannot be used."""


class LaptopError(ContenderError):
    """AWS on this machine could not start, stop or answer."""
