"""What was sent, and what was answered: the load writes it, the checks read it."""

import collections
import enum
import threading


class Outcome(enum.Enum):
    """What is known of a request that may have been sent more than once, under one id."""

    # 201, or the answer of an `import` call.
    ACKNOWLEDGED = "acknowledged"
    # 409 for an id of our own: an earlier attempt did it, as nobody else has the id.
    FOUND = "found"
    # No answer, or a 503.
    UNKNOWN = "unknown"


# A device in a request. `import_id` is nothing where only an answer could have told it. `call` is the
# same for what was sent in one `import` call. `at` is when the outcome was known, by the monotonic
# clock; `server` is who said so.
Sent = collections.namedtuple("Sent", "tenant serial import_id call outcome server at")

# An answer that nobody should get.
Surprise = collections.namedtuple("Surprise", "server at what")


class Journal:
    """Written to by many threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self._sent = []
        self._surprises = []

    def write(self, sent):
        with self._lock:
            self._sent.extend(sent)

    def wonder(self, surprise):
        with self._lock:
            self._surprises.append(surprise)

    def sent(self):
        with self._lock:
            return list(self._sent)

    def surprises(self):
        with self._lock:
            return list(self._surprises)

    def has_been_served_since(self, servers, at):
        """Whether each of these servers has acknowledged something since."""
        with self._lock:
            served = {
                one.server
                for one in self._sent
                if one.at > at and one.outcome is Outcome.ACKNOWLEDGED
            }
        return served.issuperset(servers)
