"""The load: writers that send devices to one Hangar process each, through whatever happens to it, and
write down what they were told. How much they send is bounded, in number and in time.
"""

import concurrent.futures
import http.client
import itertools
import json
import threading
import time
import uuid

from journal import Outcome, Sent, Surprise
from ports import HOST

# How long a writer waits for an answer. Hangar waits for a commit as long as it takes.
_PATIENCE_SECONDS = 10
# How long it waits after one that tells nothing.
_PAUSE_SECONDS = 0.3

_COLLECTION = "/beta/deviceManagement/importedWindowsAutopilotDeviceIdentities"


class Answer:
    """A status and a body, or no answer: status 0 and the reason."""

    def __init__(self, status, body):
        self.status = status
        self.body = body

    @property
    def tells_nothing(self):
        return self.status in (0, 503)


class Connection:
    """A client's connection to one server, made again when it is lost."""

    def __init__(self, server, token):
        self.server = server
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
        }
        self._connection = http.client.HTTPConnection(
            HOST, server.port, timeout=_PATIENCE_SECONDS
        )

    def ask(self, method, path, body=None):
        """What is answered. Never sent twice: an answer that is lost is the caller's to judge."""
        try:
            self._connection.request(
                method, path, None if body is None else json.dumps(body), self._headers
            )
            answer = self._connection.getresponse()
            return Answer(answer.status, answer.read())
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return Answer(0, repr(error).encode())


class Writer:
    """Sends again and again in a thread of its own. A kind of writer says what one turn is."""

    # How often it sends at most.
    interval_seconds = 0.1

    def __init__(self, journal, connection, tenant, supply):
        self._journal = journal
        self._connection = connection
        self._tenant = tenant
        self._supply = supply
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()

    def end(self):
        """Asks it to end after what it is at."""
        self._ending.set()

    def join(self):
        self._thread.join()

    def turn(self):
        raise NotImplementedError

    def _run(self):
        while not self._ending.is_set():
            began = time.monotonic()
            try:
                self.turn()
            except StopIteration:
                # As many as were to be sent have been.
                return
            except Exception as error:
                # An answer that can't be read is as bad as a wrong one, and must not end the load.
                self._wonder(f"what a writer stumbles over: {error!r}")
            rest = self.interval_seconds - (time.monotonic() - began)
            self._ending.wait(max(rest, 0))

    def _post(self, path, body, expected):
        """The answer; one that is neither expected nor tells nothing is a surprise."""
        answer = self._connection.ask("POST", path, body)
        if answer.status not in expected and not answer.tells_nothing:
            text = answer.body.decode(errors="replace")
            self._wonder(f"{answer.status} to POST {path}: {text[:300]}")
        return answer

    def _wonder(self, what):
        self._journal.wonder(Surprise(self._connection.server.name, time.monotonic(), what))

    def _write(self, serials, ids, outcome, call=None):
        now, server = time.monotonic(), self._connection.server.name
        self._journal.write(
            Sent(self._tenant, serial, import_id, call, outcome, server, now)
            for serial, import_id in zip(serials, ids)
        )

    def _until_known(self, path, body, accepted):
        """Sends what has ids of its own until the outcome is known, or it is to end."""
        # A first attempt has nothing to be found of it.
        expected = {accepted}
        while True:
            answer = self._post(path, body, expected)
            if answer.status == accepted:
                return Outcome.ACKNOWLEDGED
            if answer.status == 409 and 409 in expected:
                return Outcome.FOUND
            expected.add(409)
            if not answer.tells_nothing or self._ending.wait(_PAUSE_SECONDS):
                return Outcome.UNKNOWN


class SingleWriter(Writer):
    """A POST a device. The server makes the id, so that what may have been done is not sent again."""

    def turn(self):
        device = next(self._supply)
        answer = self._post(_COLLECTION, device, {201})
        if answer.status == 201:
            ids, outcome = [json.loads(answer.body)["id"]], Outcome.ACKNOWLEDGED
        else:
            ids, outcome = [None], Outcome.UNKNOWN
        self._write([device["serialNumber"]], ids, outcome)
        if outcome is Outcome.UNKNOWN:
            self._ending.wait(_PAUSE_SECONDS)


class RepeatingWriter(Writer):
    """A POST a device, with an id of the client's, sent until it is known to be done."""

    def turn(self):
        self.send(next(self._supply))

    def send(self, device):
        device = {**device, "id": str(uuid.uuid4())}
        outcome = self._until_known(_COLLECTION, device, 201)
        self._write([device["serialNumber"]], [device["id"]], outcome)


class RivalWriter(RepeatingWriter):
    """The same devices for two tenants at one time, through two servers: one is to have each."""

    interval_seconds = 0.3

    def __init__(self, journal, connection, tenant, supply, rival):
        super().__init__(journal, connection, tenant, supply)
        self._rival = rival
        self._pool = concurrent.futures.ThreadPoolExecutor(max_workers=1)

    def end(self):
        super().end()
        self._rival.end()

    def turn(self):
        device = next(self._supply)
        sent = self._pool.submit(self._rival.send, device)
        self.send(device)
        sent.result()


class CallWriter(Writer):
    """`import` calls: all of a call's devices or none of them. Every other call has ids of the
    client's and is sent until it is known to be done.
    """

    interval_seconds = 0.5
    devices = 5

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._numbers = itertools.count()

    def turn(self):
        devices = [next(self._supply) for _ in range(self.devices)]
        call = uuid.uuid4()
        path = f"{_COLLECTION}/import"
        serials = [device["serialNumber"] for device in devices]
        if next(self._numbers) % 2:
            ids = [str(uuid.uuid4()) for _ in devices]
            devices = [{**device, "id": one} for device, one in zip(devices, ids)]
            outcome = self._until_known(path, self._body(devices), 200)
        else:
            answer = self._post(path, self._body(devices), {200})
            ids, outcome = [None] * len(devices), Outcome.UNKNOWN
            if answer.status == 200:
                kept = json.loads(answer.body)["value"]
                ids, outcome = [one["id"] for one in kept], Outcome.ACKNOWLEDGED
                if [one["serialNumber"] for one in kept] != serials:
                    self._wonder("an import call answers other devices than were sent")
        self._write(serials, ids, outcome, call)

    def _body(self, devices):
        return {"importedWindowsAutopilotDeviceIdentities": devices}


def writers(journal, servers, tokens, supply):
    """The writers for these servers, whose load is alike. `tokens` are those of two tenants."""
    (own, own_token), (other, other_token) = tokens.items()

    def connect(server, token=own_token):
        return Connection(server, token)

    made = []
    for server, neighbour in zip(servers, servers[1:] + servers[:1]):
        for kind in [SingleWriter, RepeatingWriter, CallWriter]:
            made.append(kind(journal, connect(server), own, supply))
        rival = RepeatingWriter(journal, connect(neighbour, other_token), other, supply)
        made.append(RivalWriter(journal, connect(server), own, supply, rival))
    return made


class Supply:
    """Devices that nobody has been given, to many threads, until there are no more."""

    def __init__(self, devices):
        self._lock = threading.Lock()
        self._devices = iter(devices)

    def __iter__(self):
        return self

    def __next__(self):
        with self._lock:
            return next(self._devices)
