/* SPDX-License-Identifier: MIT */
/* preflight_faults: on which side a fault is, and what to do. */
#include "engine/run/preflight_faults.h"

#include "tests/unit/preflight_fixture.h"
#include "transport/base/xalloc.h"

static void arrange_fault(const char *source, const char *destination)
{
	r.src.host = r.dst.host;
	r.source.facts.machine = (char *)"pc-q35-7.2";
	r.source.facts.ram_bytes = 1 << 30;
	r.source.facts.vcpus = 1;
	r.source.facts.first_status.running = true;
	p.source_qemu = (char *)source;
	p.qemu.version = (char *)destination;
}

TEST(a_tcg_guest_that_would_be_damaged_is_refused)
{
	arrange_fault("7.2.22", "9.0.1");
	expect(preflight_faults_check, "qemu-fault", CHECK_FAIL,
	       "QEMU 7.2.22 on local under TCG loses track of pages");
	assert_int_equal(r.checks.v[0].side, CHECK_SOURCE);
	assert_non_null(strstr(r.checks.v[0].found, "03bfc2188f06"));
	assert_non_null(strstr(r.checks.v[0].remedy, "-m 1048584K"));
}

TEST(one_that_is_stopped_or_on_kvm_or_has_no_cpu_is_not)
{
	arrange_fault("7.2.22", "7.2.22");
	r.source.facts.first_status.running = false;
	expect_nothing(preflight_faults_check);
	r.source.facts.first_status.running = true;
	r.source.facts.kvm = true;
	expect_nothing(preflight_faults_check);
	r.source.facts.kvm = false;
	r.source.facts.vcpus = 0;
	expect_nothing(preflight_faults_check);
}

TEST(a_fault_of_the_destination_is_named_there)
{
	arrange_fault("7.2.22", "8.0.0");
	r.source.facts.kvm = true;
	strv_push(&p.devices, "ioh3420");
	expect(preflight_faults_check, "qemu-fault", CHECK_FAIL,
	       "QEMU 8.0.0 on local gives PCI Express devices");
	assert_int_equal(r.checks.v[0].side, CHECK_DESTINATION);
	assert_non_null(strstr(r.checks.v[0].remedy, "a later QEMU there"));
	strv_free(&p.devices);
}

TEST(one_of_the_source_needs_the_same_version_there)
{
	arrange_fault("8.0.0", "9.0.1");
	r.source.facts.kvm = true;
	strv_push(&p.devices, "ioh3420");
	expect(preflight_faults_check, "qemu-fault", CHECK_FAIL,
	       "QEMU 8.0.0 on local gives PCI Express devices");
	assert_int_equal(r.checks.v[0].side, CHECK_SOURCE);
	assert_non_null(
		strstr(r.checks.v[0].remedy, "name a QEMU 8.0.0 there"));
	strv_free(&p.devices);
}
