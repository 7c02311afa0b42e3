"""What is printed at the end, and whether every bound was kept."""

from journal import Outcome

_HEADINGS = ["fault", "acknowledged", "lost", "doubled", "longest pause", "limit", ""]

# More than so many tell nothing new.
_FINDINGS = 50


def is_kept(verdict):
    """Whether this fault stayed within its bounds."""
    is_exact = not verdict.lost and not verdict.doubled
    return is_exact and verdict.pause_seconds <= verdict.phase.limit_seconds


def text(verdicts, sent, kept, findings):
    """All of it: the table, the sums, and what should not be."""
    outcomes = [f"{sum(one.outcome is kind for one in sent)} {kind.value}" for kind in Outcome]
    lines = [
        "",
        table(verdicts),
        "",
        f"sent {len(sent)} devices: {', '.join(outcomes)}",
        f"kept {len(kept.imports)} imports and {len(kept.devices)} devices",
        *(f"FINDING: {finding}" for finding in findings[:_FINDINGS]),
    ]
    if len(findings) > _FINDINGS:
        lines.append(f"and {len(findings) - _FINDINGS} more")
    return "\n".join(lines)


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
    longest = f"{max(one.pause_seconds for one in verdicts):.1f} s"
    rows.append(["all", *total, longest, "", ""])
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row, widths):
    # Names to the left, figures to the right, the verdict as it comes.
    name, *figures, judged = row
    columns = [name.ljust(widths[0])]
    columns += [figure.rjust(width) for figure, width in zip(figures, widths[1:])]
    return "  ".join([*columns, judged]).rstrip()
