/* SPDX-License-Identifier: MIT */
/*
 * page_sample: looks at some of a running guest's pages more than once.
 *
 * Theory of operation. QEMU's `pmemsave` writes guest memory to a file. The
 * file is a memfd of ours of which QEMU was given a copy: it opens it by its
 * /proc/self/fd name, truncates it and writes one chunk, which is read before
 * the next one is asked for. The first look at a chunk is kept, and every later
 * one compared with it. So long as too few pages are seen changing, chunks that
 * did not change make room for others: half of them next to chunks that did,
 * half anywhere. Other commands to the monitor come between these, so that a
 * look may go on beside all that is done before a migration.
 */
#include "engine/run/page_sample.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qmp/qmp_memory.h"
#include "qmp/qmp_status.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

enum {
	CHUNKS = PAGE_SAMPLE_CHUNKS,
	CHUNK = PAGE_SAMPLE_CHUNK_BYTES,
	CALL_MS = 2000,
	/* more, for one that took too long: no more than any other may take */
	ANSWER_MS = 3000,
	ROUND_MS = 250,
	LAST_ROUND_MS = 1000,
	/* a first look takes no longer; a slow QEMU gets fewer chunks */
	LOOK_MS = 400,
	/* but not fewer than these, for somebody who waits */
	FEWEST_CHUNKS = 16,
	ALL_MS = 1200,
};

/* --- where -------------------------------------------------------------- */

static const uint64_t mib = 1ull << 20;

/*
 * What lies below 1 MiB is no plain RAM, nor is the top (SMM memory, 16 MiB on
 * q35). All of these have their first 2 GiB in one piece, from address 0.
 */
static bool is_pc(const char *machine)
{
	static const char *const names[] = { "pc", "q35", "microvm", "isapc" };
	static const char *const starts[] = { "pc-i440fx-", "pc-q35-" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(machine, names[i]))
			return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		if (!strncmp(machine, starts[i], strlen(starts[i])))
			return true;
	}
	return false;
}

int page_sample_find_span(const char *machine, uint64_t base_bytes,
			  uint64_t below_4g_bytes,
			  struct page_sample_span *span, const char **why)
{
	uint64_t end = base_bytes < 2048 * mib ? base_bytes : 2048 * mib;

	if (!is_pc(machine)) {
		*why = "where its RAM lies is not known for this machine type";
		return -1;
	}
	if (below_4g_bytes && below_4g_bytes < end) {
		*why = "max-ram-below-4g splits its RAM";
		return -1;
	}
	if (end < 18 * mib) {
		*why = "the guest has too little memory";
		return -1;
	}
	*span = (struct page_sample_span){
		.from = mib,
		.to = (end - 16 * mib) / CHUNK * CHUNK,
	};
	return 0;
}

/* Marsaglia's xorshift64. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint64_t chunks_of(const struct page_sample_span *span)
{
	return (span->to - span->from) / CHUNK;
}

static uint64_t anywhere(const struct page_sample_span *span, uint64_t *random)
{
	return span->from + next_random(random) % chunks_of(span) * CHUNK;
}

size_t page_sample_spread(const struct page_sample_span *span, uint64_t *random,
			  uint64_t *at)
{
	uint64_t all = chunks_of(span);
	size_t n = all < CHUNKS ? (size_t)all : CHUNKS;

	for (size_t i = 0; i < n; i++) {
		uint64_t first = all * i / n;
		uint64_t end = all * (i + 1) / n;
		uint64_t chunk = first + next_random(random) % (end - first);

		at[i] = span->from + chunk * CHUNK;
	}
	/* in random order: a look that is cut short stays spread */
	for (size_t i = n; i > 1; i--) {
		size_t j = (size_t)(next_random(random) % i);
		uint64_t moved = at[i - 1];

		at[i - 1] = at[j];
		at[j] = moved;
	}
	return n;
}

uint64_t page_sample_near(const struct page_sample_span *span, uint64_t *random,
			  uint64_t near, unsigned int step)
{
	uint64_t far = (uint64_t)step * CHUNK;
	bool below = next_random(random) & 1;

	if (below && near - span->from >= far)
		return near - far;
	if (!below && span->to - near > far)
		return near + far;
	return anywhere(span, random);
}

/* --- looking ------------------------------------------------------------ */

struct chunk {
	uint64_t at;
	bool strewn; /* its place was chosen at random */
	bool seen;   /* `before` holds the first look */
	struct xbzrle_tally tally;
};

struct sample {
	struct qmp *q;
	struct page_sample_pace *pace; /* or NULL */
	struct mono began;
	struct page_sample_span span;
	uint64_t random;
	int fd;
	bool added;
	bool maybe_added; /* its answer did not come: the number is not known */
	bool hangs;	  /* the monitor does: no use in asking more */
	size_t compared;  /* chunks, with their first look */
	struct qmp_added_fd theirs;
	char path[48]; /* of theirs, as QEMU opens it */
	struct chunk chunks[CHUNKS];
	size_t n;
	/* of strewn chunks that made room for others: none had changed */
	size_t left_pages;
	uint8_t (*before)[CHUNK];
	uint8_t now[CHUNK];
};

static struct mono call_deadline(void)
{
	return mono_in_ms(CALL_MS);
}

static const char label[] = "vmferry page sample";

static double spent_ms(const struct sample *s)
{
	return mono_diff_ms(mono_now(), s->began);
}

void page_sample_hurry(struct page_sample_pace *pace)
{
	pace->in_the_way = true;
	waitq_wake_all(&pace->changed);
}

static bool is_in_the_way(const struct sample *s)
{
	return s->pace && s->pace->in_the_way &&
	       spent_ms(s) >= s->pace->quiet_ms;
}

/* Whether a guest in which little changes was looked at for long enough. */
static bool is_over(const struct sample *s)
{
	return is_in_the_way(s) &&
	       (s->compared >= FEWEST_CHUNKS || s->compared >= s->n);
}

static int read_chunk(const struct sample *s, uint64_t at, uint8_t *to,
		      struct err *err)
{
	ssize_t n;

	/* who else has a command for this QEMU comes first */
	task_yield();
	if (qmp_pmemsave(s->q, at, CHUNK, s->path, call_deadline(), err) < 0)
		return -1;
	n = pread(s->fd, to, CHUNK, 0);
	if (n < 0)
		return err_sys(err, errno, "cannot read the sample");
	if (n != CHUNK)
		return err_set(err, ERR_SYSTEM,
			       "QEMU wrote %zd of %d bytes of the sample", n,
			       CHUNK);
	return 0;
}

static int look_at(struct sample *s, size_t i, struct err *err)
{
	struct chunk *c = &s->chunks[i];

	if (!c->seen) {
		if (read_chunk(s, c->at, s->before[i], err) < 0)
			return -1;
		c->seen = true;
		return 0;
	}
	if (read_chunk(s, c->at, s->now, err) < 0)
		return -1;
	s->compared++;
	c->tally = (struct xbzrle_tally){ 0 };
	for (size_t at = 0; at < CHUNK; at += POLICY_PAGE_BYTES)
		xbzrle_tally_pair(&c->tally, s->before[i] + at, s->now + at);
	return 0;
}

static int look_first(struct sample *s, struct err *err)
{
	struct mono until = mono_in_ms(LOOK_MS);

	for (size_t i = 0; i < s->n; i++) {
		if ((i && mono_before(until, mono_now())) ||
		    (i >= FEWEST_CHUNKS && is_in_the_way(s)))
			s->n = i;
		else if (look_at(s, i, err) < 0)
			return -1;
	}
	return 0;
}

/* As far as the time goes. */
static int look_again(struct sample *s, struct err *err)
{
	for (size_t i = 0; i < s->n && spent_ms(s) < ALL_MS; i++) {
		if (is_over(s))
			return 0;
		if (look_at(s, i, err) < 0)
			return -1;
	}
	return 0;
}

/* The @turn-th chunk that changed, around and around; NULL: none did. */
static const struct chunk *changed_chunk(const struct sample *s, size_t turn)
{
	size_t changed = 0;

	for (size_t i = 0; i < s->n; i++)
		changed += s->chunks[i].tally.pages > 0;
	if (!changed)
		return NULL;
	turn %= changed;
	for (size_t i = 0;; i++) {
		if (s->chunks[i].tally.pages && !turn--)
			return &s->chunks[i];
	}
}

static bool is_taken(const struct sample *s, uint64_t at)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->chunks[i].at == at)
			return true;
	}
	return false;
}

/* Another place for a chunk that did not change. */
static void move_chunk(struct sample *s, size_t i)
{
	const struct chunk *near = i % 2 ? changed_chunk(s, i / 2) : NULL;
	unsigned int step = 1;
	uint64_t at;

	if (near) {
		do
			at = page_sample_near(&s->span, &s->random, near->at,
					      step);
		while (is_taken(s, at) && step++ < CHUNKS);
	} else {
		at = anywhere(&s->span, &s->random);
	}
	if (s->chunks[i].strewn)
		s->left_pages += PAGE_SAMPLE_CHUNK_PAGES;
	s->chunks[i] = (struct chunk){ .at = at, .strewn = !near };
}

static int look_elsewhere(struct sample *s, struct err *err)
{
	for (size_t i = 0; i < s->n && spent_ms(s) < ALL_MS; i++) {
		if (is_over(s))
			return 0;
		if (s->chunks[i].tally.pages)
			continue;
		move_chunk(s, i);
		if (look_at(s, i, err) < 0)
			return -1;
	}
	return 0;
}

/* --- what it says -------------------------------------------------------- */

static struct xbzrle_tally sum(const struct sample *s)
{
	struct xbzrle_tally t = { 0 };

	for (size_t i = 0; i < s->n; i++) {
		t.pages += s->chunks[i].tally.pages;
		t.wire_bytes += s->chunks[i].tally.wire_bytes;
	}
	return t;
}

/* Only of places that were chosen without a look at what changes. */
static struct xbzrle_share changed_share(const struct sample *s, size_t *of)
{
	size_t pages = s->left_pages, changed = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (!s->chunks[i].strewn)
			continue;
		pages += PAGE_SAMPLE_CHUNK_PAGES;
		changed += s->chunks[i].tally.pages;
	}
	*of = pages;
	return (struct xbzrle_share){
		.seconds = spent_ms(s) / 1000,
		.share = (double)changed / (double)pages,
	};
}

static void judge(const struct sample *s, struct xbzrle_share first,
		  struct xbzrle_verdict *out)
{
	const struct xbzrle_tally t = sum(s);
	size_t looked_at;
	double share = xbzrle_likely_share(first, changed_share(s, &looked_at));

	xbzrle_judge(&t, share, out);
	out->looked_at = looked_at;
	if (t.pages < XBZRLE_FEWEST_PAGES)
		snprintf(out->why, sizeof(out->why),
			 "quiet: %zu pages were seen changing in %.1f s",
			 t.pages, spent_ms(s) / 1000);
}

static struct mono moment(const struct sample *s, double ms)
{
	return mono_add_ms(s->began, (int64_t)ceil(ms));
}

static int look_after(struct sample *s, double ms, struct err *err)
{
	if (task_sleep_until(moment(s, ms), err) < 0)
		return -1;
	return look_again(s, err);
}

static double rest_ends_ms(const struct sample *s, double ms)
{
	return s->pace && s->pace->in_the_way ? fmin(ms, s->pace->quiet_ms)
					      : ms;
}

/* Rests until @ms after the beginning, or until it is over. */
static int rest(const struct sample *s, double ms, struct err *err)
{
	struct waitq *changed = s->pace ? &s->pace->changed : NULL;
	AUTO_ERR struct err e = { 0 };

	while (spent_ms(s) < rest_ends_ms(s, ms)) {
		if (task_wait_queue(changed, moment(s, rest_ends_ms(s, ms)),
				    &e) < 0 &&
		    e.kind != ERR_TIMEOUT) {
			err_move(err, &e);
			return -1;
		}
		err_reset(&e);
	}
	return 0;
}

/*
 * Looks here and there until enough pages were seen changing for a verdict.
 * 1: it is the last one.
 */
static int look_around(struct sample *s, struct xbzrle_verdict *out,
		       struct err *err)
{
	const struct xbzrle_share none = { 0 };
	double ms = ROUND_MS;

	if (look_after(s, ms, err) < 0)
		return -1;
	for (;;) {
		judge(s, none, out);
		if (ms >= LAST_ROUND_MS)
			return 1;
		if (out->pages >= XBZRLE_FEWEST_PAGES)
			return !out->pays;
		ms += ROUND_MS;
		if (look_elsewhere(s, err) < 0 || rest(s, ms, err) < 0)
			return -1;
		if (is_over(s))
			return 1;
		if (look_again(s, err) < 0)
			return -1;
	}
}

static int look(struct sample *s, struct xbzrle_verdict *out, struct err *err)
{
	struct xbzrle_share first;
	size_t looked_at;
	int rc;

	if (look_first(s, err) < 0)
		return -1;
	rc = look_around(s, out, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	/* it pays, even if somebody waits */
	s->pace = NULL;
	first = changed_share(s, &looked_at);
	if (look_after(s, LAST_ROUND_MS, err) < 0)
		return -1;
	judge(s, first, out);
	return 0;
}

/* --- getting there, and away -------------------------------------------- */

static int hand_over(struct sample *s, struct err *err)
{
	int rc;

	/* without MFD_ALLOW_SEALING: nobody can seal it against us */
	s->fd = memfd_create("vmferry-sample", MFD_CLOEXEC);
	if (s->fd < 0)
		return err_sys(err, errno, "cannot make a memfd");
	/* QEMU may be another user; only who has a descriptor gets at it */
	if (fchmod(s->fd, 0666) < 0)
		return err_sys(err, errno, "cannot set the memfd's mode");
	/* a cancel must not lose the number that takes it back */
	task_shield();
	rc = qmp_add_fd(s->q, s->fd, label, &s->theirs, call_deadline(), err);
	task_unshield();
	if (rc < 0) {
		s->maybe_added = err_has(err, ERR_TIMEOUT);
		return -1;
	}
	s->added = true;
	snprintf(s->path, sizeof(s->path), "/proc/self/fd/%" PRId64,
		 s->theirs.fd);
	return 0;
}

static void take_back_fd(const struct sample *s)
{
	AUTO_ERR struct err e = { 0 };
	int rc = 0;

	if (s->hangs)
		return;
	task_shield();
	if (s->added)
		rc = qmp_remove_fd(s->q, &s->theirs, call_deadline(), &e);
	else if (s->maybe_added)
		rc = qmp_remove_labelled_fds(s->q, label, call_deadline(), &e);
	task_unshield();
	if (rc < 0)
		log_info(qmp_side(s->q), "remove-fd: %s", e.message);
}

static void take_back(struct sample *s)
{
	take_back_fd(s);
	close_fd(s->fd);
	if (s->before)
		explicit_bzero(s->before, CHUNKS * sizeof(*s->before));
	free(s->before);
	explicit_bzero(s->now, sizeof(s->now));
	free(s);
}

static int find_places(struct sample *s, const char *machine,
		       uint64_t ram_bytes, struct err *err)
{
	uint64_t at[CHUNKS];
	uint64_t base, below_4g;
	const char *why;

	if (qmp_base_memory_bytes(s->q, &base, call_deadline(), err) < 0 ||
	    qmp_ram_below_4g_bytes(s->q, &below_4g, call_deadline(), err) < 0)
		return -1;
	if (base > ram_bytes)
		base = ram_bytes;
	if (page_sample_find_span(machine, base, below_4g, &s->span, &why) < 0)
		return err_set(err, ERR_SYSTEM, "%s", why);
	if (getrandom(&s->random, sizeof(s->random), 0) != sizeof(s->random))
		return err_sys(err, errno, "getrandom");
	s->random |= 1;
	s->n = page_sample_spread(&s->span, &s->random, at);
	for (size_t i = 0; i < s->n; i++)
		s->chunks[i] = (struct chunk){ .at = at[i], .strewn = true };
	s->before = xcalloc(CHUNKS, sizeof(*s->before));
	return 0;
}

static int take(struct sample *s, const char *machine, uint64_t ram_bytes,
		struct xbzrle_verdict *out, struct err *err)
{
	struct qmp_status status;

	if (qmp_query_status(s->q, &status, call_deadline(), err) < 0)
		return -1;
	if (!status.running)
		return err_set(err, ERR_SYSTEM, "the guest is not running");
	if (find_places(s, machine, ram_bytes, err) < 0 ||
	    hand_over(s, err) < 0)
		return -1;
	s->began = mono_now();
	return look(s, out, err);
}

/*
 * Whether @e is more than no sample. A command that took too long is not, if
 * QEMU answers the next one; else *e becomes what came of that.
 */
static bool is_lost(struct sample *s, struct err *e)
{
	AUTO_ERR struct err silence = { 0 };
	struct qmp_status status;

	if (err_has(e, ERR_TIMEOUT) &&
	    qmp_query_status(s->q, &status, mono_in_ms(ANSWER_MS), &silence) <
		    0) {
		s->hangs = err_has(&silence, ERR_TIMEOUT);
		err_move(e, &silence);
	}
	return s->hangs || qmp_check(s->q, NULL) < 0 ||
	       err_has(e, ERR_CANCELLED);
}

int page_sample_judge(struct qmp *q, const char *machine, uint64_t ram_bytes,
		      struct page_sample_pace *pace, struct xbzrle_verdict *out,
		      struct err *err)
{
	struct sample *s = XNEW(struct sample);
	AUTO_ERR struct err e = { 0 };
	AUTO_FREE char *text = NULL;
	bool lost;
	int rc;

	s->q = q;
	s->pace = pace;
	s->fd = -1;
	rc = take(s, machine, ram_bytes, out, &e);
	lost = rc < 0 && is_lost(s, &e);
	take_back(s);
	if (rc == 0)
		return 0;
	*out = (struct xbzrle_verdict){ .shrink = 1 };
	if (lost) {
		err_move(err, &e);
		return err_wrap(err, ERR_NONE,
				"cannot take a sample of the guest's pages");
	}
	text = err_text(&e);
	snprintf(out->why, sizeof(out->why), "no sample: %s", text);
	log_info(qmp_side(q), "xbzrle: %s", out->why);
	return 0;
}
