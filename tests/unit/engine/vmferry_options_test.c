/* SPDX-License-Identifier: MIT */
/* vmferry_options: what the library's options become. */
#include "engine/vmferry_options.h"

#include "tests/unit/test.h"

static struct vmferry_options o;
static struct vmferry_taken taken;

/* Nothing but what is required. */
static int setup(void **state)
{
	(void)state;
	o = (struct vmferry_options){
		.size = sizeof(o),
		.guest = "g",
		.destination = "d",
		.program = "p",
	};
	return 0;
}

TEST_FIXTURE(setup, NULL);

static const struct migrate_options *take(void)
{
	assert_int_equal(vmferry_options_take(&o, &taken), 0);
	return &taken.opt;
}

TEST(zero_and_null_are_the_defaults_of_the_command_line)
{
	struct migrate_options usual;
	const struct migrate_options *m = take();

	migrate_options_init(&usual);
	assert_true(m->max_blackout_ms == usual.max_blackout_ms);
	assert_true(m->deadline_s == usual.deadline_s);
	assert_int_equal(m->on_deadline, usual.on_deadline);
	assert_int_equal(m->bandwidth_bps, usual.bandwidth_bps);
	assert_int_equal(m->ssh.backend, usual.ssh.backend);
	assert_false(m->paused);
	assert_false(m->wait);
	assert_null(m->ssh.identity);
	assert_null(m->guardian);
	vmferry_options_free(&taken);
}

TEST(numbers_and_flags_are_taken)
{
	const struct migrate_options *m;

	o.max_blackout_ms = 0.5;
	o.deadline_s = 60;
	o.bandwidth_bps = 1000000;
	o.become_sudo = 1;
	o.use_openssh = o.force_at_deadline = o.paused = o.wait = 1;
	m = take();
	assert_true(m->max_blackout_ms == 0.5);
	assert_true(m->deadline_s == 60);
	assert_int_equal(m->bandwidth_bps, 1000000);
	assert_int_equal(m->ssh.backend, HOST_SSH_OPENSSH);
	assert_int_equal(m->ssh.become, HOST_BECOME_SUDO);
	assert_int_equal(m->on_deadline, ON_DEADLINE_FORCE);
	assert_true(m->paused);
	assert_true(m->wait);
	vmferry_options_free(&taken);
}

TEST(a_budget_below_zero_is_the_default)
{
	struct migrate_options usual;

	migrate_options_init(&usual);
	o.max_blackout_ms = -1;
	assert_true(take()->max_blackout_ms == usual.max_blackout_ms);
	vmferry_options_free(&taken);
}

TEST(texts_are_copied)
{
	char identity[] = "key", known_hosts[] = "known", config[] = "config";
	char qemu[] = "qemu", guardian[] = "vmferry", program[] = "vm";
	const struct migrate_options *m;

	o.identity = identity;
	o.known_hosts = known_hosts;
	o.ssh_config = config;
	o.qemu_binary = qemu;
	o.guardian = guardian;
	o.program = program;
	m = take();
	program[0] = '?';
	identity[0] = known_hosts[0] = config[0] = qemu[0] = guardian[0] = '?';
	assert_string_equal(m->guest, "g");
	assert_string_equal(m->destination, "d");
	assert_string_equal(m->ssh.identity, "key");
	assert_string_equal(m->ssh.known_hosts, "known");
	assert_string_equal(m->ssh.ssh_config, "config");
	assert_string_equal(m->qemu_binary, "qemu");
	assert_string_equal(m->guardian, "vmferry");
	assert_string_equal(taken.program, "vm");
	vmferry_options_free(&taken);
}

TEST(a_guest_a_destination_and_the_program_are_required)
{
	o.guest = NULL;
	assert_int_equal(vmferry_options_take(&o, &taken), -1);
	o.guest = "g";
	o.destination = NULL;
	assert_int_equal(vmferry_options_take(&o, &taken), -1);
	o.destination = "d";
	o.program = NULL;
	assert_int_equal(vmferry_options_take(&o, &taken), -1);
}

TEST(options_of_another_size_are_refused)
{
	o.size--;
	assert_int_equal(vmferry_options_take(&o, &taken), -1);
}
