/* SPDX-License-Identifier: MIT */
/* qmp_cpu: the CPU of a guest, against all schemas and a real QEMU. */
#include "qmp/qmp_cpu.h"

#include <string.h>

#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

#define FIRST "\"path\":\"/machine/unattached/device[0]\""
#define ONE "[{\"qom-path\":\"/machine/unattached/device[0]\"}]"
#define WORDS                                                            \
	"[{\"cpuid-register\":\"EBX\",\"cpuid-input-ecx\":0,"            \
	"\"cpuid-input-eax\":7,\"features\":65536},{\"cpuid-register\":" \
	"\"EDX\",\"cpuid-input-eax\":2147483649,\"features\":672139264}]"

static void whole_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_cpu c;

	expect_ok(qmp_cpu_query(q, &c, SOON, &err), &err);
	assert_string_equal(c.model, "Skylake-Client");
	assert_string_equal(c.vendor, "GenuineIntel");
	assert_int_equal(c.n, 2);
	assert_int_equal(c.words[0].leaf, 7);
	assert_string_equal(c.words[0].reg, "EBX");
	assert_int_equal(c.words[0].bits, 1 << 16);
	assert_true(c.words[1].leaf == 0x80000001);
	qmp_cpu_free(&c);
}

TEST(every_command_suits_all_versions)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-cpus-fast", .reply = ONE },
		{ .expect = "qom-get",
		  .args = "{" FIRST ",\"property\":\"feature-words\"}",
		  .reply = WORDS },
		{ .expect = "qom-get",
		  .args = "{" FIRST ",\"property\":\"type\"}",
		  .reply = "\"Skylake-Client-x86_64-cpu\"" },
		{ .expect = "qom-get",
		  .args = "{" FIRST ",\"property\":\"vendor\"}",
		  .reply = "\"GenuineIntel\"" },
	};

	for (const char *const *v = fake_qemu_versions; *v; v++) {
		struct fake_options options = { .version = *v };

		with_script(&options, steps, ARRAY_SIZE(steps), whole_body);
	}
}

static void nothing_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_cpu c;

	/* without a vCPU, then of another architecture */
	for (size_t i = 0; i < 2; i++) {
		expect_ok(qmp_cpu_query(q, &c, SOON, &err), &err);
		assert_int_equal(c.n, 0);
		assert_null(c.model);
		qmp_cpu_free(&c);
	}
}

TEST(what_has_no_x86_cpu_has_none)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-cpus-fast", .reply = "[]" },
		{ .expect = "query-cpus-fast", .reply = ONE },
		{ .expect = "qom-get",
		  .error = "Property 'a57-arm-cpu.feature-words' not found" },
	};

	WITH_SCRIPT(steps, nothing_body);
}

static void broken_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_cpu c;

	assert_int_equal(qmp_cpu_query(q, &c, SOON, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "query-cpus-fast.qom-path");
	assert_int_equal(qmp_cpu_query(q, &c, SOON, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "type of /machine/unattached");
	assert_int_equal(qmp_cpu_query(q, &c, SOON, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "feature-words");
	assert_int_equal(c.n, 0);
	assert_null(c.vendor);
}

TEST(broken_answers_are_refused)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-cpus-fast", .reply = "[{}]" },
		{ .expect = "query-cpus-fast", .reply = ONE },
		{ .expect = "qom-get", .reply = WORDS },
		{ .expect = "qom-get", .reply = "7" },
		{ .expect = "query-cpus-fast", .reply = ONE },
		{ .expect = "qom-get",
		  .reply = "[{\"cpuid-register\":\"EBXX\","
			   "\"cpuid-input-eax\":7,\"features\":1}]" },
		{ .expect = "qom-get", .reply = "\"a-x86_64-cpu\"" },
		{ .expect = "qom-get", .reply = "\"b\"" },
	};

	WITH_SCRIPT(steps, broken_body);
}

TEST(a_model_is_the_type_without_its_end)
{
	static const char *const types[][2] = {
		{ "qemu64-x86_64-cpu", "qemu64" },
		{ "Skylake-Client-noTSX-IBRS-x86_64-cpu",
		  "Skylake-Client-noTSX-IBRS" },
		{ "-x86_64-cpu", "-x86_64-cpu" },
		{ "cortex-a57-arm-cpu", "cortex-a57-arm-cpu" },
		{ "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		AUTO_FREE char *model = qmp_cpu_model(types[i][0]);

		assert_string_equal(model, types[i][1]);
	}
}

/* --- a real one ----------------------------------------------------------- */

static uint32_t bits_of(const struct qmp_cpu *c, uint32_t leaf, const char *reg)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->words[i].leaf == leaf && !c->words[i].subleaf &&
		    !strcmp(c->words[i].reg, reg))
			return c->words[i].bits;
	}
	return 0;
}

static void real(struct qmp *q, struct real_qemu *r)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_cpu c;

	(void)r;
	expect_ok(qmp_cpu_query(q, &c, SOON, &err), &err);
	assert_string_equal(c.model, "qemu64");
	assert_string_equal(c.vendor, "AuthenticAMD");
	/* aes was asked for, svm not wanted, pcid is not to be had */
	assert_true(bits_of(&c, 1, "ECX") & 1 << 25);
	assert_false(bits_of(&c, 0x80000001, "ECX") & 1 << 2);
	assert_false(bits_of(&c, 1, "ECX") & 1 << 17);
	qmp_cpu_free(&c);
}

TEST(a_real_qemu_names_what_it_could_give)
{
	static const char *const extra[] = { "-cpu", "qemu64,+aes,-svm,+pcid",
					     NULL };

	with_real(extra, real);
}
