/* SPDX-License-Identifier: MIT */
/*
 * preflight_cpu: what is said of two CPUs. The words are those of QEMU 7.2.22
 * on one machine; what a test calls another host is these with a bit changed.
 */
#include "engine/run/preflight_cpu.h"

#include "tests/unit/preflight_fixture.h"
#include "transport/base/xalloc.h"

/* -accel kvm -cpu host */
static const struct qmp_cpu_word host_words[] = {
	{ 6, 0, "EAX", 0x00000004 },
	{ 0x40000001, 0, "EAX", 0x01007afb },
	{ 0x80000001, 0, "ECX", 0x00000101 },
	{ 0x80000001, 0, "EDX", 0x20100800 },
	{ 7, 0, "EDX", 0x20010000 },
	{ 7, 0, "ECX", 0x1a010104 },
	{ 7, 0, "EBX", 0x01800812 },
	{ 1, 0, "ECX", 0x81202000 },
	{ 1, 0, "EDX", 0x0f8bfbff },
};
/* -accel tcg -cpu qemu64 */
static const struct qmp_cpu_word qemu64_words[] = {
	{ 0x80000001, 0, "ECX", 0x00000005 },
	{ 0x80000001, 0, "EDX", 0x2193fbfd },
	{ 1, 0, "ECX", 0x80002001 },
	{ 1, 0, "EDX", 0x078bfbfd },
};

static struct qmp_cpu_word words_here[16], words_there[16];

/* The same CPU on both. */
static void arrange_cpu(const char *model, const char *vendor,
			const struct qmp_cpu_word *words, size_t n)
{
	memcpy(words_here, words, n * sizeof(*words));
	memcpy(words_there, words, n * sizeof(*words));
	p.cpu = (struct qmp_cpu){ (char *)model, (char *)vendor, words_here,
				  n };
	p.cpu_there = (struct cpu_trial){
		.cpu = { (char *)model, (char *)vendor, words_there, n }
	};
	p.cpu_tried = true;
}

static void arrange_qemu64(void)
{
	arrange_cpu("qemu64", "AuthenticAMD", qemu64_words,
		    ARRAY_SIZE(qemu64_words));
}

static void arrange_host(void)
{
	arrange_cpu("host", "GenuineIntel", host_words, ARRAY_SIZE(host_words));
	r.source.facts.kvm = true;
}

static struct qmp_cpu_word *word(struct qmp_cpu_word *words, uint32_t leaf,
				 const char *reg)
{
	for (size_t i = 0; i < p.cpu.n; i++) {
		if (words[i].leaf == leaf && !strcmp(words[i].reg, reg))
			return &words[i];
	}
	fail_msg("no such word");
	return NULL;
}

TEST(the_same_cpu_passes)
{
	arrange_qemu64();
	expect(preflight_cpu_check, "cpu", CHECK_PASS,
	       "the guest's CPU (qemu64) has the same features on local");
}

TEST(what_was_not_tried_is_not_judged)
{
	arrange_qemu64();
	p.cpu_tried = false;
	expect_nothing(preflight_cpu_check);
}

TEST(a_feature_that_is_lost_is_refused_by_its_name)
{
	arrange_host();
	word(words_there, 7, "EBX")->bits &= ~(1u << 11);
	expect(preflight_cpu_check, "cpu", CHECK_FAIL,
	       "(host) would lose features on local, which it may use at any "
	       "time: rtm");
	assert_non_null(strstr(r.checks.v[0].remedy, "older of both CPUs"));
}

TEST(a_word_that_the_other_qemu_does_not_know_has_none)
{
	arrange_host();
	word(words_there, 7, "EDX")->leaf = 0x99;
	expect(preflight_cpu_check, "cpu", CHECK_FAIL,
	       "tsx-ldtrk, arch-capabilities");
}

TEST(a_list_of_many_is_cut)
{
	arrange_host();
	word(words_there, 1, "EDX")->bits = 0;
	expect(preflight_cpu_check, "cpu", CHECK_FAIL,
	       "fpu, vme, de, pse, tsc, msr, pae, mce, cx8, apic, sep, mtrr, "
	       "and ");
}

TEST(a_feature_that_is_won_is_a_warning)
{
	arrange_qemu64();
	word(words_here, 0x80000001, "ECX")->bits &= ~4u;
	expect(preflight_cpu_check, "cpu", CHECK_WARN,
	       "would have features on local that it does not have here, and "
	       "would miss them when it comes back: svm");
}

/* QEMU 10.0 has ht and cmp-legacy in the words when there are two vCPUs. */
TEST(what_follows_from_smp_is_not_compared)
{
	arrange_qemu64();
	word(words_here, 1, "EDX")->bits |= 1u << 28;
	word(words_here, 0x80000001, "ECX")->bits |= 2;
	expect(preflight_cpu_check, "cpu", CHECK_PASS, "the same features");
}

TEST(copies_of_other_bits_are_not_named_again)
{
	arrange_qemu64();
	word(words_there, 1, "EDX")->bits &= ~(1u << 23);
	word(words_there, 0x80000001, "EDX")->bits &= ~(1u << 23);
	expect(preflight_cpu_check, "cpu", CHECK_FAIL, "any time: mmx");
	assert_null(strstr(r.checks.v[0].found, "80000001"));
}

TEST(another_vendor_is_refused)
{
	arrange_host();
	p.cpu_there.cpu.vendor = (char *)"AuthenticAMD";
	expect(preflight_cpu_check, "cpu", CHECK_FAIL,
	       "on a CPU of GenuineIntel, and the one of local is of "
	       "AuthenticAMD");
}

TEST(another_model_is_refused)
{
	arrange_qemu64();
	p.cpu_there.cpu.model = (char *)"max";
	expect(preflight_cpu_check, "cpu", CHECK_FAIL,
	       "the guest's CPU is qemu64, and would be max on local");
}

TEST(host_and_max_are_warned_of_even_if_they_are_equal)
{
	arrange_host();
	expect(preflight_cpu_check, "cpu", CHECK_WARN,
	       "-cpu host is what each host can do");
	checks_free(&r.checks);
	r.checks = (struct checks){ .v = NULL };
	p.cpu.model = p.cpu_there.cpu.model = (char *)"max";
	expect(preflight_cpu_check, "cpu", CHECK_WARN, "-cpu max is");
}

TEST(what_qemu_warns_of_is_passed_on_but_for_features)
{
	arrange_qemu64();
	strv_push(&p.cpu_there.features, "CPUID.01H:ECX.pcid [bit 17]");
	strv_push(&p.cpu_there.warnings, "machine type is deprecated");
	preflight_cpu_check(&p);
	assert_int_equal(r.checks.n, 2);
	assert_int_equal(r.checks.v[0].verdict, CHECK_PASS);
	assert_int_equal(r.checks.v[1].verdict, CHECK_WARN);
	assert_non_null(strstr(r.checks.v[1].found,
			       "QEMU on local warns of the guest's machine "
			       "and CPU: machine type is deprecated"));
	strv_free(&p.cpu_there.features);
	strv_free(&p.cpu_there.warnings);
}

/* -cpu EPYC,enforce */
TEST(a_qemu_that_does_not_start_is_quoted)
{
	arrange_qemu64();
	p.cpu_there.cpu = (struct qmp_cpu){ .n = 0 };
	strv_push(&p.cpu_there.errors,
		  "qemu-system-x86_64: TCG doesn't support requested features");
	strv_push(&p.cpu_there.features, "CPUID.01H:ECX.pcid [bit 17]");
	expect(preflight_cpu_check, "cpu", CHECK_FAIL,
	       "does not start a guest with this machine and CPU: "
	       "qemu-system-x86_64: TCG doesn't support requested features, "
	       "CPUID.01H:ECX.pcid [bit 17]");
	strv_free(&p.cpu_there.errors);
	strv_free(&p.cpu_there.features);
}

TEST(one_that_does_not_answer_is_a_warning)
{
	arrange_qemu64();
	p.cpu_there.cpu = (struct qmp_cpu){ .n = 0 };
	strv_push(&p.cpu_there.warnings, "something");
	expect(preflight_cpu_check, "cpu", CHECK_WARN, "is not known");
	strv_free(&p.cpu_there.warnings);
}
