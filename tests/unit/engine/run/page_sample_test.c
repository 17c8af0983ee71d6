/* SPDX-License-Identifier: MIT */
/* page_sample: where it looks, how it gives up, and real guests. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/run/page_sample.h"
#include "qmp/qmp_machine.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

enum { CHUNK = PAGE_SAMPLE_CHUNK_BYTES };
#define MIB (1ull << 20)
#define GIB (1ull << 30)

/* --- where --------------------------------------------------------------- */

static struct page_sample_span span_of(const char *machine, uint64_t base)
{
	struct page_sample_span span = { 0 };
	const char *why = NULL;

	assert_int_equal(page_sample_find_span(machine, base, 0, &span, &why),
			 0);
	return span;
}

static void no_span(const char *machine, uint64_t base, uint64_t below_4g,
		    const char *words)
{
	struct page_sample_span span;
	const char *why = "";

	assert_int_equal(page_sample_find_span(machine, base, below_4g, &span,
					       &why),
			 -1);
	assert_non_null(strstr(why, words));
}

TEST(a_pc_is_read_from_1_mib_to_16_below_its_end)
{
	struct page_sample_span span = span_of("pc-i440fx-7.2", GIB);

	assert_true(span.from == MIB);
	assert_true(span.to == GIB - 16 * MIB);
}

TEST(no_pc_is_read_beyond_2_gib)
{
	assert_true(span_of("pc-q35-rhel9.0.0", 64 * GIB).to ==
		    2 * GIB - 16 * MIB);
	assert_true(span_of("microvm", 4 * GIB).to == 2 * GIB - 16 * MIB);
}

TEST(a_span_is_whole_chunks)
{
	struct page_sample_span span = span_of("pc", 131080 * 1024ull);

	assert_int_equal((span.to - span.from) % CHUNK, 0);
	assert_true(span.to <= 131080 * 1024ull - 16 * MIB);
}

TEST(other_machines_are_not_read)
{
	no_span("virt-7.2", GIB, 0, "machine type");
	no_span("pc-dream-1", GIB, 0, "machine type");
}

TEST(memory_that_is_split_early_is_not_read)
{
	struct page_sample_span span;
	const char *why;

	no_span("pc-q35-7.2", 4 * GIB, GIB, "max-ram-below-4g");
	assert_int_equal(page_sample_find_span("pc-q35-7.2", 4 * GIB, 2 * GIB,
					       &span, &why),
			 0);
	assert_int_equal(
		page_sample_find_span("pc", 512 * MIB, GIB, &span, &why), 0);
}

TEST(a_tiny_guest_is_not_read)
{
	no_span("pc", 17 * MIB, 0, "too little");
	no_span("pc", 0, 0, "too little");
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

TEST(each_part_of_memory_gets_one_chunk)
{
	const struct page_sample_span span = { MIB, MIB + 6400ull * CHUNK };
	uint64_t at[PAGE_SAMPLE_CHUNKS];
	uint64_t random = 1;

	for (int round = 0; round < 100; round++) {
		assert_int_equal(page_sample_spread(&span, &random, at),
				 PAGE_SAMPLE_CHUNKS);
		qsort(at, PAGE_SAMPLE_CHUNKS, sizeof(at[0]), by_value);
		for (size_t i = 0; i < PAGE_SAMPLE_CHUNKS; i++) {
			assert_true(at[i] >= MIB + i * 100 * CHUNK);
			assert_true(at[i] < MIB + (i + 1) * 100 * CHUNK);
			assert_int_equal((at[i] - MIB) % CHUNK, 0);
		}
	}
}

TEST(the_first_few_are_spread_too)
{
	const struct page_sample_span span = { 0, 6400ull * CHUNK };
	uint64_t at[PAGE_SAMPLE_CHUNKS];
	uint64_t random = 99;
	double sum = 0;

	for (int round = 0; round < 1000; round++) {
		(void)page_sample_spread(&span, &random, at);
		sum += (double)at[0] / (double)span.to / 1000;
	}
	assert_float_equal(sum, 0.5, 0.05);
}

TEST(a_small_guest_is_looked_at_whole)
{
	const struct page_sample_span span = { MIB, MIB + 5ull * CHUNK };
	uint64_t at[PAGE_SAMPLE_CHUNKS];
	uint64_t random = 1;

	assert_int_equal(page_sample_spread(&span, &random, at), 5);
	qsort(at, 5, sizeof(at[0]), by_value);
	for (size_t i = 0; i < 5; i++)
		assert_true(at[i] == MIB + i * CHUNK);
}

TEST(what_is_near_is_in_the_span)
{
	const struct page_sample_span span = { MIB, MIB + 10ull * CHUNK };
	uint64_t random = 5;
	bool below = false, above = false;

	for (uint64_t near = span.from; near < span.to; near += CHUNK) {
		for (unsigned int i = 0; i < 400; i++) {
			uint64_t at = page_sample_near(&span, &random, near,
						       i % 20 + 1);

			assert_true(at >= span.from && at < span.to);
			assert_int_equal((at - span.from) % CHUNK, 0);
			below |= i % 20 == 0 && at + CHUNK == near;
			above |= i % 20 == 0 && at == near + CHUNK;
		}
	}
	assert_true(below && above);
}

/* --- giving up ----------------------------------------------------------- */

#define RUNNING                                                      \
	{                                                            \
		.expect = "query-status",                            \
		.reply = "{\"status\":\"running\",\"running\":true," \
			 "\"singlestep\":false}"                     \
	}
#define MEMORY                                       \
	{ .expect = "query-memory-size-summary",     \
	  .reply = "{\"base-memory\":1073741824}" }, \
	{                                            \
		.expect = "qom-get", .reply = "0"    \
	}
#define ADD                                                     \
	{                                                       \
		.expect = "add-fd", .fd = true,                 \
		.args = "{\"opaque\":\"vmferry page sample\"}", \
		.reply = "{\"fdset-id\":4,\"fd\":17}"           \
	}
#define REMOVE                                                              \
	{                                                                   \
		.expect = "remove-fd", .args = "{\"fdset-id\":4,\"fd\":17}" \
	}

/* What the bodies below got. */
static struct xbzrle_verdict verdict;

static void no_sample_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };

	expect_ok(page_sample_judge(q, "pc-i440fx-7.2", GIB, NULL, &verdict,
				    &err),
		  &err);
	assert_false(verdict.pays);
	assert_float_equal(verdict.shrink, 1, 0);
}

TEST(a_paused_guest_is_left_alone)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-status",
		  .reply = "{\"status\":\"paused\",\"running\":false,"
			   "\"singlestep\":false}" },
	};

	WITH_SCRIPT(steps, no_sample_body);
	assert_non_null(strstr(verdict.why, "not running"));
}

TEST(a_qemu_that_cannot_open_it_gets_its_descriptor_taken)
{
	static const struct fake_step steps[] = {
		RUNNING, MEMORY,
		ADD,	 { .expect = "pmemsave", .error = "Could not open" },
		REMOVE,
	};

	WITH_SCRIPT(steps, no_sample_body);
	assert_non_null(strstr(verdict.why, "Could not open"));
}

TEST(a_chunk_cut_short_is_no_sample)
{
	static const struct fake_step steps[] = {
		RUNNING, MEMORY, ADD, { .expect = "pmemsave" }, REMOVE,
	};

	WITH_SCRIPT(steps, no_sample_body);
	assert_non_null(strstr(verdict.why, "wrote 0 of 65536"));
}

TEST(a_qemu_that_takes_no_descriptor_is_no_sample)
{
	static const struct fake_step steps[] = {
		RUNNING,
		MEMORY,
		{ .expect = "add-fd", .fd = true, .error = "no" },
	};

	WITH_SCRIPT(steps, no_sample_body);
	assert_non_null(strstr(verdict.why, "refused add-fd"));
}

static void plugged_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };

	expect_ok(page_sample_judge(q, "pc-i440fx-7.2", 2 * GIB, NULL, &verdict,
				    &err),
		  &err);
}

TEST(memory_plugged_later_is_not_taken_for_low)
{
	static const struct fake_step steps[] = {
		RUNNING,
		{ .expect = "query-memory-size-summary",
		  .reply = "{\"base-memory\":8388608,"
			   "\"plugged-memory\":2139095040}" },
		{ .expect = "qom-get", .reply = "0" },
	};

	WITH_SCRIPT(steps, plugged_body);
	assert_non_null(strstr(verdict.why, "too little memory"));
}

static void lost_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(page_sample_judge(q, "pc", GIB, NULL, &verdict, &err),
			 -1);
	expect_err_kind(&err, ERR_CLOSED, "sample of the guest's pages");
}

TEST(a_lost_monitor_is_an_error)
{
	static const struct fake_step steps[] = {
		RUNNING,
		MEMORY,
		ADD,
		{ .expect = "pmemsave", .close = true },
	};

	WITH_SCRIPT(steps, lost_body);
}

static void cancelled_task(void *arg)
{
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(
		page_sample_judge(arg, "pc", GIB, NULL, &verdict, &err), -1);
	expect_err_kind(&err, ERR_CANCELLED, "sample of the guest's pages");
}

static void cancel_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_listener *l = listen_to(q);
	struct task *t =
		task_start(task_loop(), "cancelled", cancelled_task, q);
	struct qmp_event *e = next_event(q, l, SOON, &err);

	expect_ok(e ? 0 : -1, &err);
	task_cancel(t);
	/* the script answers `pmemsave` after this one */
	expect_ok(qmp_call_oob(q, "query-yank", NULL, NULL, SOON, &err), &err);
	task_join(t);
	qmp_event_free(e);
	qmp_listener_free(l);
}

TEST(a_cancelled_look_takes_its_descriptor_back)
{
	static const struct fake_step steps[] = {
		RUNNING,
		MEMORY,
		ADD,
		{ .expect = "pmemsave", .event = "STOP", .hold = true },
		{ .expect = "query-yank", .oob = true, .reply = "[]" },
		{ .release = true },
		REMOVE,
	};

	WITH_SCRIPT(steps, cancel_body);
}

/* Later than a command may take, sooner than the monitor is given up. */
enum { LATE_MS = 2400 };

static void late_task(void *arg)
{
	no_sample_body(arg);
}

/* What the script keeps back is answered late. */
static void late_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_listener *l = listen_to(q);
	struct task *t = task_start(task_loop(), "late", late_task, q);
	struct qmp_event *e = next_event(q, l, SOON, &err);

	expect_ok(e ? 0 : -1, &err);
	expect_ok(task_sleep_until(mono_in_ms(LATE_MS), &err), &err);
	expect_ok(qmp_call_oob(q, "query-yank", NULL, NULL, SOON, &err), &err);
	task_join(t);
	qmp_event_free(e);
	qmp_listener_free(l);
}

#define ANSWERS_LATE                                            \
	{ .expect = "query-yank", .oob = true, .reply = "[]" }, \
		{ .release = true }, RUNNING

TEST(a_look_that_takes_too_long_is_no_sample)
{
	static const struct fake_step steps[] = {
		RUNNING,
		MEMORY,
		ADD,
		{ .expect = "pmemsave", .event = "STOP", .hold = true },
		ANSWERS_LATE,
		REMOVE,
	};

	WITH_SCRIPT(steps, late_body);
	assert_non_null(strstr(verdict.why, "timed out"));
}

TEST(a_descriptor_taken_late_is_taken_back)
{
	static const struct fake_step steps[] = {
		RUNNING,
		MEMORY,
		{ .expect = "add-fd",
		  .fd = true,
		  .event = "STOP",
		  .hold = true,
		  .reply = "{\"fdset-id\":4,\"fd\":17}" },
		ANSWERS_LATE,
		{ .expect = "query-fdsets",
		  .reply = "[{\"fdset-id\":4,\"fds\":[{\"fd\":17,"
			   "\"opaque\":\"vmferry page sample\"}]}]" },
		REMOVE,
	};

	WITH_SCRIPT(steps, late_body);
	assert_non_null(strstr(verdict.why, "timed out"));
}

static void hanging_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(page_sample_judge(q, "pc", GIB, NULL, &verdict, &err),
			 -1);
	expect_err_kind(&err, ERR_TIMEOUT, "sample of the guest's pages");
}

TEST(a_monitor_that_hangs_is_an_error)
{
	static const struct fake_step steps[] = {
		RUNNING,
		{ .expect = "query-memory-size-summary", .hold = true },
		{ .leaves = true },
	};

	WITH_SCRIPT(steps, hanging_body);
}

/* --- real guests --------------------------------------------------------- */

/*
 * A multiboot kernel of some twenty bytes goes around 16 MiB from 2 MiB on. Its
 * header asks to be put at 1 MiB and entered behind the header.
 */
static const uint32_t header[8] = {
	0x1badb002, 0x10000,  0u - (0x1badb002 + 0x10000),
	0x100000,   0x100000, 0,
	0,	    0x100020,
};

static const uint8_t counts_in_each_page[] = {
	0xbf, 0x00, 0x00, 0x20, 0x00,	    /* 0: mov $0x200000, %edi */
	0xff, 0x07,			    /* 5: incl (%edi) */
	0x81, 0xc7, 0x00, 0x10, 0x00, 0x00, /*    add $4096, %edi */
	0x81, 0xff, 0x00, 0x00, 0x20, 0x01, /*    cmp $0x1200000, %edi */
	0x72, 0xf0,			    /*    jb 5 */
	0xeb, 0xe9,			    /*    jmp 0 */
};

static const uint8_t rewrites_each_page[] = {
	0xfc,				    /* 0: cld */
	0xbf, 0x00, 0x00, 0x20, 0x00,	    /*    mov $0x200000, %edi */
	0x05, 0xb9, 0x79, 0x37, 0x9e,	    /* 6: add $0x9e3779b9, %eax */
	0xb9, 0x00, 0x04, 0x00, 0x00,	    /*    mov $1024, %ecx */
	0xf3, 0xab,			    /*    rep stosl */
	0x81, 0xff, 0x00, 0x00, 0x20, 0x01, /*    cmp $0x1200000, %edi */
	0x72, 0xec,			    /*    jb 6 */
	0xeb, 0xe4,			    /*    jmp 0 */
};

static const uint8_t halts[] = { 0xf4 };

enum { MOST_LOOKS = 20 };

/*
 * It may still be booting at the first looks, and begin in the middle of one:
 * the second that finds it busy counts.
 */
static void look_until_busy(struct qmp *q, struct real_qemu *r)
{
	AUTO_ERR struct err err = { 0 };
	bool was_busy = false;

	(void)r;
	for (int i = 0; i < MOST_LOOKS; i++) {
		bool busy;

		expect_ok(page_sample_judge(q, "pc", 131080 * 1024ull, NULL,
					    &verdict, &err),
			  &err);
		busy = verdict.pages >= XBZRLE_FEWEST_PAGES;
		if (busy && was_busy)
			return;
		was_busy = busy;
	}
}

static void look_once(struct qmp *q, struct real_qemu *r)
{
	AUTO_ERR struct err err = { 0 };

	(void)r;
	expect_ok(page_sample_judge(q, "pc", 131080 * 1024ull, NULL, &verdict,
				    &err),
		  &err);
}

static void with_kernel(const uint8_t *code, size_t len,
			void (*body)(struct qmp *q, struct real_qemu *r))
{
	AUTO_FD int fd = memfd_create("kernel", MFD_CLOEXEC);
	AUTO_FREE char *path = xasprintf("/proc/%d/fd/%d", (int)getpid(), fd);
	const char *const extra[] = { "-M", "pc", "-kernel", path, NULL };

	verdict = (struct xbzrle_verdict){ 0 };
	assert_int_equal(write(fd, header, sizeof(header)), sizeof(header));
	assert_int_equal(write(fd, code, len), len);
	/* QEMU searches this much for a header */
	assert_int_equal(ftruncate(fd, 8192), 0);
	with_real(extra, body);
}

TEST(counters_pay)
{
	with_kernel(counts_in_each_page, sizeof(counts_in_each_page),
		    look_until_busy);
	assert_true(verdict.pays);
	assert_true(verdict.shrink < 0.01);
	/* 16 of 128 MiB */
	assert_true(verdict.changed_share > 0.01);
	assert_true(verdict.changed_share < 0.5);
}

TEST(pages_rewritten_whole_do_not_pay)
{
	with_kernel(rewrites_each_page, sizeof(rewrites_each_page),
		    look_until_busy);
	assert_true(verdict.pages >= XBZRLE_FEWEST_PAGES);
	assert_false(verdict.pays);
	assert_true(verdict.shrink > 0.9);
}

TEST(a_guest_at_rest_is_quiet)
{
	with_kernel(halts, sizeof(halts), look_once);
	assert_false(verdict.pays);
	assert_non_null(strstr(verdict.why, "quiet"));
}

/* --- in somebody's way --------------------------------------------------- */

static struct page_sample_pace pace;
static double took_ms;

/* Its BIOS, which writes to memory, is over: it is at its `hlt`. */
static void await_rest(struct qmp *q)
{
	for (int seen = 0; seen < 3;) {
		AUTO_ERR struct err err = { 0 };
		AUTO_FREE char *text =
			qmp_human(q, "info registers", SOON, &err);

		if (!text)
			fail_with_err(&err);
		seen = strstr(text, "HLT=1") ? seen + 1 : 0;
		expect_ok(task_sleep_until(mono_in_ms(50), &err), &err);
	}
}

static void look_in_the_way(struct qmp *q, struct real_qemu *r)
{
	AUTO_ERR struct err err = { 0 };
	struct mono began = mono_now();

	(void)r;
	expect_ok(page_sample_judge(q, "pc", 131080 * 1024ull, &pace, &verdict,
				    &err),
		  &err);
	took_ms = mono_diff_ms(mono_now(), began);
}

static void hurry(struct qmp *q, struct real_qemu *r)
{
	page_sample_hurry(&pace);
	look_in_the_way(q, r);
}

static void (*at_rest)(struct qmp *q, struct real_qemu *r);

static void when_at_rest(struct qmp *q, struct real_qemu *r)
{
	await_rest(q);
	at_rest(q, r);
}

/* How many pages it has looked at, and so whether it looked elsewhere. */
static size_t pages_of_a_quiet_guest(double quiet_ms,
				     void (*body)(struct qmp *q,
						  struct real_qemu *r))
{
	pace = (struct page_sample_pace){ .quiet_ms = quiet_ms };
	at_rest = body;
	with_kernel(halts, sizeof(halts), when_at_rest);
	assert_false(verdict.pays);
	assert_non_null(strstr(verdict.why, "quiet"));
	return verdict.looked_at;
}

TEST(a_quiet_guest_is_not_waited_for)
{
	assert_true(pages_of_a_quiet_guest(0, hurry) <=
		    PAGE_SAMPLE_CHUNKS * PAGE_SAMPLE_CHUNK_PAGES);
}

TEST(a_quiet_guest_in_nobodys_way_is_looked_at_for_a_second)
{
	(void)pages_of_a_quiet_guest(0, look_in_the_way);
	assert_true(took_ms >= 1000);
}

TEST(a_quiet_guest_may_be_worth_some_time)
{
	(void)pages_of_a_quiet_guest(600, hurry);
	assert_true(took_ms >= 600);
}

static void hurry_later(void *arg)
{
	(void)arg;
	(void)task_sleep_until(mono_in_ms(300), NULL);
	page_sample_hurry(&pace);
}

static void be_hurried(struct qmp *q, struct real_qemu *r)
{
	struct task *t = task_start(task_loop(), "hurry", hurry_later, NULL);

	look_in_the_way(q, r);
	task_join(t);
}

TEST(a_look_that_rests_is_woken_when_somebody_waits)
{
	(void)pages_of_a_quiet_guest(0, be_hurried);
	assert_true(pace.in_the_way);
}

static void look_until_busy_in_the_way(struct qmp *q, struct real_qemu *r)
{
	for (int i = 0; i < MOST_LOOKS; i++) {
		hurry(q, r);
		if (verdict.pages >= XBZRLE_FEWEST_PAGES)
			return;
	}
}

TEST(a_busy_guest_is_waited_for)
{
	pace = (struct page_sample_pace){ .quiet_ms = 0 };
	with_kernel(counts_in_each_page, sizeof(counts_in_each_page),
		    look_until_busy_in_the_way);
	assert_true(verdict.pages >= XBZRLE_FEWEST_PAGES);
	assert_true(verdict.pays);
	/* seen twice, the second time a second after the beginning */
	assert_true(took_ms >= 1000);
}
