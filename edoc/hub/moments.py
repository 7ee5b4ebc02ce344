"""Times as the hub's lists show them: in Vietnam's zone, to the second."""

from datetime import datetime

from edoc.core.zone import VIETNAM


def show_moment(moment: datetime) -> str:
    """Write a time as `yyyy/MM/dd HH:mm:ss`."""
    return f"{moment.astimezone(VIETNAM):%Y/%m/%d %H:%M:%S}"


def show_time(text: str) -> str:
    """Write a time of the tables in the same way."""
    return show_moment(datetime.fromisoformat(text))
