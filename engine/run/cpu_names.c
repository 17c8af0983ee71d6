/* SPDX-License-Identifier: MIT */
/* cpu_names: what QEMU calls the features of CPUID. */
#include "engine/run/cpu_names.h"

#include <string.h>

#include "transport/base/xalloc.h"

/* From bit 0 on, as Intel's and AMD's manuals have them; "-": none in use. */
static const struct {
	uint32_t leaf, subleaf;
	char reg[4];
	const char *names;
} table[] = {
	{ 1, 0, "EDX",
	  "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat "
	  "pse36 pn clflush - ds acpi mmx fxsr sse sse2 ss ht tm ia64 pbe" },
	{ 1, 0, "ECX",
	  "pni pclmulqdq dtes64 monitor ds-cpl vmx smx est tm2 ssse3 cid - fma "
	  "cx16 xtpr pdcm - pcid dca sse4.1 sse4.2 x2apic movbe popcnt "
	  "tsc-deadline aes xsave - avx f16c rdrand hypervisor" },
	{ 7, 0, "EBX",
	  "fsgsbase tsc-adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm "
	  "- - mpx - avx512f avx512dq rdseed adx smap avx512ifma pcommit "
	  "clflushopt clwb intel-pt avx512pf avx512er avx512cd sha-ni avx512bw "
	  "avx512vl" },
	{ 7, 0, "ECX",
	  "- avx512vbmi umip pku - waitpkg avx512vbmi2 - gfni vaes vpclmulqdq "
	  "avx512vnni avx512bitalg - avx512-vpopcntdq - la57 - - - - - rdpid - "
	  "bus-lock-detect cldemote - movdiri movdir64b - sgxlc pks" },
	{ 7, 0, "EDX",
	  "- - avx512-4vnniw avx512-4fmaps fsrm - - - avx512-vp2intersect - "
	  "md-clear - - - serialize - tsx-ldtrk - - arch-lbr - - amx-bf16 "
	  "avx512-fp16 amx-tile amx-int8 spec-ctrl stibp flush-l1d "
	  "arch-capabilities core-capability ssbd" },
	{ 7, 1, "EAX", "- - - - avx-vnni avx512-bf16" },
	{ 0xd, 1, "EAX", "xsaveopt xsavec xgetbv1 xsaves" },
	/* KVM's own */
	{ 0x40000001, 0, "EAX",
	  "kvmclock kvm-nopiodelay kvm-mmu kvmclock kvm-asyncpf kvm-steal-time "
	  "kvm-pv-eoi kvm-pv-unhalt - kvm-pv-tlb-flush - kvm-pv-ipi "
	  "kvm-poll-control kvm-pv-sched-yield kvm-asyncpf-int "
	  "kvm-msi-ext-dest-id - - - - - - - - kvmclock-stable-bit" },
	{ 0x80000001, 0, "EDX",
	  "- - - - - - - - - - - syscall - - - - - - - - nx - mmxext - - "
	  "fxsr-opt pdpe1gb rdtscp - lm 3dnowext 3dnow" },
	{ 0x80000001, 0, "ECX",
	  "lahf-lm cmp-legacy svm extapic cr8legacy abm sse4a misalignsse "
	  "3dnowprefetch osvw ibs xop skinit wdt - lwp fma4 tce - nodeid-msr - "
	  "tbm topoext perfctr-core perfctr-nb" },
	{ 0x80000008, 0, "EBX",
	  "clzero - xsaveerptr - - - - - - wbnoinvd - - ibpb - ibrs amd-stibp "
	  "- - - - - - - - amd-ssbd" },
};

/* Of its words the one at @index, to be freed; NULL: it has none. */
static char *nth_word(const char *words, unsigned int index)
{
	for (; index; index--) {
		words = strchr(words, ' ');
		if (!words)
			return NULL;
		words++;
	}
	if (*words == '-')
		return NULL;
	return xstrndup(words, strcspn(words, " "));
}

char *cpu_names_feature(const struct qmp_cpu_word *w, unsigned int bit)
{
	char *name = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(table) && !name; i++) {
		if (table[i].leaf == w->leaf &&
		    table[i].subleaf == w->subleaf &&
		    !strcmp(table[i].reg, w->reg))
			name = nth_word(table[i].names, bit);
	}
	return name ? name
		    : xasprintf("CPUID %x.%x %s bit %u", w->leaf, w->subleaf,
				w->reg, bit);
}
