/* SPDX-License-Identifier: MIT */
/* cpu_names: features are called as QEMU calls them. */
#include "engine/run/cpu_names.h"

#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static void expect_name(uint32_t leaf, uint32_t subleaf, const char *reg,
			unsigned int bit, const char *name)
{
	struct qmp_cpu_word w = { .leaf = leaf, .subleaf = subleaf };
	AUTO_FREE char *found = NULL;

	strcpy(w.reg, reg);
	found = cpu_names_feature(&w, bit);
	assert_string_equal(found, name);
}

/* Of warnings of QEMU 7.2.22: "CPUID.07H:EBX.avx512f [bit 16]". */
TEST(names_are_those_of_qemu)
{
	expect_name(1, 0, "EDX", 26, "sse2");
	expect_name(1, 0, "ECX", 0, "pni");
	expect_name(1, 0, "ECX", 17, "pcid");
	expect_name(1, 0, "ECX", 19, "sse4.1");
	expect_name(1, 0, "ECX", 24, "tsc-deadline");
	expect_name(1, 0, "ECX", 30, "rdrand");
	expect_name(7, 0, "EBX", 16, "avx512f");
	expect_name(7, 0, "EBX", 29, "sha-ni");
	expect_name(7, 0, "EBX", 31, "avx512vl");
	expect_name(7, 0, "ECX", 11, "avx512vnni");
	expect_name(7, 0, "ECX", 25, "cldemote");
	expect_name(7, 0, "EDX", 2, "avx512-4vnniw");
	expect_name(7, 0, "EDX", 31, "ssbd");
	expect_name(7, 1, "EAX", 5, "avx512-bf16");
	expect_name(0xd, 1, "EAX", 1, "xsavec");
	expect_name(0x80000001, 0, "EDX", 25, "fxsr-opt");
	expect_name(0x80000001, 0, "ECX", 8, "3dnowprefetch");
	expect_name(0x80000001, 0, "ECX", 22, "topoext");
	expect_name(0x80000008, 0, "EBX", 9, "wbnoinvd");
}

TEST(others_are_named_by_their_place)
{
	expect_name(1, 0, "EDX", 20, "CPUID 1.0 EDX bit 20");
	expect_name(7, 1, "EAX", 31, "CPUID 7.1 EAX bit 31");
	expect_name(0x8000000a, 0, "EDX", 3, "CPUID 8000000a.0 EDX bit 3");
}
