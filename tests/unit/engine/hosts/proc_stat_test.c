/* SPDX-License-Identifier: MIT */
/* Tests of engine/hosts/proc_stat.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/hosts/proc_stat.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static const char line[] =
	"4211 (qemu) ) S 1 4211 4211 0 -1 4194560 1 2 3 4 15 26 7 8 20 0 "
	"9 0 256272 4096 1 18446744073709551615 1 1";

TEST(fields_are_counted_behind_the_command)
{
	struct proc_stat stat;

	assert_int_equal(proc_stat_read(line, &stat), 0);
	assert_int_equal(stat.state, 'S');
	assert_int_equal(stat.parent, 1);
	assert_int_equal(stat.cpu_ticks, 15 + 26);
	assert_int_equal(stat.threads, 9);
	assert_int_equal(stat.start_ticks, 256272);
}

TEST(the_kernel_writes_such_lines)
{
	FILE *f = fopen("/proc/self/stat", "re");
	struct proc_stat stat;
	char text[1024];

	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	assert_int_equal(proc_stat_read(text, &stat), 0);
	assert_int_equal(stat.state, 'R');
	assert_int_equal(stat.parent, getppid());
	assert_int_equal(stat.threads, 1);
	assert_true(stat.start_ticks > 0);
}

TEST(anything_else_is_refused)
{
	struct proc_stat stat;

	assert_int_equal(proc_stat_read("", &stat), -1);
	assert_int_equal(proc_stat_read("1 (x) S 1", &stat), -1);
	assert_int_equal(proc_stat_read("gone", &stat), -1);
}
