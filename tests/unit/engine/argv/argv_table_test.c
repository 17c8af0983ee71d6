/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_table.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/argv/argv_table.h"
#include "transport/base/xalloc.h"
static void one_and_two_dashes_are_the_same(void **state)
{
	(void)state;
	assert_non_null(argv_table_find("-drive"));
	assert_ptr_equal(argv_table_find("-drive"), argv_table_find("--drive"));
}

static void what_is_no_option_is_not_found(void **state)
{
	static const char *const words[] = { "-",     "--",	"---drive",
					     "-driv", "-m=128", "-Drive" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		assert_null(argv_table_find(words[i]));
}

/* Options whose arity decides how the rest of a command line is read. */
static void flags_take_no_value(void **state)
{
	static const char *const flags[] = {
		"-S",
		"-s",
		"-usb",
		"-nographic",
		"-daemonize",
		"-snapshot",
		"-enable-kvm",
		"-nodefaults",
		"-no-user-config",
		"-no-reboot",
		"-no-shutdown",
		"-no-hpet",
		"-no-acpi",
		"-only-migratable",
		"-mem-prealloc",
		"-preconfig",
		"-singlestep",
		"-portrait",
		"-full-screen",
		"-win2k-hack",
		"-no-fd-bootchk",
		"-async-teardown",
		"-enable-sync-profile",
		"-xen-attach",
		"-perfmap",
		"-jitdump",
		"-semihosting",
		"-old-param",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		assert_non_null(argv_table_find(flags[i]));
		assert_false(argv_table_find(flags[i])->has_arg);
	}
}

static void a_bare_word_is_an_image(void **state)
{
	(void)state;
	assert_string_equal(argv_table_find("drive")->name, "");
	assert_true(argv_table_find("drive")->has_arg);
	assert_int_equal(argv_table_find("drive")->file, ARGV_IMAGE);
	assert_ptr_equal(argv_table_find(""), argv_table_find("drive"));
}

/* The first word of a line of `qemu-system-x86_64 -help`, or "". */
static void help_word(const char *line, char *word, size_t size)
{
	size_t len = strcspn(line, " /\n");

	*word = '\0';
	if (*line == '-' && len > 1 && len < size) {
		memcpy(word, line, len);
		word[len] = '\0';
	}
}

static void every_option_of_the_installed_qemu_is_known(void **state)
{
	FILE *help = popen("qemu-system-x86_64 -help 2>/dev/null", "r");
	char line[512], word[64];
	unsigned int n = 0;

	(void)state;
	while (help && fgets(line, sizeof(line), help)) {
		help_word(line, word, sizeof(word));
		if (!*word)
			continue;
		n++;
		if (!argv_table_find(word))
			fail_msg("%s is not in the table", word);
	}
	if (help)
		pclose(help);
	if (!n)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_and_two_dashes_are_the_same),
		cmocka_unit_test(what_is_no_option_is_not_found),
		cmocka_unit_test(flags_take_no_value),
		cmocka_unit_test(a_bare_word_is_an_image),
		cmocka_unit_test(every_option_of_the_installed_qemu_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
