/* SPDX-License-Identifier: MIT */
/*
 * What a destination answers to the scripts of a run: launch, admission,
 * sockets, names, marks, units, ancestors.
 *
 * Input: the answers, each ended by a NUL; the first one is given to every
 * question on its own, then a launch gets one after the other. An answer that
 * begins with 0x01 comes with a status of failure.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/event/result.h"
#include "engine/guest/ancestors.h"
#include "engine/guest/supervisor.h"
#include "engine/hosts/admit.h"
#include "engine/hosts/arrival.h"
#include "engine/hosts/disk_proof.h"
#include "engine/hosts/guest_socket.h"
#include "engine/hosts/name_use.h"
#include "engine/hosts/net_facts.h"
#include "engine/run/launch.h"
#include "engine/run/migrate_options.h"
#include "engine/run/run.h"
#include "engine/run/unit_hold.h"
#include "tests/fuzz/fuzz_input.h"
#include "transport/base/xalloc.h"

enum { ANSWER_FAILS = 1 };

/* A host that gives one answer after the other, the last one again. */
struct teller {
	struct host host;
	const struct strv *answers;
	size_t next;
};

static int teller_run(struct host *h, const struct host_command *cmd,
		      struct host_result *result, struct err *err)
{
	struct teller *t = (struct teller *)h;
	const char *text = "";

	(void)cmd;
	(void)err;
	if (t->answers->n)
		text = t->answers->v[t->next];
	if (t->next + 1 < t->answers->n)
		t->next++;
	result->status = *text == ANSWER_FAILS;
	text += result->status;
	buf_append(result->status ? &result->err : &result->out, text,
		   strlen(text));
	return 0;
}

static struct stream *teller_connect(struct host *h, const char *path,
				     struct mono deadline, struct err *err)
{
	(void)h;
	(void)deadline;
	fuzz_claim(path != NULL, "a socket has a name");
	err_set(err, ERR_NETWORK, "nobody listens");
	return NULL;
}

static int teller_alive(struct host *h, int silence_ms, struct err *err)
{
	(void)h;
	(void)silence_ms;
	return err_set(err, ERR_NETWORK, "nobody answers");
}

static const struct host_ops ops = {
	.backend = "ssh",
	.run = teller_run,
	.connect = teller_connect,
	.alive = teller_alive,
};

/* --- questions of their own ---------------------------------------------- */

static void check_admission(struct host *h)
{
	const struct admit_wish wish = {
		.ram_bytes = 1 << 30,
		.ahead_bytes = 1 << 20,
		.limit = 2,
	};
	AUTO_ERR struct err err = { 0 };
	struct admit_view v;

	(void)admit_spare(h, 42, 1 << 30, "", 1 << 30, MONO_NEVER);
	if (admit_look(h, "/run/r", "/run/r/in-k", "", &v, MONO_NEVER, &err) <
	    0)
		return;
	for (int i = 0; i <= ADMIT_NEVER; i++) {
		AUTO_FREE char *why =
			admit_reason(&v, &wish, (enum admit)i, "hostb");

		fuzz_claim(*why, "there is a reason");
	}
	if (admit_judge(&v, &wish) == ADMIT_YES)
		fuzz_claim(!v.busy && v.n_arrivals < wish.limit &&
				   (!v.available_bytes ||
				    (wish.ram_bytes <= v.available_bytes &&
				     v.promised_bytes <= v.available_bytes)),
			   "who is admitted has room");
	for (size_t i = 0; i < v.n_arrivals; i++)
		fuzz_claim(v.arrivals[i].promised_bytes <= v.promised_bytes,
			   "what is promised adds up");
	admit_view_free(&v);
}

static void ask_for_mark(struct host *h)
{
	const struct arrival_guest g = {
		.pid = 42,
		.start_ticks = 100,
		.run_dir = "/run/r/x",
		.key = "k",
	};
	AUTO_FREE char *dir = NULL;
	struct arrival a;

	if (arrival_of(h, "/run/r", &g, &a, &dir, MONO_NEVER, NULL) == 1)
		fuzz_claim(dir && a.run && a.guest && a.source,
			   "a mark is whole");
	arrival_free(&a);
}

static void ask_for_names(struct host *h)
{
	static const enum name_kind kinds[] = { NAME_OF_SOCKET, NAME_OF_PIDFILE,
						NAME_OF_LOG };
	const struct name_asker asker = { .source = 42 };
	AUTO_STRV struct strv names = { 0 };
	struct name_answer out[ARRAY_SIZE(kinds)];

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		strv_push(&names, "/n");
	if (name_use_ask(h, &asker, &names, kinds, out, MONO_NEVER, NULL) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		fuzz_claim(out[i].use < NAME_USES, "a name has a use");
}

static void ask_for_disks(struct host *h)
{
	const struct disk_asker asker = { .state = "/s", .nonce = "00" };
	struct disk_mounts mounts = { .n = 0 };
	AUTO_STRV struct strv paths = { 0 };
	struct disk_facts f[2];
	const char *why = NULL;

	strv_push(&paths, "/a");
	strv_push(&paths, "/b");
	if (disk_facts_ask(h, &asker, &paths, f, &mounts, MONO_NEVER, NULL) ==
	    0) {
		if (f[0].mount.type)
			free(disk_proof_mount_remedy(&f[0].mount, &mounts));
		(void)disk_proof_judge(&f[0], &f[1], false, &why);
		fuzz_claim(why != NULL, "a verdict has a reason");
	}
	disk_facts_free(&f[0]);
	disk_facts_free(&f[1]);
	disk_mounts_free(&mounts);
}

static void ask_for_network(struct host *h)
{
	struct net_asker asker = { .pid = 42, .bridges = true };
	const struct net_link *l;
	struct net_facts f;

	strv_push(&asker.links, "tap0");
	strv_push(&asker.macs, "52:54:00:12:34:56");
	strv_push(&asker.tcp, "170D");
	if (net_facts_ask(h, &asker, &f, MONO_NEVER, NULL) == 0) {
		l = net_facts_link(&f, "tap0");
		fuzz_claim(!l || l->self.kind != NET_MISSING,
			   "a link that is found is there");
		fuzz_claim(!l || !l->master || !strchr(l->master, '\n'),
			   "a name is one line");
		(void)net_facts_taken(&f, false, "127.0.0.1", 5901);
		(void)net_facts_has_address(&f, "10.0.0.1");
		(void)net_facts_alive(&f, "52:54:00:12:34:56");
	}
	net_facts_free(&f);
	net_asker_free(&asker);
}

static void ask_for_ancestors(struct host *h)
{
	struct ancestors all;

	if (ancestors_read(h, 42, &all, MONO_NEVER, NULL) == 0) {
		for (int ours = 0; ours < 2; ours++) {
			struct supervisor s;

			supervisor_judge(&all, ours, &s);
			fuzz_claim(s.verdict == SUPERVISOR_NONE
					   ? !s.found
					   : s.found && s.remedy,
				   "a supervisor is named, with a remedy");
			fuzz_claim(ours || !all.hidden || all.n ||
					   s.verdict != SUPERVISOR_NONE,
				   "a parent that is not seen is not none");
			supervisor_free(&s);
		}
	}
	ancestors_free(&all);
}

static void ask_for_unit(const char *text)
{
	const struct guest g = {
		.unit = (char *)"web1.service",
		.cgroup = (char *)"/system.slice/web1.service",
	};
	struct unit_facts f;

	unit_facts_parse(text, &g, &f);
	fuzz_claim(f.known != (f.why_unknown != NULL),
		   "a unit is known, or why not is");
	unit_facts_free(&f);
}

/* --- a launch ------------------------------------------------------------ */

static void set_up(struct run *r, struct host *h)
{
	strcpy(r->id.name, "20261130-1-fuzz");
	r->id.key = xstrdup("key");
	r->dst.host = h;
	r->src.facts.hostname = xstrdup("hosta");
	r->dst.facts.run_root = xstrdup("/run/vmferry");
	r->dst.facts.state_root = xstrdup("/var/lib/vmferry");
	r->source.guest.name = xstrdup("web1");
	r->source.guest.user = xstrdup("nobody");
	r->source.guest.group = xstrdup("nogroup");
	r->source.guest.uid = 65534;
	r->source.facts.ram_bytes = 1 << 30;
	r->dest.dir = xstrdup("/run/vmferry/r");
	r->dest.lock = xstrdup("/run/vmferry/in-key");
	r->dest.token_file = xstrdup("/run/vmferry/tokens/r-destination");
	r->dest.plan.monitor0 = xstrdup("/run/vmferry/r/qmp0.sock");
	r->dest.plan.monitor1 = xstrdup("/run/vmferry/r/qmp1.sock");
	strv_push(&r->dest.plan.argv, "qemu-system-x86_64");
}

static void launch(struct host *h)
{
	const struct migrate_options opt = { .guest = "g",
					     .destination = "hostb" };
	AUTO_ERR struct err err = { 0 };
	struct result result;
	struct run run;

	result_init(&result);
	run_open(&run, &opt, &result);
	set_up(&run, h);
	fuzz_claim(launch_run(&run, &err) < 0 && err.kind != ERR_NONE,
		   "without a monitor nothing is launched");
	fuzz_claim(run.dest.pid >= 0, "a process has a number");
	run.dst.host = NULL;
	run_close(&run);
	result_free(&result);
}

static void run_all(void *arg)
{
	struct fuzz_input *in = arg;
	AUTO_STRV struct strv answers = { 0 };
	struct teller t = {
		.host = { .ops = &ops, .name = (char *)"hostb" },
		.answers = &answers,
	};
	const struct guest_socket_owner owner = { .uid = 42 };
	struct strv first = { .n = 0 };

	fuzz_words(in, &answers);
	first.v = answers.v;
	first.n = answers.n ? 1 : 0;
	t.answers = &first;
	check_admission(&t.host);
	ask_for_mark(&t.host);
	ask_for_names(&t.host);
	ask_for_disks(&t.host);
	ask_for_network(&t.host);
	ask_for_ancestors(&t.host);
	ask_for_unit(first.n ? first.v[0] : "");
	(void)guest_socket_connect(&t.host, "/s", &owner, MONO_NEVER, NULL);
	t.answers = &answers;
	launch(&t.host);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };

	fuzz_in_task(run_all, &in);
	return 0;
}
