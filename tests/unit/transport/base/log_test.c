/* SPDX-License-Identifier: MIT */
/* Tests of transport/base/log.c. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/log.h"

static char last[128];

static void keep(void *arg, enum log_level level, const char *side,
		 const char *text)
{
	snprintf(last, sizeof(last), "%s %d %s: %s", (const char *)arg,
		 (int)level, side ? side : "-", text);
}

TEST(a_line_reaches_the_sink_with_its_level_and_side)
{
	log_set_sink(keep, (void *)"sink");
	log_warn("source", "%d of %s", 3, "five");
	assert_string_equal(last, "sink 2 source: 3 of five");
	log_debug(NULL, "x");
	assert_string_equal(last, "sink 0 -: x");
	log_set_sink(NULL, NULL);
}

TEST(without_a_sink_a_line_goes_nowhere)
{
	log_set_sink(keep, (void *)"sink");
	log_set_sink(NULL, NULL);
	last[0] = '\0';
	log_info("source", "text");
	assert_string_equal(last, "");
}
