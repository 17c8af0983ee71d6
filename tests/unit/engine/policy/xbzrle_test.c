/* SPDX-License-Identifier: MIT */
/* xbzrle: the encoding's sizes, the verdict, the cache; one claim a test. */
#include <stdlib.h>
#include <string.h>

#include "engine/policy/xbzrle.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

enum { PAGE = POLICY_PAGE_BYTES };
#define MIB (1ull << 20)
#define GIB (1ull << 30)

static uint8_t before[PAGE], now[PAGE];

static void fill(void)
{
	for (size_t i = 0; i < PAGE; i++)
		before[i] = (uint8_t)(i * 7 + 1);
	memcpy(now, before, PAGE);
}

/* Each of these bytes becomes another one. */
static void change(size_t at, size_t len)
{
	for (size_t i = at; i < at + len; i++)
		now[i] ^= 0xff;
}

static int encoded(void)
{
	return xbzrle_encoded_bytes(before, now);
}

/* --- sizes --------------------------------------------------------------- */

TEST(equal_pages_take_nothing)
{
	fill();
	assert_int_equal(encoded(), 0);
}

TEST(a_byte_takes_two_lengths_and_itself)
{
	fill();
	change(5, 1);
	assert_int_equal(encoded(), 1 + 1 + 1);
}

TEST(a_run_of_128_has_a_length_of_two_bytes)
{
	fill();
	change(127, 1);
	assert_int_equal(encoded(), 1 + 1 + 1);
	fill();
	change(128, 1);
	assert_int_equal(encoded(), 2 + 1 + 1);
	fill();
	change(0, 127);
	assert_int_equal(encoded(), 1 + 1 + 127);
	fill();
	change(0, 128);
	assert_int_equal(encoded(), 1 + 2 + 128);
}

TEST(a_change_at_the_start_follows_an_empty_run)
{
	fill();
	change(0, 8);
	assert_int_equal(encoded(), 1 + 1 + 8);
}

TEST(a_change_at_the_end_is_found)
{
	fill();
	change(PAGE - 1, 1);
	assert_int_equal(encoded(), 2 + 1 + 1);
}

TEST(runs_that_no_word_holds_are_distinguished)
{
	fill();
	change(3, 2);
	change(6, 5);
	assert_int_equal(encoded(), (1 + 1 + 2) + (1 + 1 + 5));
}

TEST(a_page_changed_all_over_goes_out_whole)
{
	fill();
	change(0, PAGE);
	assert_int_equal(encoded(), -1);
}

/* 1 + 2 + n bytes, and after it there must be room for another length. */
TEST(what_would_not_fit_goes_out_whole)
{
	fill();
	change(0, PAGE - 5);
	assert_int_equal(encoded(), PAGE - 2);
	fill();
	change(0, PAGE - 4);
	assert_int_equal(encoded(), -1);
}

/* No equal bytes at its end: nothing more has to fit. */
TEST(a_difference_as_long_as_the_page_still_fits)
{
	fill();
	change(3, PAGE - 3);
	assert_int_equal(encoded(), PAGE);
	fill();
	change(2, PAGE - 2);
	assert_int_equal(encoded(), -1);
}

TEST(every_other_byte_goes_out_whole)
{
	fill();
	for (size_t i = 0; i < PAGE; i += 2)
		change(i, 1);
	assert_int_equal(encoded(), -1);
}

/*
 * The format, written down a second time: encoded by the letter, decoded again.
 */
static size_t put_length(uint8_t *to, size_t n)
{
	to[0] = (uint8_t)(n < 128 ? n : n % 128 + 128);
	to[1] = (uint8_t)(n / 128);
	return n < 128 ? 1 : 2;
}

static size_t encode(uint8_t *to)
{
	size_t len = 0, at = 0;

	for (;;) {
		size_t start = at;

		while (at < PAGE && before[at] == now[at])
			at++;
		if (at == PAGE)
			return len;
		len += put_length(to + len, at - start);
		start = at;
		while (at < PAGE && before[at] != now[at])
			at++;
		len += put_length(to + len, at - start);
		memcpy(to + len, now + start, at - start);
		len += at - start;
	}
}

static size_t take_length(const uint8_t **from)
{
	size_t n = *(*from)++;

	return n < 128 ? n : n - 128 + 128u * *(*from)++;
}

static void decode(const uint8_t *from, size_t len, uint8_t *page)
{
	const uint8_t *end = from + len;

	for (size_t at = 0; from < end;) {
		size_t n;

		at += take_length(&from);
		n = take_length(&from);
		memcpy(page + at, from, n);
		from += n;
		at += n;
	}
}

TEST(sizes_are_those_of_what_decodes_to_the_page)
{
	uint8_t text[3 * PAGE], page[PAGE];

	srandom(7);
	for (int round = 0; round < 3000; round++) {
		size_t len;

		fill();
		for (long runs = random() % 40; runs > 0; runs--) {
			size_t at = (size_t)random() % PAGE;
			size_t n = (size_t)random() % (PAGE - at) / 16;

			change(at, n);
		}
		len = encode(text);
		memcpy(page, before, PAGE);
		decode(text, len, page);
		assert_memory_equal(page, now, PAGE);
		if (len > PAGE)
			assert_int_equal(encoded(), -1);
		else if (len <= PAGE - 2)
			assert_int_equal(encoded(), len);
	}
}

/* --- counting ------------------------------------------------------------ */

TEST(pages_count_with_their_headers)
{
	struct xbzrle_tally t = { 0 };

	fill();
	xbzrle_tally_pair(&t, before, now);
	assert_int_equal(t.pages, 0);
	change(5, 1);
	xbzrle_tally_pair(&t, before, now);
	assert_int_equal(t.pages, 1);
	assert_int_equal(t.wire_bytes, 11 + 3);
	change(0, PAGE);
	change(5, 1);
	xbzrle_tally_pair(&t, before, now);
	assert_int_equal(t.pages, 2);
	assert_int_equal(t.wire_bytes, 11 + 3 + 8 + PAGE);
}

TEST(a_page_that_became_zero_does_not_count)
{
	static const uint8_t zero[PAGE];
	struct xbzrle_tally t = { 0 };

	fill();
	xbzrle_tally_pair(&t, before, zero);
	assert_int_equal(t.pages, 0);
	xbzrle_tally_pair(&t, zero, before);
	assert_int_equal(t.pages, 1);
}

/* --- the verdict --------------------------------------------------------- */

static struct xbzrle_verdict judged(size_t pages, double shrink, double share)
{
	struct xbzrle_tally t = { pages,
				  (uint64_t)((double)pages * PAGE * shrink) };
	struct xbzrle_verdict v;

	xbzrle_judge(&t, share, &v);
	return v;
}

TEST(small_changes_pay)
{
	struct xbzrle_verdict v = judged(100, 0.02, 0.1);

	assert_true(v.pays);
	assert_float_equal(v.shrink, 0.02, 1e-3);
	assert_int_equal(v.pages, 100);
	assert_non_null(strstr(v.why, "100 pages"));
}

TEST(whole_rewrites_do_not_pay)
{
	struct xbzrle_verdict v = judged(100, 1.002, 0.1);

	assert_false(v.pays);
	assert_float_equal(v.shrink, 1.002, 1e-3);
	assert_non_null(strstr(v.why, "not worth it"));
}

TEST(few_pages_prove_nothing)
{
	struct xbzrle_verdict v = judged(XBZRLE_FEWEST_PAGES - 1, 0.02, 0.1);

	assert_false(v.pays);
	assert_float_equal(v.shrink, 1, 0);
	assert_true(judged(XBZRLE_FEWEST_PAGES, 0.02, 0.1).pays);
}

/* --- how much will change ------------------------------------------------- */

static double likely(double s0, double share0, double s1, double share1)
{
	return xbzrle_likely_share((struct xbzrle_share){ s0, share0 },
				   (struct xbzrle_share){ s1, share1 });
}

TEST(what_stopped_growing_stays)
{
	assert_float_equal(likely(0.25, 0.2, 1, 0.2), 0.2, 1e-9);
	assert_float_equal(likely(0.25, 0.2, 1, 0.1), 0.1, 1e-9);
}

TEST(what_grows_with_time_grows_on)
{
	assert_float_equal(likely(0.25, 0.01, 1, 0.04), 0.16, 1e-9);
	assert_float_equal(likely(0.25, 0.01, 1, 0.02), 0.04, 1e-9);
}

TEST(it_grows_no_faster_than_time_and_to_no_more_than_all)
{
	assert_float_equal(likely(0.25, 0.001, 1, 0.04), 0.16, 1e-9);
	assert_float_equal(likely(0.25, 0.1, 1, 0.4), 1, 1e-9);
}

TEST(growth_that_was_not_seen_is_supposed)
{
	assert_float_equal(likely(0, 0, 1, 0.03), 0.12, 1e-9);
	assert_float_equal(likely(0, 0, 0.25, 0), 0, 1e-9);
	assert_float_equal(likely(1, 0.03, 1, 0.03), 0.12, 1e-9);
}

TEST(nothing_that_changed_any_more_is_nothing)
{
	assert_float_equal(likely(0.25, 0.1, 1, 0), 0, 1e-9);
}

/* --- the cache ----------------------------------------------------------- */

static struct xbzrle_verdict fitted(double share, uint64_t ram,
				    uint64_t available)
{
	struct xbzrle_verdict v = judged(100, 0.02, share);

	xbzrle_fit_cache(&v, ram, available);
	return v;
}

TEST(memory_of_a_power_of_two_needs_no_more_than_itself)
{
	assert_true(fitted(0.9, 256 * MIB, 64 * GIB).cache_bytes == 256 * MIB);
	assert_true(fitted(0.9, 256 * MIB + 4096, 64 * GIB).cache_bytes ==
		    512 * MIB);
}

TEST(the_cache_holds_all_memory)
{
	struct xbzrle_verdict v = fitted(0.9, 131080 * 1024ull, 64 * GIB);

	assert_true(v.cache_bytes == 256 * MIB);
	assert_float_equal(v.shrink, 0.02, 1e-3);
}

TEST(the_cache_is_at_most_1_gib)
{
	assert_true(fitted(0.01, 4 * GIB, 64 * GIB).cache_bytes == GIB);
}

TEST(the_cache_leaves_the_host_three_quarters)
{
	assert_true(fitted(0.05, 2 * GIB, GIB).cache_bytes == 256 * MIB);
	assert_true(fitted(0.05, 2 * GIB, GIB - 1).cache_bytes == 128 * MIB);
}

TEST(pages_without_a_place_go_out_whole)
{
	struct xbzrle_verdict v = fitted(0.2, 4 * GIB, 64 * GIB);

	assert_true(v.pays);
	/* of four rivals, each in five changing: 1 - 0.8^4 over 0.8 */
	assert_float_equal(v.shrink, 0.02 * 0.738 + 0.262, 1e-3);
}

TEST(a_little_more_memory_than_cache_costs_little)
{
	struct xbzrle_verdict v = fitted(0.5, GIB + 8192, 64 * GIB);

	assert_true(v.cache_bytes == GIB);
	assert_float_equal(v.shrink, 0.02, 1e-3);
}

TEST(a_working_set_beyond_the_cache_does_not_pay)
{
	struct xbzrle_verdict v = fitted(0.5, 16 * GIB, 64 * GIB);

	assert_false(v.pays);
	assert_true(v.shrink > 0.8);
	assert_true(v.cache_bytes == 0);
	assert_non_null(strstr(v.why, "8192 MiB"));
}

TEST(a_host_without_memory_gets_no_cache)
{
	struct xbzrle_verdict v = fitted(0.1, 2 * GIB, 100);

	assert_false(v.pays);
	assert_true(v.cache_bytes == 0);
	assert_non_null(strstr(v.why, "has no memory"));
}

TEST(memory_not_known_is_not_reported_as_none)
{
	struct xbzrle_verdict v = fitted(0.1, 2 * GIB, 0);

	assert_false(v.pays);
	assert_true(v.cache_bytes == 0);
	assert_non_null(strstr(v.why, "not known"));
}

TEST(every_cache_is_one_that_qemu_takes)
{
	for (uint64_t ram = 32 * MIB; ram <= 64 * GIB; ram *= 3) {
		for (uint64_t free = MIB; free < 64 * GIB; free *= 5) {
			uint64_t c = fitted(0.03, ram, free).cache_bytes;

			assert_true((c & (c - 1)) == 0);
			assert_true(c == 0 || c >= PAGE);
			assert_true(c <= GIB && c <= free / 4);
		}
	}
}

TEST(what_does_not_pay_gets_no_cache)
{
	struct xbzrle_verdict v = judged(100, 0.9, 0.1);

	xbzrle_fit_cache(&v, GIB, 64 * GIB);
	assert_false(v.pays);
	assert_true(v.cache_bytes == 0);
}
