/* SPDX-License-Identifier: MIT */
/*
 * fake_qemu: a scripted QEMU monitor for tests.
 *
 * It runs in a thread of its own and follows a table of steps. Each command
 * it receives is checked against the stored schema of a real version
 * (tests/data/schema): an unknown command or argument, one that the script
 * does not expect, or a step that was never reached fails the test.
 *
 *	static const struct fake_step script[] = {
 *		{ .expect = "stop", .event = "STOP" },
 *		{ .expect = "query-status",
 *		  .reply = "{\"status\":\"paused\",\"running\":false}" },
 *		{ .expect = "cont", .error = "no lock" },
 *	};
 *	f = fake_qemu_start(&(struct fake_options){ .version = "7.2.22" },
 *			    script, ARRAY_SIZE(script));
 *	… qmp_open(stream_fd_new(fd, fd)) with fd = fake_qemu_take_fd(f) …
 *	problem = fake_qemu_end(f);	NULL when all went by the script
 */
#ifndef TESTS_FAKE_QEMU_H
#define TESTS_FAKE_QEMU_H

#include <stdbool.h>
#include <stddef.h>

struct fake_qemu;

/* What happens in one step, in the order of the members. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct fake_step {
	const char *expect; /* waits for this command; NULL: for none */
	const char *args;   /* its exact arguments, as JSON; NULL: any */
	bool oob;	    /* it must come out of band (else in band) */
	bool fd;	    /* a descriptor must come with it */
	const char *event;  /* emits it: "STOP", or "MIGRATION {…data…}" */
	bool hold;	    /* keeps the answer back until a release */
	bool release;	    /* answers the oldest command kept back */
	const char *reply;  /* value of "return"; NULL: {} */
	const char *error;  /* answers with this error instead */
	const char *raw;    /* sends these bytes as they are */
	size_t flood;	    /* sends raw that many times more */
	bool leaves;	    /* waits until the client has left */
	/*
	 * Closes; a command of this step then stays unanswered unless it has a
	 * reply or error. A fake that listens serves the next client after it.
	 */
	bool close;
};

struct fake_options {
	const char *version; /* a file of tests/data/schema; NULL: "7.2.22" */
	const char *path;    /* listens there; NULL: one socketpair */
	bool manual;	     /* neither greets nor negotiates by itself */
	bool no_oob;	     /* does not offer out-of-band commands */
	bool pretty;	     /* documents over many lines */
	size_t chunk;	     /* bytes per write; 0: whole documents */
};

/* Versions there are schemas for, NULL at the end. */
extern const char *const fake_qemu_versions[];

/* @steps must live until the end. Aborts when it cannot start. */
struct fake_qemu *fake_qemu_start(const struct fake_options *options,
				  const struct fake_step *steps, size_t n);
/* The client's end of the socketpair, once; the caller closes it. */
int fake_qemu_take_fd(struct fake_qemu *f);
/*
 * Waits for the end of the script and frees. The client must have left (each
 * wait of the fake ends after FAKE_PATIENCE_MS). Returns what went wrong, to
 * be freed, or NULL.
 */
enum { FAKE_PATIENCE_MS = 60000 };
char *fake_qemu_end(struct fake_qemu *f);

/* tests/data/schema/qemu-VERSION.json, parsed; aborts when it is not there. */
struct json_object *fake_qemu_schema(const char *version);

#endif
