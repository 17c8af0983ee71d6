/* SPDX-License-Identifier: MIT */
/* cpu_trial: what a QEMU is started with, and what it answers. */
#include "engine/run/cpu_trial.h"

#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

/* --- its command line ----------------------------------------------------- */

static char *words_for(bool kvm, const char *const *guest)
{
	AUTO_STRV struct strv argv = { .v = NULL }, words = { .v = NULL };

	for (; *guest; guest++)
		strv_push(&argv, *guest);
	cpu_trial_words(&argv, "pc-q35-7.2", kvm, &words);
	return strv_join(&words, " ");
}

#define FIXED "-S -nodefaults -no-user-config -display none -m 16M "

TEST(a_trial_has_the_guests_machine_and_cpu_and_nothing_else)
{
	static const char *const guest[] = {
		"/usr/bin/qemu", "-name",    "a",      "-cpu",
		"EPYC,+pcid",	 "-machine", "q35",    "-smp",
		"4,cores=2",	 "-drive",   "file=x", "-incoming",
		"defer",	 NULL,
	};
	AUTO_FREE char *words = words_for(false, guest);

	assert_string_equal(words,
			    "/usr/bin/qemu " FIXED
			    "-machine pc-q35-7.2 -accel tcg -cpu EPYC,+pcid "
			    "-smp 4,cores=2");
}

TEST(both_kinds_of_dashes_are_options)
{
	static const char *const guest[] = { "q", "--cpu", "max", NULL };
	AUTO_FREE char *words = words_for(true, guest);

	assert_string_equal(words, "q " FIXED "-machine pc-q35-7.2 -accel kvm "
				   "--cpu max");
}

TEST(the_interrupt_controller_is_the_guests)
{
	static const char *const machine[] = {
		"q", "-machine", "q35,kernel_irqchip=split,smm=on", NULL
	};
	static const char *const accel[] = { "q", "-accel",
					     "kvm,kernel-irqchip=off", NULL };
	AUTO_FREE char *first = words_for(true, machine);
	AUTO_FREE char *second = words_for(true, accel);
	AUTO_FREE char *third = words_for(false, machine);

	assert_non_null(strstr(first, "-accel kvm,kernel-irqchip=split"));
	assert_non_null(strstr(second, "-accel kvm,kernel-irqchip=off"));
	assert_null(strstr(third, "irqchip"));
}

/* --- its answer ----------------------------------------------------------- */

#define GREETING                                                            \
	"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, " \
	"\"major\": 7}, \"package\": \"\"}, \"capabilities\": [\"oob\"]}}\r\n"
#define WARNS "qemu-system-x86_64: warning: "
#define CPUS(path)                                                       \
	"{\"return\": [{\"thread-id\": 1, \"props\": {}, \"qom-path\": " \
	"\"" path "\", \"cpu-index\": 0, \"target\": \"x86_64\"}], "     \
	"\"id\": \"cpus\"}\r\n"
#define TYPE "{\"return\": \"EPYC-x86_64-cpu\", \"id\": \"type\"}\r\n"
#define VENDOR "{\"return\": \"AuthenticAMD\", \"id\": \"vendor\"}\r\n"
#define WORDS                                                            \
	"{\"return\": [{\"cpuid-register\": \"EAX\", "                   \
	"\"cpuid-input-ecx\": 1, \"cpuid-input-eax\": 13, \"features\":" \
	" 7}, {\"cpuid-register\": \"ECX\", \"cpuid-input-eax\": "       \
	"2147483649, \"features\": 4294967295}], \"id\": "               \
	"\"feature-words\"}\r\n"
#define FIRST "/machine/unattached/device[0]"
#define END                                                       \
	"{\"timestamp\": {\"seconds\": 1, \"microseconds\": 1}, " \
	"\"event\": \"SHUTDOWN\", \"data\": {\"guest\": false, "  \
	"\"reason\": \"host-qmp-quit\"}}\r\n{\"return\": {}}\r\n"

/* As QEMU 7.2.22 prints it, abridged. */
TEST(an_answer_is_read_with_the_warnings_in_it)
{
	struct cpu_trial t;

	cpu_trial_read(GREETING WARNS
		       "TCG doesn't support requested feature: "
		       "CPUID.07H:EBX.rdseed [bit 18]\n" WARNS
		       "x is deprecated\n{\"return\": {}}\r\n" CPUS(FIRST)
			       TYPE VENDOR WORDS END,
		       &t);
	assert_string_equal(t.cpu.model, "EPYC");
	assert_string_equal(t.cpu.vendor, "AuthenticAMD");
	assert_int_equal(t.cpu.n, 2);
	assert_int_equal(t.cpu.words[0].leaf, 13);
	assert_int_equal(t.cpu.words[0].subleaf, 1);
	assert_string_equal(t.cpu.words[0].reg, "EAX");
	assert_int_equal(t.cpu.words[0].bits, 7);
	assert_true(t.cpu.words[1].leaf == 0x80000001);
	assert_true(t.cpu.words[1].bits == 0xffffffff);
	assert_int_equal(t.features.n, 1);
	assert_string_equal(t.features.v[0], "CPUID.07H:EBX.rdseed [bit 18]");
	assert_int_equal(t.warnings.n, 1);
	assert_string_equal(t.warnings.v[0], "x is deprecated");
	assert_int_equal(t.errors.n, 0);
	cpu_trial_free(&t);
}

/* QEMU 7.2.22 with -cpu EPYC,enforce under TCG, abridged. */
TEST(an_error_behind_many_warnings_is_kept)
{
	AUTO_BUF struct buf text = { 0 };
	struct cpu_trial t;

	buf_printf(&text, GREETING);
	for (size_t i = 0; i < 100; i++)
		buf_printf(&text, WARNS "TCG doesn't support requested "
					"feature: CPUID.01H:ECX.pcid [bit "
					"17]\n");
	buf_printf(&text, "qemu-system-x86_64: TCG doesn't support requested "
			  "features\n");
	cpu_trial_read(buf_data(&text), &t);
	assert_int_equal(t.cpu.n, 0);
	assert_null(t.cpu.model);
	assert_int_equal(t.features.n, 16);
	assert_int_equal(t.errors.n, 1);
	assert_string_equal(t.errors.v[0],
			    "qemu-system-x86_64: TCG doesn't support requested "
			    "features");
	cpu_trial_free(&t);
}

TEST(what_is_no_answer_is_no_cpu)
{
	static const char *const texts[] = {
		"",
		"{",
		"{}\n",
		"{\"return\": 5, \"id\": \"cpus\"}\n" TYPE WORDS,
		"{\"return\": [], \"id\": \"cpus\"}\n" TYPE WORDS,
		CPUS("/machine/other") TYPE VENDOR WORDS,
		CPUS(FIRST) VENDOR WORDS,
		CPUS(FIRST) TYPE "{\"return\": [5], \"id\": "
				 "\"feature-words\"}\n",
		CPUS(FIRST) TYPE
		"{\"return\": [{\"cpuid-register\": \"EAXX\", "
		"\"cpuid-input-eax\": 1, \"features\": 1}], \"id\": "
		"\"feature-words\"}\n",
		CPUS(FIRST) TYPE
		"{\"return\": [{\"cpuid-register\": \"EAX\", "
		"\"cpuid-input-eax\": 1, \"features\": 4294967296}], "
		"\"id\": \"feature-words\"}\n",
	};
	struct cpu_trial t;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		cpu_trial_read(texts[i], &t);
		assert_int_equal(t.cpu.n, 0);
		cpu_trial_free(&t);
	}
}

TEST(an_answer_that_repeats_itself_is_read_once)
{
	struct cpu_trial t;

	cpu_trial_read(CPUS(FIRST) TYPE TYPE VENDOR VENDOR WORDS WORDS, &t);
	assert_int_equal(t.cpu.n, 2);
	assert_string_equal(t.cpu.model, "EPYC");
	cpu_trial_free(&t);
}

TEST(control_characters_do_not_reach_a_terminal)
{
	struct cpu_trial t;

	cpu_trial_read("\x1b[2Jbad\x07\n", &t);
	assert_int_equal(t.errors.n, 1);
	assert_string_equal(t.errors.v[0], "?[2Jbad?");
	cpu_trial_free(&t);
}
