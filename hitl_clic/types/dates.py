"""Dates as text: ISO 8601 in UTC, as files store them, and in the reader's own time zone, as people see them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc_text(unix_ns: int) -> str:
    """A wall clock's time as a file stores it, for example "2026-11-28T17:45:29.123456+00:00".

    Args:
        unix_ns: `time.time_ns()`, ns since 1970.
    """
    return (_EPOCH + timedelta(microseconds=unix_ns // 1000)).isoformat(timespec="microseconds")


def shown(date: str) -> str:
    """A stored date in this machine's time zone, with its offset from UTC; empty if there is no date.

    Raises:
        ValueError: not a date with a time zone.
    """
    if not date:
        return ""
    read = datetime.fromisoformat(date)
    if read.tzinfo is None:
        raise ValueError(f"date {date} has no time zone")
    return read.astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
