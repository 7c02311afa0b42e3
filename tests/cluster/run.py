"""A run: the installation is set up and loaded, each fault happens to it, and what is left is checked."""

import time

import checks
import kept as keeping
import load
import report
from cluster import Stuck, wait_until
from journal import Journal
from logs import Logs

# How long the load goes on at least after a fault, and after all is well again.
_AFTER_FAULT_SECONDS = 8
_AFTER_RECOVERY_SECONDS = 3

# How long imports may take to settle once nothing more is sent.
_SETTLING_SECONDS = 60


class Run:
    """All of it, once. `devices` are those that are sent."""

    def __init__(self, cluster, devices, faults):
        self._began = time.monotonic()
        self._cluster = cluster
        self._devices = devices
        self._faults = faults
        self._names = [server.name for server in cluster.servers]
        self._journal = Journal()
        self._phases = []
        # One of the setting up, one of each phase, one of what comes after.
        self._logs = []

    def passes(self):
        """Whether all went as it must. What did not is printed, with what the daemons said then."""
        try:
            return self._passes()
        except Stuck as stuck:
            self._say(f"STUCK: {stuck}")
            print(self._logs[-1].text())
            return False

    def _passes(self):
        self._next("setting up")
        self._cluster.start()
        self._break()
        self._next("the load has ended; waiting for every import to settle")
        wait_until("every import is settled", self._is_settled, _SETTLING_SECONDS)
        self._say("checking")
        kept = keeping.read(self._cluster.servers[0], self._cluster.tokens, self._cluster.query)
        passed = self._report(kept)
        self._say("passed" if passed else "FAILED")
        return passed

    def _break(self):
        """Loads it, and lets one fault after the other happen."""
        supply = load.Supply(self._devices)
        writers = load.writers(self._journal, self._cluster.servers, self._cluster.tokens, supply)
        for writer in writers:
            writer.start()
        try:
            for fault in self._faults:
                self._next(f"fault: {fault.name}")
                self._phases.append(self._phase(fault))
        finally:
            for writer in writers:
                writer.end()
        for writer in writers:
            writer.join()

    def _phase(self, fault):
        """Lets a fault happen and waits until all is well again."""
        began = time.monotonic()
        fault.happen(self._cluster)
        time.sleep(_AFTER_FAULT_SECONDS)
        wait_until("everything is whole again", self._cluster.is_whole)
        whole = time.monotonic()
        wait_until(
            "every server serves", lambda: self._journal.has_been_served_since(self._names, whole)
        )
        time.sleep(_AFTER_RECOVERY_SECONDS)
        return checks.Phase(fault.name, fault.limit_seconds, began, time.monotonic())

    def _is_settled(self):
        return keeping.unsettled(self._cluster.servers[0], self._cluster.tokens) == 0

    def _report(self, kept):
        """Prints what came of it, and says whether it is as it must be."""
        sent, surprises = self._journal.sent(), self._journal.surprises()
        # What was on its way when the last phase ended belongs to it.
        last = max([self._phases[-1].ended, *(one.at + 1e-6 for one in [*sent, *surprises])])
        self._phases[-1] = self._phases[-1]._replace(ended=last)
        verdicts = checks.verdicts(self._phases, self._names, sent, kept)
        findings = checks.findings(sent, surprises, kept, self._began)
        print(report.text(verdicts, sent, kept, findings))
        wrong = [one for one in verdicts if _went_wrong(one, surprises)]
        if not wrong and not findings:
            return True
        for verdict, logs in zip(verdicts, self._logs[1:]):
            # Where no fault is known to have done it any may have.
            if not wrong or verdict in wrong:
                print(f"\n=== {verdict.phase.fault}\n{logs.text()}")
        return False

    def _next(self, what):
        """What is said from here on belongs to this."""
        if self._logs:
            self._logs[-1].end()
        self._logs.append(Logs(self._cluster.daemons()))
        self._say(what)

    def _say(self, what):
        print(f"[{time.monotonic() - self._began:5.0f} s] {what}", flush=True)


def _went_wrong(verdict, surprises):
    phase = verdict.phase
    surprised = any(phase.began <= one.at < phase.ended for one in surprises)
    return surprised or not report.is_kept(verdict)
