/* SPDX-License-Identifier: MIT */
/* spread: median and ninth decile. */
#include "engine/policy/spread.h"

#include <math.h>

#include "tests/unit/test.h"

enum { MOST = 100 };

/* Of 1 … @n, in an order that is neither up nor down. */
static struct spread of_first(size_t n)
{
	double v[MOST];
	size_t at = 0;

	for (size_t i = 1; i <= n; i += 2)
		v[at++] = (double)i;
	for (size_t i = n - n % 2; i >= 2; i -= 2)
		v[at++] = (double)i;
	return spread_of(v, n);
}

TEST(of_nothing_it_is_unknown)
{
	struct spread s = of_first(0);

	assert_true(isnan(s.p50) && isnan(s.p90));
}

TEST(one_number_is_both)
{
	struct spread s = of_first(1);

	assert_true(s.p50 == 1 && s.p90 == 1);
}

TEST(the_middle_of_an_odd_number_is_one_of_them)
{
	assert_true(of_first(3).p50 == 2);
	assert_true(of_first(99).p50 == 50);
}

TEST(the_middle_of_an_even_number_is_between_two)
{
	assert_true(of_first(2).p50 == 1.5);
	assert_true(of_first(100).p50 == 50.5);
}

TEST(nine_in_ten_do_not_exceed_the_p90)
{
	for (size_t n = 1; n <= MOST; n++)
		assert_true(of_first(n).p90 == ceil(0.9 * (double)n));
}

TEST(numbers_may_be_equal_or_negative)
{
	double v[] = { 5, -1, 5, 5, -1 };
	struct spread s = spread_of(v, 5);

	assert_true(s.p50 == 5 && s.p90 == 5);
}
