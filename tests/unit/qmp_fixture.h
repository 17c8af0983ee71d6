/* SPDX-License-Identifier: MIT */
/*
 * qmp_fixture: runs a test's body in a task, with a session of a scripted or
 * a real QEMU.
 */
#ifndef TESTS_UNIT_QMP_FIXTURE_H
#define TESTS_UNIT_QMP_FIXTURE_H

#include "qmp/qmp.h"
#include "tests/fake/fake_qemu.h"
#include "tests/fake/real_qemu.h"
#include "tests/unit/in_task.h"

/* Long enough that only a hang meets it. */
#define SOON IN_TASK_SOON
/* For waits that are meant to time out. */
#define SHORTLY mono_in_ms(60)

/*
 * Opens a session with a fake that plays @steps, runs @body, closes, and
 * fails the test unless all went by the script.
 */
void with_script(const struct fake_options *options,
		 const struct fake_step *steps, size_t n,
		 void (*body)(struct qmp *q));
#define WITH_SCRIPT(steps, body)                                      \
	with_script(&(struct fake_options){ .version = NULL }, steps, \
		    ARRAY_SIZE(steps), body)

/* The same with a real QEMU; skips the test where there is none. */
void with_real(const char *const *extra,
	       void (*body)(struct qmp *q, struct real_qemu *r));

/* A listener whose next event can be waited for. */
struct qmp_listener *listen_to(struct qmp *q);
/* Waits for one; NULL with ERR_TIMEOUT, or why the session failed. */
struct qmp_event *next_event(struct qmp *q, struct qmp_listener *l,
			     struct mono deadline, struct err *err);

/* Fails the test, with the error's text, unless @result is 0. */
void expect_ok(int result, struct err *err);

#endif
