/* SPDX-License-Identifier: MIT */
/* replay: a recorded run to try policies on; the theory is in replay.h. */
#include "engine/estimate/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qmp/json.h"
#include "transport/base/xalloc.h"

/* A recording of a real run is never larger. */
enum { RECORD_BYTES = 256 << 20 };
/* The most active that a guest is taken for, times the curve. */
static const double activity_most = 8;
/* A pass counts as usual when ln dirtied is within this of the curve. */
static const double usual = 0.15;
/*
 * A pass sends a little more than a byte for each byte of a page. If it sent
 * less than it had to copy by more than this part, pages were left over.
 */
static const double left_share = 0.1;
/* Seconds after the first pass that a simulation without a deadline goes on. */
static const double follow_s = 600;
/* The final copy is taken for no faster than the bandwidth times this. */
static const double final_most = 100;
/* A final copy of fewer bytes does not show how fast it was. */
static const double copying_bytes = 1e6;

/* What is only needed while reading. */
struct reader {
	struct replay *r;
	const char *path;
	size_t line;
	double start_ms; /* of `migrate`, monotonic; NAN */
	double throttle;
	double gate_ms;
	double last_dirty;
	double tunnel_bytes; /* in all */
};

/* --- one event ----------------------------------------------------------- */

/* Null and absent are NAN. */
static double number(struct json_at at, const char *key)
{
	double x = NAN;

	if (json_has(at, key))
		(void)json_opt_double(at, key, &x, NULL);
	return x;
}

static void take_text(struct json_at at, const char *key, char **to)
{
	const char *s = NULL;

	if (!json_has(at, key) || json_opt_str(at, key, &s, NULL) < 0 || !s)
		return;
	free(*to);
	*to = xstrdup(s);
}

static void take_start(struct reader *rd, struct json_at at)
{
	struct replay *r = rd->r;

	take_text(at, "run", &r->run);
	take_text(at, "guest", &r->guest);
	take_text(at, "policy", &r->policy);
	r->budget_ms = number(at, "max_blackout_ms");
	r->deadline_s = fmax(number(at, "deadline_s"), 0);
}

/* What was turned back before is another migration, of the same guest. */
static void take_phase(struct reader *rd, struct json_at at)
{
	const char *to = "";

	if (json_opt_str(at, "to", &to, NULL) < 0 || strcmp(to, "precopy") != 0)
		return;
	history_drop_passes(&rd->r->history);
	rd->start_ms = NAN;
	rd->throttle = rd->last_dirty = 0;
	rd->gate_ms = POLICY_HOLD_MS;
}

static void take_sample(struct reader *rd, struct json_at at)
{
	double elapsed = number(at, "elapsed_ms"), mono = number(at, "mono_ms");
	double throttle = number(at, "throttle_percent");

	if (isnan(rd->start_ms) && elapsed >= 0)
		rd->start_ms = mono - elapsed;
	if (number(at, "total_bytes") > 0)
		rd->r->ram_bytes = number(at, "total_bytes");
	if (throttle >= 0)
		rd->throttle = fmin(throttle / 100, POLICY_THROTTLE_MAX);
	if (number(at, "downtime_limit_ms") > 0)
		rd->gate_ms = number(at, "downtime_limit_ms");
}

/* Numbers of a file are anything; what is no byte count becomes @otherwise. */
static int64_t bytes_of(double x, double otherwise)
{
	double v = x >= 0 && x < 1e18 ? x : otherwise;

	return (int64_t)v;
}

static void take_pass(struct reader *rd, struct json_at at)
{
	struct replay *r = rd->r;
	double seconds = number(at, "seconds"), mono = number(at, "mono_ms");
	double sent = number(at, "sent_bytes"), left;
	double dirty = number(at, "dirtied_bytes");
	const struct policy_pass *before = history_last_pass(&r->history);
	struct policy_pass p = { .seconds = seconds };

	if (!(seconds > 0) || seconds > 1e6 || !(sent >= 0) || !(dirty >= 0))
		return;
	p.number = (int64_t)r->history.view.n_passes + 1;
	p.sent_bytes = bytes_of(sent, 0);
	p.dirty_bytes = bytes_of(dirty, 0);
	p.throttle = rd->throttle;
	p.gate_ms = rd->gate_ms;
	p.copied_bytes = p.sent_bytes;
	left = rd->last_dirty - sent;
	if (before && left > left_share * rd->last_dirty)
		p.left_bytes = bytes_of(fmin(left, dirty), 0);
	if (number(at, "bandwidth_bps") > 0)
		p.bandwidth_bps = number(at, "bandwidth_bps");
	p.at_s = before ? before->at_s + seconds : seconds;
	if (!before && mono - rd->start_ms > 0)
		p.at_s = fmax((mono - rd->start_ms) / 1e3, seconds);
	rd->last_dirty = dirty;
	history_keep_pass(&r->history, &p);
}

static void take_switchover(struct reader *rd, struct json_at at)
{
	rd->r->blackout_ms = number(at, "blackout_ms");
	rd->r->switched = rd->r->blackout_ms >= 0;
	if (!isnan(rd->start_ms))
		rd->r->seconds = (number(at, "mono_ms") - rd->start_ms) / 1e3;
}

static void take_result(struct reader *rd, struct json_at at)
{
	if (number(at, "ram_bytes") > 0)
		rd->r->ram_bytes = number(at, "ram_bytes");
	rd->tunnel_bytes = number(at, "tunnel_bytes");
	if (isnan(rd->r->seconds))
		rd->r->seconds = number(at, "total_ms") / 1e3;
}

static const struct {
	const char *event;
	void (*take)(struct reader *rd, struct json_at at);
} kinds[] = {
	{ "run-start", take_start },	   { "phase", take_phase },
	{ "sample", take_sample },	   { "pass", take_pass },
	{ "switchover", take_switchover }, { "result", take_result },
};

static int take_line(struct reader *rd, const char *line, size_t len,
		     struct err *err)
{
	AUTO_JSON struct json_object *o = json_parse(line, len, err);
	struct json_at at = { o, "event" };
	const char *event;

	if (!o || json_get_str(at, "event", &event, err) < 0)
		return err_wrap(err, ERR_PROTOCOL,
				"%s: line %zu is no event of a run", rd->path,
				rd->line);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!strcmp(event, kinds[i].event))
			kinds[i].take(rd, at);
	}
	return 0;
}

/* --- what it comes to ---------------------------------------------------- */

/* Syncs are in it, too: the record is too coarse to distinguish them. */
static void find_bandwidth(struct reader *rd)
{
	struct replay *r = rd->r;
	const struct policy_view *v = &r->history.view;
	double sent = 0, seconds = 0;

	for (size_t i = 0; i < v->n_passes; i++) {
		sent += (double)v->passes[i].sent_bytes;
		seconds += v->passes[i].seconds;
	}
	r->link.bandwidth_bps = sent / seconds;
}

/* The final copy runs without the cap; its time shows how fast that is. */
static void find_final(struct reader *rd)
{
	struct simulate_link *l = &rd->r->link;
	double copying;

	l->final_bps = l->bandwidth_bps;
	l->fixed_ms = POLICY_FIXED_MS;
	if (!rd->r->switched)
		return;
	l->fixed_ms = fmin(rd->r->blackout_ms, POLICY_FIXED_MS);
	copying = rd->r->blackout_ms - l->fixed_ms;
	if (copying <= 0 || rd->last_dirty < copying_bytes)
		return;
	l->final_bps =
		fmin(fmax(rd->last_dirty / copying * 1e3, l->bandwidth_bps),
		     final_most * l->bandwidth_bps);
}

/* a with D(a t) = @dirtied. */
static double activity_of(const struct curve *c, double own_s, double dirtied)
{
	double low = 0, high = activity_most;

	if (fabs(log(dirtied / curve_at(c, own_s))) < usual)
		return 1;
	for (int i = 0; i < 40; i++) {
		double a = (low + high) / 2;

		if (curve_at(c, a * own_s) < dirtied)
			low = a;
		else
			high = a;
	}
	return (low + high) / 2;
}

static void find_spans(struct replay *r)
{
	const struct policy_view *v = &r->history.view;
	struct period_span *seen = xcalloc(v->n_passes, sizeof(*seen));
	double at_s = 0;

	r->spans = xcalloc(v->n_passes, sizeof(*r->spans));
	for (size_t i = 0; i < v->n_passes; i++) {
		const struct policy_pass *p = &v->passes[i];
		double own = p->seconds * (1 - p->throttle), d, expected;
		struct replay_span *s = &r->spans[r->n_spans++];

		d = fmax(policy_dirtied(v->curve, p), 1);
		*s = (struct replay_span){ .from_s = at_s,
					   .to_s = at_s + p->seconds };
		s->activity = activity_of(v->curve, own, d);
		expected = curve_at(v->curve, s->activity * own);
		s->factor = expected > 0 ? d / expected : 1;
		at_s += p->seconds;
		seen[i] = (struct period_span){ s->from_s, s->to_s,
						fmin(s->activity,
						     POLICY_ACTIVITY_MOST) };
	}
	/* the first pass is too long to show phases */
	if (v->n_passes > 1)
		period_find(seen + 1, v->n_passes - 1, &r->period);
	free(seen);
}

/* A guest that went through the gate at once dirtied next to nothing. */
static void add_only_pass(struct reader *rd)
{
	struct replay *r = rd->r;
	struct policy_pass p;

	if (!(r->seconds > 0) || !(rd->tunnel_bytes > 0))
		return;
	p = (struct policy_pass){
		.number = 1,
		.at_s = r->seconds,
		.seconds = r->seconds,
		.sent_bytes = bytes_of(rd->tunnel_bytes, 0),
		.copied_bytes = bytes_of(rd->tunnel_bytes, 0),
	};
	history_keep_pass(&r->history, &p);
}

static int understand(struct reader *rd, struct err *err)
{
	struct replay *r = rd->r;
	const struct policy_view *v = &r->history.view;

	if (!v->n_passes && r->switched)
		add_only_pass(rd);
	if (!v->n_passes)
		return err_set(err, ERR_PROTOCOL,
			       "%s has no pass of pre-copy to learn from",
			       rd->path);
	if (!(r->budget_ms > 0))
		return err_set(err, ERR_PROTOCOL,
			       "%s does not say what blackout was allowed",
			       rd->path);
	r->first_bytes = fmax((double)v->passes[0].sent_bytes, 1);
	if (!(r->ram_bytes >= r->first_bytes))
		r->ram_bytes = r->first_bytes;
	history_learn(&r->history, r->ram_bytes);
	find_bandwidth(rd);
	if (!(r->link.bandwidth_bps > 0))
		return err_set(err, ERR_PROTOCOL,
			       "%s does not say what the link carried",
			       rd->path);
	find_final(rd);
	find_spans(r);
	return 0;
}

/* --- reading ------------------------------------------------------------- */

int replay_parse(const char *text, size_t len, const char *path,
		 struct replay *out, struct err *err)
{
	struct reader rd = { .r = out,
			     .path = path,
			     .start_ms = NAN,
			     .gate_ms = POLICY_HOLD_MS };
	const char *end = text + len;

	memset(out, 0, sizeof(*out));
	history_init(&out->history, NULL, 0, 0);
	out->budget_ms = out->blackout_ms = out->seconds = NAN;
	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((nl ? nl : end) - text);

		rd.line++;
		/* a last line that was cut off is no reason to refuse */
		if (n && take_line(&rd, text, n, nl ? err : NULL) < 0 && nl)
			return -1;
		text += n + 1;
	}
	return understand(&rd, err);
}

/* All of @fd; to be freed. NULL: errno says why. */
static char *read_all(int fd, size_t bytes, size_t *len)
{
	char *text = xmalloc(bytes + 1);

	*len = 0;
	while (*len < bytes) {
		ssize_t n = read(fd, text + *len, bytes - *len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(text);
			return NULL;
		}
		if (!n)
			break;
		*len += (size_t)n;
	}
	return text;
}

int replay_read(const char *path, struct replay *out, struct err *err)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *text = NULL;
	struct stat st;
	size_t len;

	memset(out, 0, sizeof(*out));
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot read the run %s", path);
	if (!S_ISREG(st.st_mode) || st.st_size > RECORD_BYTES)
		return err_set(err, ERR_PROTOCOL,
			       "%s is no file of events, or too large", path);
	text = read_all(fd, (size_t)st.st_size, &len);
	if (!text)
		return err_sys(err, errno, "cannot read the run %s", path);
	return replay_parse(text, len, path, out, err);
}

void replay_free(struct replay *r)
{
	free(r->run);
	free(r->guest);
	free(r->policy);
	history_fini(&r->history);
	free(r->spans);
	memset(r, 0, sizeof(*r));
}

/* --- the guest of it ----------------------------------------------------- */

/*
 * Adds what the guest does from @from_s to @to_s, none of it behind the end:
 * its own seconds of activity, and the factor weighted by them.
 */
static void add_recorded(const struct replay *r, double from_s, double to_s,
			 double *active, double *factor)
{
	for (size_t i = 0; i < r->n_spans; i++) {
		const struct replay_span *s = &r->spans[i];
		double t = fmin(to_s, s->to_s) - fmax(from_s, s->from_s);

		if (t <= 0)
			continue;
		*active += t * s->activity;
		*factor += t * s->activity * s->factor;
	}
}

/* Behind the end of the record: the last period again, or the curve. */
static void add_later(const struct replay *r, double end_s, double from_s,
		      double to_s, double *active, double *factor)
{
	double period = r->period.seconds;

	if (!(period > 0) || r->period.confidence < PERIOD_SURE) {
		*active += to_s - from_s;
		*factor += to_s - from_s;
		return;
	}
	while (from_s < to_s) {
		double back = (floor((from_s - end_s) / period) + 1) * period;
		double until = fmin(to_s, end_s + back);

		/* rounding must not keep it from getting on */
		if (until <= from_s)
			break;
		add_recorded(r, from_s - back, until - back, active, factor);
		from_s = until;
	}
}

static double dirtied(const void *arg, double from_s, double to_s,
		      double throttle)
{
	const struct replay *r = arg;
	double end_s = r->spans[r->n_spans - 1].to_s, active = 0, factor = 0;

	if (from_s < end_s)
		add_recorded(r, from_s, fmin(to_s, end_s), &active, &factor);
	if (to_s > end_s)
		add_later(r, end_s, fmax(from_s, end_s), to_s, &active,
			  &factor);
	if (!(active > 0))
		return 0;
	return fmin(curve_at(r->history.view.curve, active * (1 - throttle)) *
			    factor / active,
		    r->ram_bytes);
}

struct simulate_guest replay_guest(const struct replay *r)
{
	return (struct simulate_guest){
		.ram_bytes = r->ram_bytes,
		.first_bytes = r->first_bytes,
		.working_set_bytes = curve_working_set(r->history.view.curve),
		.dirtied = dirtied,
		.arg = r,
	};
}

struct policy_facts replay_facts(const struct replay *r)
{
	return (struct policy_facts){
		.budget_ms = r->budget_ms,
		.deadline_s = r->deadline_s,
		.ram_bytes = r->ram_bytes,
		.fixed_ms = POLICY_FIXED_MS,
		.throttle_max = POLICY_THROTTLE_MAX,
	};
}

double replay_limit_s(const struct replay *r, const struct policy_facts *f)
{
	double first = r->first_bytes / r->link.bandwidth_bps;

	return f->deadline_s > 0 ? f->deadline_s + 1 : first + follow_s;
}
