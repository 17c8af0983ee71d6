/* SPDX-License-Identifier: MIT */
/*
 * preflight: every check at once, each with its remedy; changes nothing.
 *
 * The facts are gathered first (one script a question and host); each check is
 * then a small function over them, in the table at the end.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/run.h"
#include "transport/base/log.h"
#include "transport/base/xalloc.h"
#include "transport/quote.h"

/* What the checks look at, gathered once. */
struct preflight {
	struct run *r;
	struct probe_qemu qemu;
	struct strv paths; /* plan.files, bridges, then: */
	size_t moves_at;   /* directories of public sockets */
	size_t cwd_at;	   /* the working directory, if it matters */
	struct probe_file *here, *there;
	bool user_known; /* the guest's user exists on the destination */
	bool kvm_usable; /* /dev/kvm opens over there */
	char *restart;	 /* Restart= of the source's unit, or "" */
};

#define ADD(p, name, side, verdict, found, remedy)                       \
	checks_add(&(p)->r->checks, name, CHECK_##side, CHECK_##verdict, \
		   found, remedy)

static const char *dst_name(const struct preflight *p)
{
	return host_name(p->r->dst_host);
}

static double gib(uint64_t bytes)
{
	return (double)bytes / (1024.0 * 1024 * 1024);
}

/* --- gathering ----------------------------------------------------------- */

static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash != path ? xstrndup(path, (size_t)(slash - path))
				      : xstrdup("/");
}

static void list_paths(struct preflight *p)
{
	const struct argv_plan *plan = &p->r->plan;

	for (size_t i = 0; i < plan->n_files; i++)
		strv_push(&p->paths, plan->files[i].path);
	for (size_t i = 0; i < plan->n_nets; i++) {
		const struct argv_net *net = &plan->nets[i];

		strv_pushf(&p->paths, "/sys/class/net/%s",
			   net->bridge ? net->bridge : "lo");
	}
	p->moves_at = p->paths.n;
	for (size_t i = 0; i < plan->moves.n; i++)
		strv_take(&p->paths, parent_of(plan->moves.v[i].public));
	p->cwd_at = p->paths.n;
	if (plan->cwd)
		strv_push(&p->paths, plan->cwd);
}

static int ask_destination(struct preflight *p, struct err *err)
{
	struct host *h = p->r->dst_host;
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf text = { 0 };
	AUTO_FREE char *value = NULL;

	buf_printf(&script, "id -u ");
	quote_word(&script, p->r->guest.user);
	buf_printf(&script, " >/dev/null 2>&1 && echo user=1\n"
			    "[ -r /dev/kvm ] && [ -w /dev/kvm ] && echo kvm=1\n"
			    "exit 0\n");
	if (probe_script(h, "preflight", buf_data(&script), &text,
			 mono_in_ms(RUN_SCRIPT_MS), err) < 0)
		return -1;
	value = probe_value(buf_data(&text), "user");
	p->user_known = value != NULL;
	free(value);
	value = probe_value(buf_data(&text), "kvm");
	p->kvm_usable = value != NULL;
	return 0;
}

/* A supervisor that restarts the source would run the guest twice. */
static void ask_restart(struct preflight *p)
{
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf text = { 0 };

	if (!p->r->guest.unit || !p->r->src_facts.systemd)
		return;
	buf_printf(&script, "systemctl show -p Restart -- ");
	quote_word(&script, p->r->guest.unit);
	buf_printf(&script, "\n");
	if (probe_script(p->r->src_host, "unit probe", buf_data(&script), &text,
			 mono_in_ms(RUN_SCRIPT_MS), NULL) == 0)
		p->restart = probe_value(buf_data(&text), "Restart");
}

static int find_qemu(struct preflight *p, struct err *err)
{
	struct run *r = p->r;
	const char *binary = r->opt->qemu_binary ? r->opt->qemu_binary
						 : r->guest.exe;

	if (probe_qemu(r->dst_host, binary, r->facts.machine, &p->qemu,
		       mono_in_ms(RUN_SCRIPT_MS), err) < 0)
		return -1;
	r->dst_binary = xstrdup(p->qemu.path ? p->qemu.path : binary);
	return 0;
}

static int make_plan(struct preflight *p, struct err *err)
{
	struct run *r = p->r;
	AUTO_STRV struct strv given = { 0 };
	const struct strv *argv = &r->guest.argv;

	if (r->opt->dest_args) {
		strv_push(&given, r->guest.argv.v[0]);
		strv_push_all(&given, r->opt->dest_args);
		argv = &given;
	}
	r->dst_dir = xasprintf("%s/%s", r->dst_facts.run_root, r->id);
	r->dst_lock = xasprintf("%s/in-%s", r->dst_facts.run_root, r->key);
	return argv_rebuild(
		&(struct argv_input){
			.argv = argv,
			.cwd = r->guest.cwd,
			.moves = &r->guest.moves,
			.machine = r->facts.machine,
			.run_dir = r->dst_dir,
			.binary = r->dst_binary,
			.remaps = r->opt->remaps,
			.n_remaps = r->opt->n_remaps,
			.same_host =
				probe_same_host(&r->src_facts, &r->dst_facts),
		},
		&r->plan, err);
}

static int gather(struct preflight *p, struct err *err)
{
	struct run *r = p->r;

	if (find_qemu(p, err) < 0 || make_plan(p, err) < 0 ||
	    ask_destination(p, err) < 0)
		return -1;
	ask_restart(p);
	list_paths(p);
	p->here = xcalloc(p->paths.n, sizeof(*p->here));
	p->there = xcalloc(p->paths.n, sizeof(*p->there));
	if (probe_files(r->src_host, &p->paths, p->here,
			mono_in_ms(RUN_SCRIPT_MS), err) < 0 ||
	    probe_files(r->dst_host, &p->paths, p->there,
			mono_in_ms(RUN_SCRIPT_MS), err) < 0)
		return -1;
	return 0;
}

static void preflight_free(struct preflight *p)
{
	probe_qemu_free(&p->qemu);
	strv_free(&p->paths);
	free(p->here);
	free(p->there);
	free(p->restart);
}

/* --- the checks ---------------------------------------------------------- */

static void check_manager(struct preflight *p)
{
	const char *manager = p->r->guest.manager;

	if (!manager)
		return;
	ADD(p, "manager", SOURCE, FAIL,
	    xasprintf("%s belongs to %s, which would lose track of it",
		      guest_label(&p->r->guest), manager),
	    xasprintf("migrate it with %s itself", manager));
}

static void check_restart(struct preflight *p)
{
	if (!p->restart || !strcmp(p->restart, "no") ||
	    !strcmp(p->restart, "on-failure") || !*p->restart)
		return;
	ADD(p, "restart", SOURCE, FAIL,
	    xasprintf("unit %s has Restart=%s: it would start the guest again",
		      p->r->guest.unit, p->restart),
	    xstrdup("set Restart=on-failure or no in the unit"));
}

static void check_blocked(struct preflight *p)
{
	if (!p->r->facts.blocked) {
		ADD(p, "migratable", SOURCE, PASS,
		    xstrdup("QEMU names nothing that blocks migration"), NULL);
		return;
	}
	ADD(p, "migratable", SOURCE, FAIL,
	    xasprintf("QEMU refuses: %s", p->r->facts.blocked),
	    xstrdup("unplug that device, or start the guest without it"));
}

static void check_jobs(struct preflight *p)
{
	AUTO_FREE char *jobs = NULL;

	if (!p->r->facts.jobs.n)
		return;
	jobs = strv_join(&p->r->facts.jobs, ", ");
	ADD(p, "jobs", SOURCE, FAIL,
	    xasprintf("block jobs are running: %s", jobs),
	    xstrdup("wait for them, or cancel them"));
}

static void check_hotplug(struct preflight *p)
{
	AUTO_FREE char *devices = NULL;

	if (!p->r->facts.hotplugged.n)
		return;
	devices = strv_join(&p->r->facts.hotplugged, ", ");
	ADD(p, "hotplug", SOURCE, FAIL,
	    xasprintf("plugged in after the start, so not on the command "
		      "line: %s",
		      devices),
	    xstrdup("unplug it, or restart the guest with it"));
}

/* Without image locks nothing stops two QEMUs from writing to one disk. */
static void check_locking(struct preflight *p)
{
	const struct strv *argv = &p->r->guest.argv;

	for (size_t i = 0; i < argv->n; i++) {
		if (!strstr(argv->v[i], "locking=off") &&
		    !strstr(argv->v[i], "\"locking\":\"off\""))
			continue;
		ADD(p, "locking", SOURCE, FAIL,
		    xstrdup("image locking is off: nothing would stop two "
			    "QEMUs from writing to one disk"),
		    xstrdup("start the guest without locking=off"));
		return;
	}
}

static void check_command_line(struct preflight *p)
{
	const struct argv_plan *plan = &p->r->plan;
	bool bad = false;

	for (size_t i = 0; i < plan->n_notes; i++) {
		const struct argv_note *n = &plan->notes[i];

		if (n->kind == ARGV_CHANGED)
			continue;
		bad = true;
		if (n->kind == ARGV_REFUSED)
			ADD(p, "command-line", SOURCE, FAIL,
			    xasprintf("%s: %s", n->option, n->text),
			    xstrdup("start the guest without it, or give the "
				    "destination's with --dest-args"));
		else
			ADD(p, "command-line", SOURCE, WARN,
			    xasprintf("%s: %s", n->option, n->text), NULL);
	}
	if (!bad)
		ADD(p, "command-line", SOURCE, PASS,
		    xstrdup("every option is understood"), NULL);
}

/*
 * QEMU before 8 under TCG can lose dirty pages when RAM is a multiple of
 * 256 KiB; one of the few places where a version decides, since the bug is not
 * to be seen in any feature.
 */
static void check_tcg_dirty_bits(struct preflight *p)
{
	const struct qmp_version *v = qmp_version(p->r->src.qmp);

	if (p->r->facts.kvm || v->major >= 8 ||
	    p->r->facts.ram_bytes % (256 * 1024))
		return;
	ADD(p, "tcg-dirty-bits", SOURCE, WARN,
	    xasprintf("QEMU %d.%d under TCG may lose pages of a guest whose "
		      "RAM is a multiple of 256 KiB",
		      v->major, v->minor),
	    xstrdup("start it with, say, -m 1048584K, or stop it first"));
}

static void check_qemu(struct preflight *p)
{
	if (p->qemu.path)
		ADD(p, "qemu", DESTINATION, PASS,
		    xasprintf("QEMU %s at %s", p->qemu.version, p->qemu.path),
		    NULL);
	else
		ADD(p, "qemu", DESTINATION, FAIL,
		    xasprintf("no %s on %s", p->r->dst_binary, dst_name(p)),
		    xstrdup("install QEMU there, or name it with "
			    "--qemu-binary"));
}

static void check_machine(struct preflight *p)
{
	const char *machine = p->r->facts.machine;

	if (!p->qemu.path)
		return;
	if (p->qemu.machine_known)
		ADD(p, "machine", DESTINATION, PASS,
		    xasprintf("machine type %s exists on %s", machine,
			      dst_name(p)),
		    NULL);
	else
		ADD(p, "machine", DESTINATION, FAIL,
		    xasprintf("QEMU %s on %s has no machine type %s",
			      p->qemu.version, dst_name(p), machine),
		    xstrdup("use a QEMU there that has it (--qemu-binary), or "
			    "start the guest with a type both have"));
}

static void check_version(struct preflight *p)
{
	const struct qmp_version *v = qmp_version(p->r->src.qmp);
	int major = 0, minor = 0;

	if (!p->qemu.path ||
	    sscanf(p->qemu.version, "%d.%d", &major, &minor) != 2)
		return;
	if (major > v->major || (major == v->major && minor >= v->minor))
		return;
	ADD(p, "version", BOTH, WARN,
	    xasprintf("to an older QEMU (%d.%d.%d to %s): upstream tests only "
		      "the other direction",
		      v->major, v->minor, v->micro, p->qemu.version),
	    xstrdup("test it with a guest that does not matter"));
}

static void check_kvm(struct preflight *p)
{
	if (!p->r->facts.kvm)
		return;
	if (p->kvm_usable)
		ADD(p, "kvm", DESTINATION, PASS,
		    xasprintf("/dev/kvm opens on %s", dst_name(p)), NULL);
	else
		ADD(p, "kvm", DESTINATION, FAIL,
		    xasprintf("the guest runs on KVM, and /dev/kvm cannot be "
			      "opened on %s",
			      dst_name(p)),
		    xstrdup("load kvm there, or give the user access"));
}

static void check_memory(struct preflight *p)
{
	uint64_t need = p->r->facts.ram_bytes;
	uint64_t have = p->r->dst_facts.memory_available_bytes;
	char *found = xasprintf("RAM %.1f GiB needed, %.1f GiB available on %s",
				gib(need), gib(have), dst_name(p));

	if (!have || have > need)
		ADD(p, "memory", DESTINATION, PASS, found, NULL);
	else
		ADD(p, "memory", DESTINATION, FAIL, found,
		    xstrdup("free memory there"));
}

static void check_user(struct preflight *p)
{
	const struct run *r = p->r;

	if (r->dst_facts.uid && r->guest.uid != r->dst_facts.uid)
		ADD(p, "user", DESTINATION, FAIL,
		    xasprintf("the guest runs as %s, and the login on %s "
			      "cannot start it as that user",
			      r->guest.user, dst_name(p)),
		    xasprintf("log in as root, or as %s", r->guest.user));
	else if (!p->user_known)
		ADD(p, "user", DESTINATION, FAIL,
		    xasprintf("the guest runs as %s, who does not exist on %s",
			      r->guest.user, dst_name(p)),
		    xasprintf("create %s there", r->guest.user));
}

static bool same_file(const struct preflight *p, size_t i)
{
	const struct probe_file *a = &p->here[i], *b = &p->there[i];

	return a->exists && a->inode == b->inode && a->type == b->type &&
	       a->size_bytes == b->size_bytes;
}

/* A disk must be the same file; the rest must be there and alike. */
static void check_image(struct preflight *p, size_t i)
{
	const char *path = p->paths.v[i];

	if (same_file(p, i))
		ADD(p, "disk", BOTH, PASS,
		    xasprintf("%s is the same file on both", path), NULL);
	else if (p->there[i].type == 'b')
		ADD(p, "disk", BOTH, WARN,
		    xasprintf("%s is a block device: cannot tell whether both "
			      "hosts see the same",
			      path),
		    xstrdup("make sure that it is the same LUN"));
	else if (p->r->opt->n_remaps && !p->here[i].exists)
		ADD(p, "disk", BOTH, WARN,
		    xasprintf("%s stands elsewhere on the source: cannot tell "
			      "whether it is the same file",
			      path),
		    xstrdup("make sure that both paths lead to one file"));
	else
		ADD(p, "disk", BOTH, FAIL,
		    xasprintf("%s on %s is another file than on the source",
			      path, dst_name(p)),
		    xstrdup("put the image on storage that both hosts share"));
}

static void check_file(struct preflight *p, size_t i)
{
	const struct argv_file *f = &p->r->plan.files[i];

	if (!p->there[i].exists)
		ADD(p, "file", DESTINATION, FAIL,
		    xasprintf("%s does not exist on %s", f->path, dst_name(p)),
		    xstrdup("put it there, or map its path with "
			    "--remap OLD=NEW"));
	else if (f->kind == ARGV_IMAGE)
		check_image(p, i);
	else if (p->here[i].exists && !f->directory &&
		 p->here[i].size_bytes != p->there[i].size_bytes)
		ADD(p, "file", BOTH, WARN,
		    xasprintf("%s differs in size between the hosts", f->path),
		    xstrdup("copy it from the source"));
	else
		ADD(p, "file", DESTINATION, PASS,
		    xasprintf("%s exists on %s", f->path, dst_name(p)), NULL);
}

static void check_files(struct preflight *p)
{
	for (size_t i = 0; i < p->r->plan.n_files; i++)
		check_file(p, i);
}

static void check_network(struct preflight *p)
{
	const struct argv_plan *plan = &p->r->plan;

	for (size_t i = 0; i < plan->n_nets; i++) {
		const char *bridge = plan->nets[i].bridge;

		if (!bridge)
			continue;
		if (p->there[plan->n_files + i].exists)
			ADD(p, "bridge", DESTINATION, PASS,
			    xasprintf("bridge %s exists on %s", bridge,
				      dst_name(p)),
			    NULL);
		else
			ADD(p, "bridge", DESTINATION, FAIL,
			    xasprintf("no bridge %s on %s", bridge,
				      dst_name(p)),
			    xasprintf("ip link add %s type bridge, and give "
				      "it an uplink",
				      bridge));
	}
}

static void check_directories(struct preflight *p)
{
	const struct socket_moves *m = &p->r->plan.moves;

	for (size_t i = 0; i < m->n; i++) {
		size_t at = p->moves_at + i;

		if (p->there[at].type != 'd')
			ADD(p, "directory", DESTINATION, FAIL,
			    xasprintf("%s, where %s will be, is no directory "
				      "on %s",
				      p->paths.v[at], m->v[i].public,
				      dst_name(p)),
			    xstrdup("create it there"));
	}
	if (!p->r->plan.cwd || p->there[p->cwd_at].type == 'd')
		return;
	ADD(p, "directory", DESTINATION, FAIL,
	    xasprintf("the guest's paths are relative to %s, which is not on "
		      "%s",
		      p->r->plan.cwd, dst_name(p)),
	    xstrdup("create it there, or map it with --remap OLD=NEW"));
}

static void (*const preflight_table[])(struct preflight *p) = {
	check_manager,	    check_restart,	  check_blocked,
	check_jobs,	    check_hotplug,	  check_locking,
	check_command_line, check_tcg_dirty_bits, check_qemu,
	check_machine,	    check_version,	  check_kvm,
	check_memory,	    check_user,		  check_files,
	check_network,	    check_directories,
};

/* --- the verdict --------------------------------------------------------- */

const char *const migrate_check_names[] = {
	"manager", "restart",	   "migratable",     "jobs", "hotplug",
	"locking", "command-line", "tcg-dirty-bits", "qemu", "machine",
	"version", "kvm",	   "memory",	     "user", "disk",
	"file",	   "bridge",	   "directory",	     NULL,
};

bool migrate_check_known(const char *name)
{
	for (size_t i = 0; migrate_check_names[i]; i++) {
		if (!strcmp(migrate_check_names[i], name))
			return true;
	}
	return false;
}

static bool is_skipped(const struct run *r, const char *name)
{
	const char *const *skip = r->opt->skip_checks;

	for (; skip && *skip; skip++) {
		if (!strcmp(*skip, name))
			return true;
	}
	return false;
}

static void tell_checks(struct run *r)
{
	for (size_t i = 0; i < r->checks.n; i++) {
		struct check *c = &r->checks.v[i];
		struct event ev = { .kind = EVENT_CHECK, .check = c };

		assert(migrate_check_known(c->name));
		if (c->verdict == CHECK_FAIL && is_skipped(r, c->name))
			c->verdict = CHECK_WARN;
		run_tell(r, &ev);
	}
}

static void tell_facts(struct run *r, const struct preflight *p)
{
	const struct qmp_version *v = qmp_version(r->src.qmp);
	AUTO_FREE char *version =
		xasprintf("%d.%d.%d", v->major, v->minor, v->micro);
	AUTO_STRV struct strv from = { 0 }, to = { 0 };
	struct event ev = { .kind = EVENT_FACTS };

	argv_blank_secrets(&r->guest.argv, &from);
	argv_blank_secrets(&r->plan.argv, &to);
	ev.facts = (struct event_facts){
		.source_qemu = version,
		.destination_qemu = p->qemu.version,
		.source_argv = &from,
		.destination_argv = &to,
		.machine = r->facts.machine,
		.ram_bytes = r->facts.ram_bytes,
		.vcpus = r->facts.vcpus,
		.kvm = r->facts.kvm,
	};
	run_tell(r, &ev);
}

static int refuse(const struct run *r, struct err *err)
{
	const struct check *first = NULL;
	size_t n = checks_count(&r->checks, CHECK_FAIL);

	for (size_t i = 0; i < r->checks.n && !first; i++) {
		if (r->checks.v[i].verdict == CHECK_FAIL)
			first = &r->checks.v[i];
	}
	if (!first)
		return 0;
	err_set(err, ERR_REFUSED, "%s", first->found);
	err_wrap(err, ERR_REFUSED, "%zu check%s failed; nothing was changed", n,
		 n == 1 ? "" : "s");
	if (first->side == CHECK_DESTINATION)
		err_at_host(err, host_name(r->dst_host));
	if (first->remedy)
		err_hint(err, "%s", first->remedy);
	return -1;
}

int run_preflight(struct run *r, struct err *err)
{
	struct preflight p = { .r = r };
	int rc = gather(&p, err);

	if (rc == 0) {
		for (size_t i = 0; i < ARRAY_SIZE(preflight_table); i++)
			preflight_table[i](&p);
		tell_facts(r, &p);
		tell_checks(r);
		rc = refuse(r, err);
	} else {
		err_wrap(err, ERR_NONE, "preflight could not finish");
	}
	preflight_free(&p);
	return rc;
}
