/* SPDX-License-Identifier: MIT */
/*
 * run_fixture: a run whose guest is at pre-switchover, with a monitor of a
 * scripted QEMU on each side, for tests of single stages.
 */
#ifndef TESTS_UNIT_RUN_FIXTURE_H
#define TESTS_UNIT_RUN_FIXTURE_H

struct fake_qemu;
struct run;
struct tunnel;

/*
 * Opens both monitors. Both hosts are this one. The tunnel is not started, the
 * policy is `auto` with a budget of 300 ms. Only one run at a time.
 */
void run_fixture_init(struct run *r, struct fake_qemu *src,
		      struct fake_qemu *dst);
void run_fixture_fini(struct run *r);

/* A tunnel whose far side takes and says nothing; the caller's to free. */
struct tunnel *run_fixture_stuck_tunnel(void);
/* One whose far side takes all and says nothing. */
struct tunnel *run_fixture_open_tunnel(void);

#endif
