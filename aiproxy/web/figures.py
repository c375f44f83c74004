"""Numbers as people read them: short, with their unit, the same on every page."""

from __future__ import annotations

from datetime import datetime, timezone

NOTHING = (
    "\u2013"  # stands where a figure is unknown; never a zero that was not counted
)


def count(number: float) -> str:
    """`12,345`: exact, for tables."""
    return f"{number:,.0f}"


def short(number: float) -> str:
    """`12.3k`: three digits at most, for tiles and axes."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit * 0.9995:
            return _three_digits(number / limit) + unit
    return _three_digits(number)


def _three_digits(number: float) -> str:
    decimals = 0 if number >= 99.95 else 1 if number >= 9.995 else 2
    text = f"{number:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(milliseconds: float | None) -> str:
    """`850 ms`, `1.2 s`, `2 min 5 s`."""
    if milliseconds is None:
        return NOTHING
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    return span(round(seconds))


def span(seconds: int) -> str:
    """`45 s`, `2 min 5 s`, `3 h 4 min`, `5 d 3 h`: the two largest units."""
    parts: list[str] = []
    rest = seconds
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        number, rest = divmod(rest, size)
        if number or (unit == "s" and not parts):
            parts.append(f"{number} {unit}")
        elif parts:
            break
        if len(parts) == 2:
            break
    return " ".join(parts)


def share(part: float, whole: float) -> str:
    """`1.7 %`; never 0 % for something, never 100 % for less than all."""
    if not whole:
        return NOTHING
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f}".replace(".0", "") + " %"


def size(byte_count: int) -> str:
    """`512 bytes`, `8.3 MB`: decimal units, as file managers show them."""
    if byte_count < 1000:
        return plural(byte_count, "byte")
    for limit, unit in ((1e9, "GB"), (1e6, "MB")):
        if byte_count >= limit * 0.9995:
            return f"{_three_digits(byte_count / limit)} {unit}"
    return f"{_three_digits(byte_count / 1e3)} kB"


def plural(number: int, noun: str, nouns: str = "") -> str:
    """`1 request`, `2 requests`."""
    return f"{count(number)} {noun if number == 1 else nouns or noun + 's'}"


def ago(seconds: int) -> str:
    """`just now`, `3 min ago`: one unit, for what changes while it is read."""
    if seconds < 10:
        return "just now"
    number, unit = span(seconds).split(" ")[:2]
    return f"{number} {unit} ago"


def utc(seconds: float, pattern: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A point in time in UTC; pages show it in `<time>`, the script makes it local."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime(pattern)
