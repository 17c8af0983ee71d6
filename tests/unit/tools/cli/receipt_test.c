/* SPDX-License-Identifier: MIT */
/* Tests of tools/cli/receipt.c. */
#include <stdint.h>
#include <string.h>

#include "tests/unit/test.h"
#include "tools/cli/receipt.h"
#include "transport/base/xalloc.h"

static const struct style plain = { .utf8 = true };

static void fill(struct result *r)
{
	result_init(r);
	r->outcome = OUTCOME_MIGRATED;
	r->guest = xstrdup("web1");
	r->source = xstrdup("hosta");
	r->destination = xstrdup("hostb");
}

TEST(a_receipt_says_only_what_is_known)
{
	struct buf b = { 0 };
	struct result r;

	fill(&r);
	receipt_migration(&b, &plain, &r);
	assert_string_equal(buf_data(&b), "✔ web1 moved hosta → hostb\n");
	buf_free(&b);
	result_free(&r);
}

TEST(a_receipt_has_the_figures)
{
	struct buf b = { 0 };
	struct result r;

	fill(&r);
	r.total_ms = 18900;
	r.blackout_ms = 48;
	r.blackout_uncertainty_ms = 2;
	r.budget_ms = 100;
	r.passes = 5;
	r.tunnel_bytes = 4400000000;
	r.ram_bytes = 4000000000;
	r.throughput_bps = 812e6;
	r.forecast_total_ms = 19600;
	r.forecast_blackout_ms = 55;
	r.attempts = 2;
	r.transport = "ssh";
	receipt_migration(&b, &plain, &r);
	assert_string_equal(buf_data(&b),
			    "✔ web1 moved hosta → hostb in 18.9 s   "
			    "blackout 48 ms ± 2.0 ms (budget 100)   5 passes, "
			    "second try\n"
			    "  sent 4.4 GB (1.1 × RAM) at 812 MB/s   "
			    "forecast was 19.6 s, 55 ms   over ssh\n");
	buf_free(&b);
	result_free(&r);
}

static bool receipt_has(long long passes, const char *words)
{
	struct result r = { .passes = passes };
	struct buf b = { 0 };
	bool has;

	receipt_migration(&b, &plain, &r);
	has = strstr(buf_data(&b), words) != NULL;
	buf_free(&b);
	return has;
}

TEST(passes_are_counted_from_none_and_left_out_when_unknown)
{
	assert_true(receipt_has(0, "0 passes"));
	assert_true(receipt_has(1, "1 pass"));
	assert_false(receipt_has(1, "1 passes"));
	assert_false(receipt_has(-1, "pass"));
}

TEST(an_error_says_what_where_why_and_what_next)
{
	struct err e = { 0 };
	struct buf b = { 0 };

	err_set(&e, ERR_NETWORK, "Connection refused");
	err_wrap(&e, ERR_NONE, "cannot log in");
	err_at_host(&e, "hostb");
	err_hint(&e, "start sshd");
	receipt_error(&b, &plain, &e);
	assert_string_equal(buf_data(&b), "error: cannot log in, on hostb\n"
					  "  because Connection refused\n"
					  "  next:   start sshd\n");
	buf_free(&b);
	err_reset(&e);
}

TEST(a_host_is_not_named_twice)
{
	struct err e = { 0 };
	struct buf b = { 0 };

	err_set(&e, ERR_NETWORK, "cannot reach hostb");
	err_at_host(&e, "hostb");
	receipt_error(&b, &plain, &e);
	assert_string_equal(buf_data(&b), "error: cannot reach hostb\n");
	buf_free(&b);
	err_reset(&e);
}

TEST(lines_of_others_stay_lines)
{
	struct err e = { 0 };
	struct buf b = { 0 };

	err_set(&e, ERR_REMOTE, "qemu: one\nqemu: \033two\n");
	err_wrap(&e, ERR_NONE, "QEMU ended");
	receipt_error(&b, &plain, &e);
	assert_string_equal(buf_data(&b), "error: QEMU ended\n"
					  "  because qemu: one\n"
					  "          qemu: \\x1btwo\n");
	buf_free(&b);
	err_reset(&e);
}
