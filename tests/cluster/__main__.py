"""Whether Hangar over a PostgreSQL that fails over loses nothing, does nothing twice and comes back by
itself: sets an installation up on this machine's loopback, loads it, breaks it in turn, and checks.

    python3 tests/cluster --program target/release/hangar
"""

import argparse
import pathlib
import signal
import sys
import time

import checks
import kept as keeping
import load
from cluster import Cluster, Stuck, wait_until
from faults import FAULTS
from hangar import devices
from journal import Journal
from places import Places
from report import is_kept, table

# More than the writers get through, so that only time bounds them.
_DEVICES = 40_000

# How long the load goes on at least after a fault, and after all is well again.
_AFTER_FAULT_SECONDS = 8
_AFTER_RECOVERY_SECONDS = 3

# What ends a run before its time.
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# How long imports may take to settle once nothing more is sent.
_SETTLING_SECONDS = 60


def main():
    arguments = _arguments()
    # All ends in order, whoever ends it.
    for number in _ENDING:
        signal.signal(number, _interrupt)
    began = time.monotonic()
    with Places(arguments.keep) as places:
        cluster = Cluster(places, places.take(arguments.program))
        try:
            return _run(cluster, places, arguments, began)
        except Stuck as stuck:
            print(f"STUCK: {stuck}", file=sys.stderr)
            for daemon in cluster.daemons():
                print(f"--- {daemon.name}\n{daemon.last_lines()}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return 130
        finally:
            # Nobody's second thoughts leave anything running.
            for number in _ENDING:
                signal.signal(number, signal.SIG_IGN)
            cluster.stop()


def _arguments():
    parser = argparse.ArgumentParser(prog="tests/cluster", description=__doc__.split("\n\n")[0])
    parser.add_argument("--program", type=pathlib.Path, required=True, help="the program hangar")
    parser.add_argument("--keep", action="store_true", help="keep the directory, with all logs")
    parser.add_argument(
        "--fault",
        action="append",
        choices=[fault.name for fault in FAULTS],
        help="only this fault; may be given more than once",
    )
    return parser.parse_args()


def _interrupt(*_):
    raise KeyboardInterrupt


def _run(cluster, places, arguments, began):
    _say(began, f"setting up in {places.root}")
    cluster.start()
    program = places.root / arguments.program.name
    supply = load.Supply(devices(program, places, seed=1, count=_DEVICES))
    journal = Journal()
    writers = load.writers(journal, cluster.servers, cluster.tokens, supply)
    for writer in writers:
        writer.start()
    names = [server.name for server in cluster.servers]
    phases = []
    try:
        for fault in FAULTS:
            if not arguments.fault or fault.name in arguments.fault:
                _say(began, f"fault: {fault.name}")
                phases.append(_phase(fault, cluster, journal, names))
    finally:
        for writer in writers:
            writer.end()
    for writer in writers:
        writer.join()
    _say(began, "the load has ended; waiting for every import to settle")
    settled = _settle(cluster)
    _say(began, "checking")
    kept = keeping.read(cluster.servers[0], cluster.tokens, cluster.query)
    is_good = _report(phases, names, journal, kept, settled)
    _say(began, "passed" if is_good else "FAILED")
    return 0 if is_good else 1


def _phase(fault, cluster, journal, names):
    """Lets a fault happen and waits until all is well again."""
    began = time.monotonic()
    fault.happen(cluster)
    time.sleep(_AFTER_FAULT_SECONDS)
    wait_until("everything is whole again", cluster.is_whole)
    whole = time.monotonic()
    wait_until("every server serves", lambda: journal.has_been_served_since(names, whole))
    time.sleep(_AFTER_RECOVERY_SECONDS)
    return checks.Phase(fault.name, fault.limit_seconds, began, time.monotonic())


def _settle(cluster):
    """Whether nothing waits any more."""
    try:
        wait_until(
            "every import is settled",
            lambda: keeping.unsettled(cluster.servers[0], cluster.tokens) == 0,
            _SETTLING_SECONDS,
        )
    except Stuck:
        return False
    return True


def _report(phases, names, journal, kept, settled):
    """Prints what came of it, and says whether it is as it must be."""
    sent = journal.sent()
    # What was on its way when the last phase ended belongs to it.
    phases[-1] = phases[-1]._replace(ended=max(phases[-1].ended, *(one.at + 1e-6 for one in sent)))
    verdicts = checks.verdicts(phases, names, sent, kept)
    print(f"\n{table(verdicts)}\n")
    outcomes = [f"{sum(one.outcome is kind for one in sent)} {kind.value}" for kind in load.Outcome]
    print(f"sent {len(sent)} devices: {', '.join(outcomes)}")
    print(f"kept {len(kept.imports)} imports and {len(kept.devices)} devices")
    findings = [
        *(f"lost: {_in_words(one)}" for one in checks.lost(sent, kept)),
        *(f"doubled: {_in_words(one)}" for one in checks.doubled(sent, kept)),
        *checks.torn(sent, kept),
        *checks.registered_twice(kept),
        *checks.unsettled(kept),
        *checks.contradictions(sent, kept),
        *(f"{one.server} answered {one.what}" for one in journal.surprises()),
    ]
    for finding in findings[:50]:
        print(f"FINDING: {finding}")
    if len(findings) > 50:
        print(f"and {len(findings) - 50} more")
    return settled and not findings and all(map(is_kept, verdicts))


def _in_words(one):
    call = f", in call {one.call}" if one.call else ""
    return (
        f"import {one.import_id} of {one.serial} for {one.tenant}{call}, "
        f"{one.outcome.value} by {one.server} {time.monotonic() - one.at:.1f} s ago"
    )


def _say(began, what):
    print(f"[{time.monotonic() - began:5.0f} s] {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
