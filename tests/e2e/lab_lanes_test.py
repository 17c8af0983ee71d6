#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What carries the memory between two hosts: each lane there and back under
load, a firewall in its way, and its own connection broken."""

import contextlib
import signal
import unittest

import case
import harness
import labkit

LANES = {"ssh": [], "openssh": ["--transport", "openssh"],
         "tcp": ["--transport", "tcp", "--insecure"],
         "auto": ["--transport", "auto"]}
PORTS = "49152-49215"
DROP = f"""
table inet lane {{
	chain in {{
		type filter hook input priority 0;
		tcp dport {PORTS} %s
	}}
}}
"""


@unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
class LabLanesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = labkit.Lab("lanes")
        cls.addClassCleanup(cls.lab.down)
        cls.lab.up()
        cls.guest = labkit.LabGuest(cls.lab["hosta"], "laned",
                                    "fill=64 ws=16 rate=20", "262152K")
        cls.addClassCleanup(cls.guest.stop)

    # --- what a test needs ---------------------------------------------------

    def there(self):
        return self.lab.other(self.guest.host)

    @contextlib.contextmanager
    def firewall(self, host, what="drop"):
        rules = DROP % what
        host.sh(f"nft -f - <<'end'\n{rules}\nend")
        try:
            yield
        finally:
            host.sh("nft delete table inet lane")

    def moved(self, outcome):
        self.assertEqual(outcome.code, 0, outcome)
        self.assertEqual(outcome.result["leftovers"], [])
        self.guest.arrive(outcome)
        self.assert_whole()

    def stayed(self, outcome, *codes):
        self.assertIn(outcome.code, codes, outcome)
        self.assertEqual(outcome.result["owner"], "source")
        last = outcome.text.splitlines()[-1]
        self.assertRegex(last, case.WHERE)
        self.assertIn(f"laned is RUNNING on {self.guest.host.name}", last)
        self.assert_whole()

    def assert_whole(self):
        self.assertEqual(labkit.problems(self.guest, self.lab), [])
        for host in self.lab.hosts.values():
            self.assertEqual(self.listening(host), "")

    def listening(self, host):
        return host.sh("ss -Htln 'sport >= :49152 and sport <= :49215'")

    def held(self):
        run = self.guest.start(*LANES["tcp"], *harness.HELD)
        run.wait_copying()
        return run

    # --- tests ---------------------------------------------------------------

    def test_there_and_back_on_each_lane(self):
        for name, args in LANES.items():
            for _ in range(2):
                with self.subTest(name):
                    done = self.guest.start(*args).finish()
                    self.moved(done)
                    self.assertEqual(
                        done.result["transport"],
                        "ssh" if name == "auto" else name)

    def test_the_port_is_open_at_the_address_of_the_login_only(self):
        run = self.held()
        lines = self.listening(self.there()).splitlines()
        address = self.there().sh("hostname -I 2>/dev/null || "
                                  "ip -4 -o addr show dev lan0").split()
        run.signal(signal.SIGINT)
        done = run.finish()
        self.stayed(done, 6)
        (line,) = lines
        local = line.split()[3]
        self.assertNotIn(local.rpartition(":")[0],
                         ("0.0.0.0", "*", "[::]", "127.0.0.1"))
        self.assertTrue(any(local.rpartition(":")[0] == a.split("/")[0]
                            for a in address), (local, address))

    def test_a_firewall_that_drops_is_found_and_explained(self):
        with self.firewall(self.there()):
            done = self.guest.start(*LANES["tcp"]).finish(timeout=60)
        self.stayed(done, 10)
        for word in ("firewall", "49152 to 49215", "--transport ssh",
                     self.there().name):
            self.assertIn(word, done.text)
        # by ssh it moves all the same
        with self.firewall(self.there()):
            self.moved(self.guest.start().finish())

    def test_a_firewall_that_refuses_is_explained(self):
        with self.firewall(self.there(), "reject with tcp reset"):
            done = self.guest.start(*LANES["tcp"]).finish(timeout=60)
        self.stayed(done, 10)
        self.assertIn("firewall", done.text)

    def test_a_reset_of_the_stream_alone_is_undone(self):
        run = self.held()
        self.guest.host.sh("ss -K 'dport >= :49152 and dport <= :49215'")
        self.stayed(run.finish(), 4)
        self.moved(self.guest.start(*LANES["tcp"]).finish())

    def test_a_short_hole_in_the_stream_alone_is_survived(self):
        self.guest.watch.send(self.guest.at(), b"r=1\n")
        self.addCleanup(lambda: self.guest.watch.send(self.guest.at(),
                                                      b"r=20\n"))
        run = self.guest.start(*LANES["tcp"], "--bandwidth", "8M",
                               *harness.BUDGET)
        run.wait_copying()
        before = run.events[-1]["mono_ms"]
        with self.firewall(self.there()):
            run.wait(lambda e: e["mono_ms"] > before + 3000,
                     what="later event")
        self.moved(run.finish())

    def test_a_long_hole_in_the_stream_alone_is_undone(self):
        run = self.held()
        with self.firewall(self.there()):
            done = run.finish()
        self.stayed(done, 4)
        self.assertRegex(done.text, "not moved a byte|stalled|timed out")

    def test_a_reset_of_all_connections_is_undone_on_each_lane(self):
        for name in ("openssh", "tcp"):
            with self.subTest(name):
                there = self.there()
                run = self.guest.start(*LANES[name], *harness.HELD)
                run.wait_copying()
                self.lab.ok("reset")
                done = run.finish()
                self.assertIn(done.code, (4, 10), done)
                there.end_ssh_sessions()
                self.stayed(done, 4, 10)


if __name__ == "__main__":
    unittest.main()
