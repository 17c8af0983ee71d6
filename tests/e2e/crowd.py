#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Crowds: eight migrations at once, and thirty-two that wait for their turn.

Takes some minutes, so it is no part of the ordinary tests; run it as
`tests/e2e/run.py crowd`.
"""
import sys
import time
import unittest

sys.dont_write_bytecode = True
import queue_test


class EightTest(queue_test.CrowdCase):
    crowd = 8

    def test_eight_at_once_need_no_queue(self):
        began = time.monotonic()
        done = self.move_all(self.guests)
        print(f"  8 at once: {time.monotonic() - began:.1f} s", flush=True)
        self.assertEqual([queue_test.waits(d) for d in done], [[]] * 8)
        self.assert_all_there(self.guests, 3)


class ThirtyTwoTest(queue_test.CrowdCase):
    crowd, awake = 32, 4

    def test_thirty_two_go_two_at_a_time(self):
        began = time.monotonic()
        done = self.move_all(self.guests, "--wait")
        print(f"  32 queued: {time.monotonic() - began:.1f} s", flush=True)
        spans = self.spans(done, "launch", "finish")
        self.assertLessEqual(queue_test.most_at_once(spans), 2)
        self.assert_all_there(self.guests, 4)


if __name__ == "__main__":
    unittest.main()
