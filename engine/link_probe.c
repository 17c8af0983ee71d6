/* SPDX-License-Identifier: MIT */
/* link_probe: how many bytes a second go to a host. */
#include "engine/link_probe.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/xalloc.h"

enum {
	FIRST_BYTES = 256 * 1024,
	SHORT_BYTES = 4 * 1024 * 1024,
	MOST_BYTES = 128 * 1024 * 1024,
	DEADLINE_MS = 10000,
	PROBE_MS = 1800, /* then no further sending is begun */
};

/* A sending as long as this says enough; one is meant to take the second. */
static const double enough_s = 0.3, meant_s = 0.6;

double link_probe_bps(size_t bytes, double seconds, double empty_s)
{
	double net = seconds - empty_s;

	/* a start that took as long as all of it says nothing of the link */
	if (net < seconds / 10)
		net = seconds / 10;
	return net > 0 ? (double)bytes / net : 0;
}

size_t link_probe_next(size_t bytes, double seconds, double empty_s)
{
	double next = link_probe_bps(bytes, seconds, empty_s) * meant_s;

	/* a short one may have been held up by anything */
	if (seconds - empty_s >= (bytes < SHORT_BYTES ? 1 : enough_s) ||
	    bytes >= MOST_BYTES)
		return 0;
	/* a young connection is slow: no more than eight times as much */
	if (next > 8.0 * (double)bytes)
		next = 8.0 * (double)bytes;
	return next < MOST_BYTES ? (size_t)next : MOST_BYTES;
}

/* Seconds that it took, or -1. */
static double sending(struct host *h, const void *data, size_t len,
		      struct err *err)
{
	static const char *const argv[] = { "sh", "-c", "cat >/dev/null",
					    NULL };
	struct mono from = mono_now();
	const struct host_command cmd = {
		.argv = argv,
		.input = data,
		.input_len = len,
		.max_output = 4096,
		.deadline = mono_in_ms(DEADLINE_MS),
	};
	struct host_result result = { 0 };
	int rc = host_run(h, &cmd, &result, err);

	if (rc == 0 && result.status)
		rc = err_set(err, ERR_REMOTE, "`cat` failed there");
	host_result_free(&result);
	return rc < 0 ? -1 : mono_diff_ms(mono_now(), from) / 1e3;
}

/* Nothing that a link could make smaller; xorshift64 (Marsaglia, 2003). */
static void fill(char *data, size_t len)
{
	uint64_t x = 0x9e3779b97f4a7c15u;

	for (size_t i = 0; i + sizeof(x) <= len; i += sizeof(x)) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(data + i, &x, sizeof(x));
	}
}

/* What a sending takes besides sending: the better of two. */
static double nothing(struct host *h, struct err *err)
{
	double one = sending(h, NULL, 0, err);
	double two = one < 0 ? one : sending(h, NULL, 0, err);

	return two < one ? two : one;
}

int link_probe(struct host *h, double *bps, struct err *err)
{
	double empty = nothing(h, err);
	struct mono until = mono_in_ms(PROBE_MS);
	size_t len = FIRST_BYTES;

	*bps = 0;
	while (empty >= 0 && len) {
		AUTO_FREE char *data = xmalloc(len);
		double s;

		fill(data, len);
		s = sending(h, data, len, err);
		if (s < 0)
			return -1;
		/* what else the machines do makes it slower, never faster */
		*bps = fmax(*bps, link_probe_bps(len, s, empty));
		len = mono_before(mono_now(), until)
			      ? link_probe_next(len, s, empty)
			      : 0;
	}
	return empty < 0 ? -1 : 0;
}
