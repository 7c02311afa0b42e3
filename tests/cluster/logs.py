"""What the daemons said while something lasted: printed where it did not go as it must."""

# The last of each daemon, so wide that nothing that matters is cut.
_LINES = 100
_WIDTH = 240


class Logs:
    """The logs of these daemons from now on, until `end`."""

    def __init__(self, daemons):
        self._began = {daemon: daemon.log_bytes() for daemon in daemons}
        self._ended = {}

    def end(self):
        self._ended = {daemon: daemon.log_bytes() for daemon in self._began}

    def text(self):
        """What each of them said meanwhile, if anything."""
        parts = []
        for daemon, began in self._began.items():
            said = daemon.said(began, self._ended.get(daemon)).splitlines()
            if said:
                parts += [f"--- {daemon.name}", *(line[:_WIDTH] for line in said[-_LINES:])]
        return "\n".join(parts)
