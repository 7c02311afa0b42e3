"""The checks, held against made-up logs: each of them must be able to fail."""

import unittest

import checks
from journal import Outcome, Sent, Surprise
from kept import Kept, Row
from report import is_kept, table

SERVERS = ["hangar-1", "hangar-2"]
PHASE = checks.Phase("primary killed", 60, 0.0, 100.0)


def acknowledged(number, at=1.0, server="hangar-1", call=None):
    return sent(number, Outcome.ACKNOWLEDGED, f"id-{number}", at, server, call)


def unknown(number, at=1.0, call=None):
    return sent(number, Outcome.UNKNOWN, None, at, "hangar-1", call)


def sent(number, outcome, import_id, at, server, call):
    return Sent("contoso", f"serial-{number}", import_id, call, outcome, server, at)


def registered(number, key=None, device=None):
    """An import that was registered."""
    key, device = key or f"id-{number}", device or f"device-{number}"
    return Row("contoso", key, f"serial-{number}", "complete", device)


def kept(*imports):
    """All that is kept where these imports are, the same whichever way it is read."""
    complete = [row for row in imports if row.status == "complete"]
    devices = [Row(row.tenant, row.device, row.serial, None, None) for row in complete]
    registrations = [row.id for row in complete]
    return Kept(list(imports), devices, list(imports), list(devices), registrations)


class Lost(unittest.TestCase):
    def test_nothing_is_lost_where_all_is_there(self):
        self.assertEqual(checks.lost([acknowledged(1)], kept(registered(1))), [])

    def test_a_row_that_is_gone(self):
        logs = [acknowledged(1), acknowledged(2)]
        self.assertEqual(checks.lost(logs, kept(registered(1))), [logs[1]])

    def test_a_row_that_only_the_api_or_only_the_database_has(self):
        for name in ["imports", "imports_in_database"]:
            found = kept(registered(1))._replace(**{name: []})
            self.assertEqual(checks.lost([acknowledged(1)], found), [acknowledged(1)])

    def test_a_row_under_another_id_or_with_another_serial_number(self):
        self.assertTrue(checks.lost([acknowledged(1)], kept(registered(1, key="id-2"))))
        other = registered(1)._replace(serial="serial-2")
        self.assertTrue(checks.lost([acknowledged(1)], kept(other)))

    def test_a_row_of_another_tenant(self):
        other = registered(1)._replace(tenant="fabrikam")
        self.assertTrue(checks.lost([acknowledged(1)], kept(other)))

    def test_what_a_repetition_found_counts_as_acknowledged(self):
        found = acknowledged(1)._replace(outcome=Outcome.FOUND)
        self.assertEqual(checks.lost([found], kept()), [found])

    def test_what_was_not_acknowledged_may_be_there_or_not(self):
        for there in [kept(), kept(registered(1))]:
            self.assertEqual(checks.lost([unknown(1)], there), [])
            self.assertEqual(checks.doubled([unknown(1)], there), [])


class Doubled(unittest.TestCase):
    def test_a_second_row(self):
        found = kept(registered(1), registered(1, "id-2", "device-2"))
        for log in [acknowledged(1), unknown(1)]:
            self.assertEqual(checks.doubled([log], found), [log])

    def test_one_that_a_list_shows_twice(self):
        found = kept(registered(1))
        found = found._replace(imports=found.imports * 2)
        self.assertEqual(checks.doubled([acknowledged(1)], found), [acknowledged(1)])

    def test_one_that_was_made_again_under_another_id(self):
        log = acknowledged(1)
        self.assertEqual(checks.doubled([log], kept(registered(1, "id-2"))), [log])

    def test_rivals_are_not_doubled(self):
        rival = acknowledged(1)._replace(tenant="fabrikam")
        row = Row("fabrikam", "id-1", "serial-1", "error", None)
        found = kept(registered(1), row)
        self.assertEqual(checks.doubled([acknowledged(1), rival], found), [])
        self.assertEqual(checks.registered_twice(found), [])


class Torn(unittest.TestCase):
    def test_a_call_is_there_as_a_whole_or_not_at_all(self):
        logs = [unknown(1, call="call-1"), unknown(2, call="call-1")]
        self.assertEqual(checks.torn(logs, kept()), [])
        self.assertEqual(checks.torn(logs, kept(registered(1), registered(2))), [])
        self.assertEqual(len(checks.torn(logs, kept(registered(1)))), 1)


class Registered(unittest.TestCase):
    def test_one_device_each(self):
        self.assertEqual(checks.registered_twice(kept(registered(1), registered(2))), [])

    def test_hardware_with_two_owners(self):
        other = registered(1, "id-2", "device-2")._replace(tenant="fabrikam")
        self.assertEqual(len(checks.registered_twice(kept(registered(1), other))), 2)

    def test_two_imports_of_one_device(self):
        findings = checks.registered_twice(kept(registered(1), registered(2, device="device-1")))
        self.assertEqual(len(findings), 2)

    def test_an_audit_that_has_it_twice(self):
        found = kept(registered(1))
        found = found._replace(registrations=found.registrations * 2)
        self.assertEqual(len(checks.registered_twice(found)), 1)
        self.assertTrue(checks.contradictions([acknowledged(1)], found))


class Settled(unittest.TestCase):
    def test_complete_and_refused_are(self):
        refused = Row("contoso", "id-2", "serial-2", "error", None)
        self.assertEqual(checks.unsettled(kept(registered(1), refused)), [])

    def test_unknown_is_not(self):
        waiting = Row("contoso", "id-1", "serial-1", "unknown", None)
        self.assertEqual(len(checks.unsettled(kept(waiting))), 1)


class Contradictions(unittest.TestCase):
    def test_none_where_all_goes_together(self):
        self.assertEqual(checks.contradictions([acknowledged(1)], kept(registered(1))), [])

    def test_what_nobody_sent(self):
        self.assertTrue(checks.contradictions([], kept(registered(1))))

    def test_complete_without_a_device(self):
        found = kept(registered(1))._replace(devices=[], devices_in_database=[])
        self.assertTrue(checks.contradictions([acknowledged(1)], found))

    def test_refused_although_nobody_has_it(self):
        refused = Row("contoso", "id-1", "serial-1", "error", None)
        self.assertTrue(checks.contradictions([acknowledged(1)], kept(refused)))

    def test_a_database_that_differs_from_the_api(self):
        found = kept(registered(1))
        for name in ["imports", "devices"]:
            self.assertTrue(
                checks.contradictions([acknowledged(1)], found._replace(**{name: []}))
            )


class Findings(unittest.TestCase):
    def test_none_where_all_goes_together(self):
        log = acknowledged(1)
        self.assertEqual(checks.findings([log], [], kept(registered(1)), 0.0), [])

    def test_each_is_in_words_with_its_time(self):
        surprise = Surprise("hangar-2", 12.5, "500 to POST /")
        found = checks.findings([acknowledged(1, at=11.0)], [surprise], kept(), began=10.0)
        expected = [
            "lost: import id-1 of serial-1 for contoso, acknowledged by hangar-1 at 1.0 s",
            "at 2.5 s hangar-2 answered 500 to POST /",
        ]
        self.assertEqual(found, expected)


class Pauses(unittest.TestCase):
    def pause(self, *logs):
        return checks.longest_pause(PHASE, SERVERS, logs)

    def test_it_is_that_of_the_server_that_paused_longest(self):
        one = [acknowledged(at, at, "hangar-1") for at in range(100)]
        other = [acknowledged(at, at, "hangar-2") for at in range(100) if not 30 < at < 75]
        self.assertEqual(self.pause(*one, *other), 45.0)

    def test_one_that_never_comes_back_pauses_until_the_end(self):
        one = [acknowledged(at, at, "hangar-1") for at in range(100)]
        self.assertEqual(self.pause(*one, acknowledged(1, 20.0, "hangar-2")), 80.0)
        self.assertEqual(self.pause(*one), 100.0)

    def test_only_what_is_acknowledged_ends_it(self):
        logs = [acknowledged(at, at, server) for at in (10, 90) for server in SERVERS]
        self.assertEqual(self.pause(*logs, unknown(3, 50.0)), 80.0)


class Verdicts(unittest.TestCase):
    def logs(self):
        return [acknowledged(at, at, server) for at in range(100) for server in SERVERS]

    def verdict(self, logs, found, limit_seconds=60):
        phase = PHASE._replace(limit_seconds=limit_seconds)
        (verdict,) = checks.verdicts([phase], SERVERS, logs, found)
        return verdict

    def test_losses_and_doubles_count_where_they_were_acknowledged(self):
        logs = [acknowledged(1, 5.0), acknowledged(2, 6.0), acknowledged(3, 150.0)]
        found = kept(registered(1), registered(1, "id-9", "device-9"))
        later = checks.Phase("none", 15, 100.0, 200.0)
        first, second = checks.verdicts([PHASE, later], SERVERS, logs, found)
        self.assertEqual((first.acknowledged, first.lost, first.doubled), (2, 1, 1))
        self.assertEqual((second.acknowledged, second.lost, second.doubled), (1, 1, 0))

    def test_each_bound_can_be_broken(self):
        logs = self.logs()
        rows = [registered(number) for number in range(100)]
        self.assertTrue(is_kept(self.verdict(logs, kept(*rows))))
        self.assertFalse(is_kept(self.verdict(logs, kept(*rows[1:]))))
        twice = registered(1, "id-1000", "device-1000")
        self.assertFalse(is_kept(self.verdict(logs, kept(*rows, twice))))
        self.assertFalse(is_kept(self.verdict(logs, kept(*rows), limit_seconds=0.5)))

    def test_the_table_says_so(self):
        good = checks.Verdict(PHASE, 1200, 0, 0, 8.25)
        bad = checks.Verdict(PHASE._replace(fault="primary cut off"), 7, 1, 0, 31.0)
        expected = """\
fault            acknowledged  lost  doubled  longest pause  limit
primary killed           1200     0        0          8.2 s   60 s  kept
primary cut off             7     1        0         31.0 s   60 s  BROKEN
all                      1207     1        0         31.0 s"""
        self.assertEqual(table([good, bad]), expected)


if __name__ == "__main__":
    unittest.main()
