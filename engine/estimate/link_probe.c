/* SPDX-License-Identifier: MIT */
/*
 * link_probe: how many bytes a second go to a host. The theory of operation is
 * in link_probe.h.
 */
#include "engine/estimate/link_probe.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "engine/policy/forecast.h"
#include "engine/run/run.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

enum {
	DATA_BYTES = 4 * 1024 * 1024, /* sent again and again */
	PIECE_BYTES = 128 * 1024,     /* as QEMU does at a time, about */
	MOST_BYTES = 256 * 1024 * 1024,
	FEW_BYTES = 8 * 1024 * 1024, /* no more than buffers hold */
	SAMPLE_MS = 10,
	SAMPLES = 320,
	END_MS = 500,	/* for what is under way to arrive */
	PING_MS = 5000, /* for a sign of life of a host that is behind */
};

static const double enough_s = 1.5, longest_s = 2.5;
/* Then buffers are full, and a connection is as fast as it gets. */
static const double young_s = 0.3, young_share = 0.25;
/* The second half so much faster than all of it: it was still young. */
static const double grows = 1.25;

/* --- what the samples say ------------------------------------------------ */

static double slope(const struct link_sample *a, const struct link_sample *b)
{
	double seconds = b->seconds - a->seconds;

	return seconds > 0 ? (b->bytes - a->bytes) / seconds : 0;
}

/* The first sample that is @seconds old, or the last. */
static const struct link_sample *at(const struct link_sample *v, size_t n,
				    double seconds)
{
	size_t i = 0;

	while (i + 1 < n && v[i].seconds < seconds)
		i++;
	return &v[i];
}

double link_probe_bps(const struct link_sample *v, size_t n)
{
	const struct link_sample *last = n ? &v[n - 1] : NULL;
	const struct link_sample *from, *half;
	double bps, later;

	if (!n)
		return 0;
	from = at(v, n, fmin(young_s, last->seconds * young_share));
	half = at(v, n, (from->seconds + last->seconds) / 2);
	bps = slope(from, last);
	later = slope(half, last);
	if (later > bps * grows)
		return later;
	/* what went into buffers at once is all that is known */
	return bps > 0 ? bps : slope(&v[0], last);
}

double link_probe_sigma(const struct link_sample *v, size_t n)
{
	const struct link_sample *last = n ? &v[n - 1] : NULL, *from, *to;
	double part[SAMPLES];
	size_t parts = 0;

	if (!n)
		return forecast_scatter(NULL, 0, FORECAST_PRIOR_LINK);
	from = at(v, n, fmin(young_s, last->seconds * young_share));
	while (last->seconds - from->seconds >= LINK_PROBE_PART_S &&
	       parts < SAMPLES) {
		to = at(v, n, from->seconds + LINK_PROBE_PART_S);
		part[parts++] = slope(from, to);
		from = to;
	}
	/* cppcheck-suppress uninitvar; the first @parts of them are set */
	return forecast_scatter(part, parts, FORECAST_PRIOR_LINK);
}

bool link_probe_enough(const struct link_sample *v, size_t n)
{
	const struct link_sample *last;

	if (!n)
		return false;
	last = &v[n - 1];
	if (n >= SAMPLES || last->bytes >= MOST_BYTES ||
	    last->seconds >= longest_s)
		return true;
	return last->seconds >= enough_s && last->bytes >= FEW_BYTES;
}

/* --- sending ------------------------------------------------------------- */

struct sending {
	struct tunnel *tunnel;
	int fd; /* where QEMU would write; -1 after the end */
	char *data;
	size_t offset; /* of what is sent next */
	struct mono start;
	struct link_sample v[SAMPLES];
	size_t n;
};

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

extern const char link_sink_sh[];

static int open_way(struct sending *s, struct host *h, struct err *err)
{
	static const char *const argv[] = { "sh", "-c", link_sink_sh, NULL };

	s->tunnel =
		host_tunnel_command(h, argv, mono_in_ms(RUN_CONNECT_MS), err);
	if (s->tunnel)
		s->fd = tunnel_start_pair(s->tunnel, 0, err);
	return s->fd < 0 ? -1 : 0;
}

/* Nothing ends the tunnel at this point but what has gone wrong. */
static int broken(const struct sending *s, struct err *err)
{
	if (task_wait_fd(tunnel_end_fd(s->tunnel), EPOLLIN, mono_in_ms(PING_MS),
			 err) < 0 ||
	    tunnel_verdict(s->tunnel, err) < 0)
		return -1;
	return err_set(err, ERR_REMOTE, "what took the bytes there has ended");
}

/* 0 also when it takes none now. */
static int send_piece(struct sending *s, struct err *err)
{
	size_t len = DATA_BYTES - s->offset;
	ssize_t n;

	if (len > PIECE_BYTES)
		len = PIECE_BYTES;
	n = send(s->fd, s->data + s->offset, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		s->offset = (s->offset + (size_t)n) % DATA_BYTES;
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return broken(s, err);
	return 0;
}

static void sample(struct sending *s, struct mono now)
{
	struct tunnel_stats stats;

	tunnel_stats(s->tunnel, &stats);
	s->v[s->n++] = (struct link_sample){
		.seconds = mono_diff_ms(now, s->start) / 1e3,
		.bytes = (double)stats.sent_bytes,
	};
}

/* Until the pair takes more, or @until. */
static int wait_room(const struct sending *s, struct mono until,
		     struct err *err)
{
	AUTO_ERR struct err e = { 0 };

	if (task_wait_fd(s->fd, EPOLLOUT, until, &e) == 0 ||
	    e.kind == ERR_TIMEOUT)
		return 0;
	err_move(err, &e);
	return -1;
}

static int send_all(struct sending *s, struct err *err)
{
	struct mono next = s->start = mono_now();

	while (!link_probe_enough(s->v, s->n)) {
		struct mono now = mono_now();

		if (!mono_before(now, next)) {
			sample(s, now);
			next = mono_add_ms(now, SAMPLE_MS);
		}
		if (send_piece(s, err) < 0 || wait_room(s, next, err) < 0)
			return -1;
	}
	return 0;
}

/*
 * What is under way may take longer to arrive than anybody wants to wait; a
 * host that answers is there all the same.
 */
static int end(struct sending *s, struct host *h, struct err *err)
{
	AUTO_ERR struct err e = { 0 };

	close_fd(steal_fd(&s->fd));
	if (task_wait_fd(tunnel_end_fd(s->tunnel), EPOLLIN, mono_in_ms(END_MS),
			 &e) == 0)
		return tunnel_verdict(s->tunnel, err);
	if (e.kind == ERR_TIMEOUT)
		return host_ping(h, mono_in_ms(PING_MS), err);
	err_move(err, &e);
	return -1;
}

int link_probe(struct host *h, double *bps, double *sigma, struct err *err)
{
	AUTO_FREE struct sending *s = XNEW(struct sending);
	int rc;

	*bps = *sigma = 0;
	s->fd = -1;
	s->data = xmalloc(DATA_BYTES);
	fill(s->data, DATA_BYTES);
	rc = open_way(s, h, err);
	if (rc == 0)
		rc = send_all(s, err);
	if (rc == 0)
		rc = end(s, h, err);
	if (rc == 0) {
		*bps = link_probe_bps(s->v, s->n);
		*sigma = link_probe_sigma(s->v, s->n);
	}
	tunnel_free(s->tunnel);
	close_fd(s->fd);
	free(s->data);
	return rc;
}
