/* SPDX-License-Identifier: MIT */
/*
 * What the scripts print that look at another host: processes, files, facts.
 * The whole input is the output of each.
 */
#include <stdlib.h>

#include "engine/guest/discover.h"
#include "engine/hosts/proc_stat.h"
#include "engine/hosts/probe.h"
#include "tests/fuzz/fuzz_input.h"
#include "transport/base/xalloc.h"

/* A host on which every command prints the same. */
struct parrot {
	struct host host;
	struct fuzz_input says;
};

static int parrot_run(struct host *h, const struct host_command *cmd,
		      struct host_result *result, struct err *err)
{
	const struct parrot *p = (const struct parrot *)h;

	(void)cmd;
	(void)err;
	buf_append(&result->out, p->says.data, p->says.len);
	result->status = 0;
	return 0;
}

static void find_guests(struct host *h)
{
	static const char *const words[] = { "web1", "pid:42", "qmp:/run/q" };
	AUTO_ERR struct err err = { 0 };
	struct guests all;

	if (discover_guests(h, &all, MONO_NEVER, &err) < 0)
		return;
	for (size_t i = 0; i < all.n; i++)
		fuzz_claim(all.v[i].argv.n && all.v[i].exe && all.v[i].label &&
				   all.v[i].user && all.v[i].cgroup &&
				   guest_label(&all.v[i]),
			   "a guest is told whole");
	guests_free(&all);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct guest one;

		if (discover_guest(h, words[i], &one, MONO_NEVER, &err) == 0)
			guest_free(&one);
	}
}

static void ask_facts(struct host *h)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_STRV struct strv paths = { 0 };
	const struct identity who = { .pid = 42, .start_ticks = 100 };
	struct probe_file files[3];
	struct host_facts facts;
	struct probe_qemu qemu;

	(void)discover_alive(h, &who, MONO_NEVER, &err);
	if (probe_host(h, &facts, MONO_NEVER, &err) == 0)
		(void)probe_same_host(&facts, &facts);
	host_facts_free(&facts);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		strv_push(&paths, "/f");
	(void)probe_files(h, &paths, NULL, files, MONO_NEVER, &err);
	if (probe_qemu(h, "/bin/qemu", true, "q35", NULL, &qemu, MONO_NEVER,
		       &err) == 0)
		probe_qemu_free(&qemu);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct host_ops ops = {
		.backend = "ssh",
		.run = parrot_run,
	};
	struct parrot p = {
		.host = { .ops = &ops, .name = (char *)"hostb" },
		.says = { data, size },
	};
	AUTO_FREE char *text = fuzz_text(&p.says);
	struct proc_stat stat;

	(void)proc_stat_read(text, &stat);
	find_guests(&p.host);
	ask_facts(&p.host);
	return 0;
}
