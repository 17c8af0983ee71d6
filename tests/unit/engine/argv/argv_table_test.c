/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_table.c. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv_table.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

TEST(one_and_two_dashes_are_the_same)
{
	assert_non_null(argv_table_find("-drive"));
	assert_ptr_equal(argv_table_find("-drive"), argv_table_find("--drive"));
}

TEST(what_is_no_option_is_not_found)
{
	static const char *const words[] = { "-",     "--",	"---drive",
					     "-driv", "-m=128", "-Drive" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		assert_null(argv_table_find(words[i]));
}

/* Options whose arity decides how the rest of a command line is read. */
TEST(flags_take_no_value)
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

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		assert_non_null(argv_table_find(flags[i]));
		assert_false(argv_table_find(flags[i])->has_arg);
	}
}

TEST(files_and_names_are_values)
{
	static const char *const options[] = {
		"-readconfig", "-writeconfig", "-kernel",   "-initrd",
		"-append",     "-drive",       "-pidfile",  "-D",
		"-bios",       "-loadvm",      "-incoming", "-name",
		"-chardev",    "-machine",     "-mem-path", "-L",
		"-dtb",	       "-option-rom",  "-add-fd",   "-runas",
		"-chroot",     "-vnc",	       "-display",  "-virtfs",
		"-acpitable",  "-smbios",      "-cdrom",    "-netdev",
		"-device",     "-object",      "-trace",    "-run-with",
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		assert_non_null(argv_table_find(options[i]));
		assert_true(argv_table_find(options[i])->has_arg);
	}
}

TEST(a_bare_word_is_an_image)
{
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

TEST(every_option_of_the_installed_qemu_is_known)
{
	FILE *help = popen("qemu-system-x86_64 -help 2>/dev/null", "r");
	char line[512], word[64];
	unsigned int n = 0;

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
