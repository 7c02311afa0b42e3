"""What must be true after all that happened, held against what was sent and what is kept. Pure: the
unit tests beside it show with made-up logs that each check can fail.
"""

import collections

from journal import Outcome

# What a fault did, from when to when by the monotonic clock.
Phase = collections.namedtuple("Phase", "fault limit_seconds began ended")

# A line of the report.
Verdict = collections.namedtuple("Verdict", "phase acknowledged lost doubled pause_seconds")

_KNOWN = {Outcome.ACKNOWLEDGED, Outcome.FOUND}


def lost(sent, kept):
    """What was acknowledged and is not there by its id with its serial number, read either way."""
    read = {(row.tenant, row.id): row.serial for row in kept.imports}
    counted = {(row.tenant, row.id): row.serial for row in kept.imports_in_database}
    return [
        one
        for one in sent
        if one.outcome in _KNOWN
        and not all(
            where.get((one.tenant, one.import_id)) == one.serial for where in (read, counted)
        )
    ]


def doubled(sent, kept):
    """What is there more than once, or under another id than it has. A tenant is sent a serial number
    once, so that there is one import of it at most.
    """
    extra = set()
    for rows in (kept.imports, kept.imports_in_database):
        found = collections.defaultdict(list)
        for row in rows:
            found[row.tenant, row.serial].append(row.id)
        extra |= {
            (one.tenant, one.serial)
            for one in sent
            if len(found[one.tenant, one.serial]) > 1
            or (one.import_id and found[one.tenant, one.serial] not in ([], [one.import_id]))
        }
    return [one for one in sent if (one.tenant, one.serial) in extra]


def torn(sent, kept):
    """Import calls of which a part is there."""
    there = {(row.tenant, row.serial) for row in kept.imports_in_database}
    calls = collections.defaultdict(set)
    for one in sent:
        if one.call:
            calls[one.call].add((one.tenant, one.serial) in there)
    return [
        f"a part of an import call is there: {call}"
        for call, is_there in calls.items()
        if len(is_there) == 2
    ]


def unsettled(kept):
    """Imports that nothing was decided on."""
    return [
        f"import {row.id} of {row.serial} is not settled"
        for row in {*kept.imports, *kept.imports_in_database}
        if row.status not in ("complete", "error")
    ]


def registered_twice(kept):
    """Hardware with more than one device, and imports that were registered more than once."""
    findings = []
    for where, rows in [("read", kept.devices), ("counted", kept.devices_in_database)]:
        # Whatever the tenant: hardware has one owner.
        for serial, count in _several(row.serial for row in rows):
            findings.append(f"{serial} has {count} devices, as {where}")
    for where, rows in [("read", kept.imports), ("counted", kept.imports_in_database)]:
        for device, count in _several(row.device for row in rows if row.device):
            findings.append(f"device {device} came of {count} imports, as {where}")
    for key, count in _several(kept.registrations):
        findings.append(f"import {key} was registered {count} times, says the audit")
    return findings


def contradictions(sent, kept):
    """Where what is read, what is counted and what was sent do not go together."""
    findings = []
    if set(kept.imports) != set(kept.imports_in_database):
        findings.append("the API and the database differ in their imports")
    if set(kept.devices) != set(kept.devices_in_database):
        findings.append("the API and the database differ in their devices")
    known = {(one.tenant, one.serial) for one in sent}
    devices = {(row.tenant, row.id, row.serial) for row in kept.devices}
    owned = {row.serial for row in kept.devices}
    complete = [row for row in kept.imports if row.status == "complete"]
    for row in kept.imports:
        if (row.tenant, row.serial) not in known:
            findings.append(f"import {row.id} of {row.serial} was never sent")
        if row.status == "error" and row.serial not in owned:
            findings.append(f"import {row.id} of {row.serial} was refused, and nobody has it")
    for row in complete:
        if (row.tenant, row.device, row.serial) not in devices:
            findings.append(f"import {row.id} is complete without its device {row.device}")
    if len(complete) != len(kept.devices) or len(complete) != len(kept.registrations):
        findings.append(
            f"{len(complete)} complete imports, {len(kept.devices)} devices, "
            f"{len(kept.registrations)} registrations in the audit"
        )
    return findings


def findings(sent, surprises, kept, began):
    """All that should not be, in words, with the seconds since `began`."""
    return [
        *(f"lost: {_in_words(one, began)}" for one in lost(sent, kept)),
        *(f"doubled: {_in_words(one, began)}" for one in doubled(sent, kept)),
        *torn(sent, kept),
        *registered_twice(kept),
        *unsettled(kept),
        *contradictions(sent, kept),
        *(f"at {one.at - began:.1f} s {one.server} answered {one.what}" for one in surprises),
    ]


def verdicts(phases, servers, sent, kept):
    """What each fault did to what was sent while it lasted."""
    gone, extra = set(lost(sent, kept)), set(doubled(sent, kept))
    made = []
    for phase in phases:
        own = [one for one in sent if phase.began <= one.at < phase.ended]
        made.append(
            Verdict(
                phase,
                sum(one.outcome in _KNOWN for one in own),
                sum(one in gone for one in own),
                sum(one in extra for one in own),
                longest_pause(phase, servers, sent),
            )
        )
    return made


def longest_pause(phase, servers, sent):
    """The longest time in which one server acknowledged nothing, in seconds. One that has not served
    again when the phase ends has paused until then.
    """
    longest = 0.0
    for server in servers:
        times = sorted(
            one.at
            for one in sent
            if one.server == server
            and one.outcome is Outcome.ACKNOWLEDGED
            and phase.began <= one.at < phase.ended
        )
        moments = [phase.began, *times, phase.ended]
        longest = max(longest, *(b - a for a, b in zip(moments, moments[1:])))
    return longest


def _in_words(one, began):
    call = f", in call {one.call}" if one.call else ""
    return (
        f"import {one.import_id} of {one.serial} for {one.tenant}{call}, "
        f"{one.outcome.value} by {one.server} at {one.at - began:.1f} s"
    )


def _several(values):
    return [(value, count) for value, count in collections.Counter(values).items() if count > 1]
