"""The table at the end, and whether every bound was kept."""

_HEADINGS = ["fault", "acknowledged", "lost", "doubled", "longest pause", "limit", ""]


def is_kept(verdict):
    """Whether this fault stayed within its bounds."""
    is_exact = not verdict.lost and not verdict.doubled
    return is_exact and verdict.pause_seconds <= verdict.phase.limit_seconds


def table(verdicts):
    """A line a fault, and one for all of them."""
    rows = [_HEADINGS]
    for verdict in verdicts:
        counts = [str(verdict.acknowledged), str(verdict.lost), str(verdict.doubled)]
        pause = f"{verdict.pause_seconds:.1f} s"
        limit = f"{verdict.phase.limit_seconds} s"
        judged = "kept" if is_kept(verdict) else "BROKEN"
        rows.append([verdict.phase.fault, *counts, pause, limit, judged])
    total = [str(sum(one[index] for one in verdicts)) for index in (1, 2, 3)]
    rows.append(["all", *total, "", "", ""])
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row, widths):
    # Names to the left, figures to the right, the verdict as it comes.
    name, *figures, judged = row
    columns = [name.ljust(widths[0])]
    columns += [figure.rjust(width) for figure, width in zip(figures, widths[1:])]
    return "  ".join([*columns, judged]).rstrip()
