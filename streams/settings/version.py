"""Which Vigil this is."""

from importlib.metadata import PackageNotFoundError, version


def installed_version() -> str:
    """The version that is installed; `0+source` where the source runs without being installed."""
    try:
        return version("vigil")
    except PackageNotFoundError:
        return "0+source"
