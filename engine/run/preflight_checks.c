/* SPDX-License-Identifier: MIT */
/*
 * preflight_checks: one small function a check, over what was gathered. Each
 * failure names its remedy; a check that has nothing to say adds nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/hosts/guest_id.h"
#include "engine/run/lock.h"
#include "engine/run/migrate_options.h"
#include "engine/run/preflight.h"
#include "engine/run/queue.h"
#include "engine/run/reach.h"
#include "qmp/qmp.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/quote.h"

#define ADD(p, name, side, verdict, found, remedy)                       \
	checks_add(&(p)->r->checks, name, CHECK_##side, CHECK_##verdict, \
		   found, remedy)

static const char *dst_name(const struct preflight *p)
{
	return host_name(p->r->dst.host);
}

static double gib(uint64_t bytes)
{
	return (double)bytes / (1024.0 * 1024 * 1024);
}

static double mib(uint64_t bytes)
{
	return (double)bytes / (1024.0 * 1024);
}

/* Refused again under the lock: this one is there to report it early. */
static void check_unfinished(struct preflight *p)
{
	const struct run *r = p->r;
	AUTO_STRV struct strv rests = { .v = NULL };
	AUTO_ERR struct err e = { 0 };
	AUTO_FREE char *word = quote_text(guest_label(&r->source.guest));

	/* somebody is at it */
	if (lock_is_held(r, r->id.key))
		return;
	if (lock_look_unfinished(r, &rests, &e) != UNFINISHED_NONE)
		ADD(p, "unfinished", SOURCE, FAIL, xstrdup(e.message),
		    xstrdup(err_hint_of(&e)));
	for (size_t i = 0; i < rests.n; i++)
		ADD(p, "unfinished", SOURCE, WARN, xstrdup(rests.v[i]),
		    xasprintf("vmferry recover %s, once that host answers",
			      word));
}

static void check_manager(struct preflight *p)
{
	const char *manager = p->r->source.guest.manager;

	if (!manager)
		return;
	ADD(p, "manager", SOURCE, FAIL,
	    xasprintf("%s belongs to %s, which would lose track of it",
		      guest_label(&p->r->source.guest), manager),
	    xasprintf("migrate it with %s itself", manager));
}

static void check_enabled(struct preflight *p)
{
	const struct guest *g = &p->r->source.guest;
	/* for a shell; both are free text */
	AUTO_FREE char *name = quote_text(g->name ? g->name : "GUEST");
	AUTO_FREE char *unit = quote_text(g->unit ? g->unit : "");

	if (!p->unit.enabled || p->unit.asks_first)
		return;
	ADD(p, "boot", SOURCE, WARN,
	    xasprintf("unit %s is enabled: it would start the guest here at "
		      "the next %s",
		      g->unit, g->user_unit ? "login" : "boot"),
	    xasprintf("systemctl %sdisable %s, or give it "
		      "ExecCondition=vmferry owns %s",
		      g->user_unit ? "--user " : "", unit, name));
}

/* systemd itself; what else would start it again is the next check's. */
void preflight_check_unit(struct preflight *p)
{
	const char *unit = p->r->source.guest.unit;

	if (p->unit.why_unknown)
		ADD(p, "restart", SOURCE, WARN,
		    xasprintf("whether unit %s would start the guest again is "
			      "not known: %s",
			      unit, p->unit.why_unknown),
		    xstrdup("make sure that it has Restart=no"));
	else if (p->r->source.restarts)
		ADD(p, "restart", SOURCE, PASS,
		    xasprintf("unit %s has Restart=%s, which is set to no "
			      "until the source has ended",
			      unit, p->unit.restart),
		    NULL);
	check_enabled(p);
}

void preflight_check_supervisor(struct preflight *p)
{
	const struct supervisor *s = &p->above;

	if (s->verdict == SUPERVISOR_STARTS)
		ADD(p, "supervisor", SOURCE, FAIL, xstrdup(s->found),
		    xstrdup(s->remedy));
	else if (s->verdict == SUPERVISOR_UNKNOWN)
		ADD(p, "supervisor", SOURCE, WARN, xstrdup(s->found),
		    xstrdup(s->remedy));
}

void preflight_check_guardian(struct preflight *p)
{
	if (!p->lonely)
		return;
	ADD(p, "guardian", DESTINATION, WARN,
	    xasprintf("the guardian cannot log in to %s by itself, should "
		      "vmferry die: %s",
		      dst_name(p), p->lonely),
	    xstrdup(p->r->opt->ssh.become == HOST_BECOME_SUDO
			    ? "use a key that needs nothing typed (an "
			      "agent's) and a rule NOPASSWD for sudo, or be "
			      "there to run vmferry recover"
			    : "use a key that needs nothing typed (an "
			      "agent's), or be there to run vmferry recover"));
}

/* On this host the logout is the user's own, and need not come. */
static void check_logout_here(struct preflight *p)
{
	const struct lingering *l = &p->lingers_here;

	if (!l->user || !l->ends)
		return;
	ADD(p, "lingering", SOURCE, WARN,
	    xasprintf("logind ends all that %s has started here at the logout "
		      "(KillUserProcesses=yes): vmferry, its guardian and a "
		      "guest that was started by hand",
		      l->user),
	    xasprintf("stay logged in, or set KillExcludeUsers=%s in "
		      "logind.conf",
		      l->user));
}

/* vmferry's login there ends with the run. */
static void check_logout_there(struct preflight *p)
{
	const struct lingering *l = &p->lingers_there;

	if (!l->user || !l->ends || host_is_local(p->r->dst.host))
		return;
	ADD(p, "lingering", DESTINATION, FAIL,
	    xasprintf("logind on %s ends all that a login of %s has started "
		      "with it (KillUserProcesses=yes): the guest would end "
		      "with vmferry's login",
		      dst_name(p), l->user),
	    xasprintf("set KillExcludeUsers=%s in logind.conf there, or "
		      "migrate as root",
		      l->user));
}

/* The guest ends with it, in the middle of its move. */
static void check_manager_here(struct preflight *p)
{
	const struct guest *g = &p->r->source.guest;

	if (p->manager_here != LINGERING_ENDS)
		return;
	ADD(p, "lingering", SOURCE, WARN,
	    xasprintf("%s is in %s of the service manager of %s, which ends "
		      "with the last session of that user: a logout would "
		      "end the guest while it moves",
		      guest_label(g), g->unit ? g->unit : "a unit", g->user),
	    xasprintf("loginctl enable-linger %s, or stay logged in until it "
		      "has moved",
		      g->user));
}

void preflight_check_lingering(struct preflight *p)
{
	static const char runtime[] = "/run/user/";
	const struct lingering *l = &p->lingers_there;
	const char *root = p->r->dst.facts.run_root;

	check_manager_here(p);
	check_logout_here(p);
	check_logout_there(p);
	if (!l->user || l->lingers || l->session || !root ||
	    strncmp(root, runtime, strlen(runtime)) != 0)
		return;
	ADD(p, "lingering", DESTINATION, WARN,
	    xasprintf("the login of %s on %s is no session of logind: when the "
		      "last session of that user ends, its runtime directory "
		      "is removed, with the sockets of the guest's monitors: "
		      "the guest would run, and nobody could ask or move it",
		      l->user, dst_name(p)),
	    xasprintf("loginctl enable-linger %s, on %s", l->user,
		      dst_name(p)));
}

/* A journal that is lost with its host leaves nobody who knows. */
void preflight_check_state(struct preflight *p)
{
	p->r->result->state_storage = p->storage;
	if (!p->storage)
		return;
	ADD(p, "state", SOURCE, FAIL,
	    xasprintf("the state directory %s is on %s, which a power cut "
		      "empties: nobody would know then which host may run %s",
		      run_state(p->r), p->storage,
		      guest_label(&p->r->source.guest)),
	    xstrdup("name a directory on a disk with --state-dir; where there "
		    "is none, --skip-check state accepts it"));
}

/* "local" says it; by another name it may be a mistake. */
void preflight_check_same_host(struct preflight *p)
{
	const struct run *r = p->r;

	if (host_is_local(r->dst.host) ||
	    !probe_same_host(&r->src.facts, &r->dst.facts))
		return;
	ADD(p, "same-host", DESTINATION, WARN,
	    xasprintf("%s is this host, where the guest runs already: it "
		      "would get another QEMU here",
		      dst_name(p)),
	    xstrdup("name another host, or \"local\" if that is meant"));
}

/* A library that a hostile peer can lead astray; it runs without rights. */
void preflight_check_library(struct preflight *p)
{
	if (!p->faults)
		return;
	ADD(p, "ssh-library", SOURCE, WARN,
	    xasprintf("%s has known faults: %s", p->library, p->faults),
	    xstrdup("keep the package up to date; where the network or the "
		    "host is not to be trusted, use --ssh openssh"));
}

void preflight_check_remaps(struct preflight *p)
{
	const struct migrate_options *opt = p->r->opt;

	for (size_t i = 0; i < opt->n_remaps; i++) {
		if (p->r->dest.plan.remapped[i])
			continue;
		ADD(p, "remap", DESTINATION, FAIL,
		    xasprintf("--remap %s=%s changes nothing: no path of %s is "
			      "below %s",
			      opt->remaps[i].old_prefix,
			      opt->remaps[i].new_prefix,
			      guest_label(&p->r->source.guest),
			      opt->remaps[i].old_prefix),
		    xstrdup("correct it, or leave it out; its command line "
			    "(ps, /proc/PID/cmdline) has its paths"));
	}
}

static void check_blocked(struct preflight *p)
{
	if (!p->r->source.facts.blocked) {
		ADD(p, "migratable", SOURCE, PASS,
		    xstrdup("QEMU names nothing that blocks migration"), NULL);
		return;
	}
	ADD(p, "migratable", SOURCE, FAIL,
	    xasprintf("QEMU refuses: %s", p->r->source.facts.blocked),
	    xstrdup("unplug that device, or start the guest without it"));
}

static void check_jobs(struct preflight *p)
{
	AUTO_FREE char *jobs = NULL;

	if (!p->r->source.facts.jobs.n)
		return;
	jobs = strv_join(&p->r->source.facts.jobs, ", ");
	ADD(p, "jobs", SOURCE, FAIL,
	    xasprintf("block jobs are running: %s", jobs),
	    xstrdup("wait for them, or cancel them"));
}

static void check_hotplug(struct preflight *p)
{
	AUTO_FREE char *devices = NULL;

	if (!p->r->source.facts.hotplugged.n)
		return;
	devices = strv_join(&p->r->source.facts.hotplugged, ", ");
	ADD(p, "hotplug", SOURCE, FAIL,
	    xasprintf("plugged in after the start, so not on the command "
		      "line: %s",
		      devices),
	    xstrdup("unplug it, or restart the guest with it"));
}

/* Without image locks nothing stops two QEMUs from writing to one disk. */
static void check_locking(struct preflight *p)
{
	const struct strv *argv = &p->r->source.guest.argv;

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

/* QEMU before 10.0 aborts at the switchover, and the guest is lost. */
static void check_inactive(struct preflight *p)
{
	if (!p->inactive)
		return;
	ADD(p, "inactive", SOURCE, FAIL,
	    xasprintf("%s arrived paused and does not hold its images, so that "
		      "QEMU would abort: %s",
		      guest_label(&p->r->source.guest), p->inactive),
	    xstrdup("end what else has the image open; `cont` and `stop` "
		    "make QEMU take it, too"));
}

static void check_command_line(struct preflight *p)
{
	const struct argv_plan *plan = &p->r->dest.plan;
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

	if (p->r->source.facts.kvm || v->major >= 8 ||
	    p->r->source.facts.ram_bytes % (256 * 1024))
		return;
	ADD(p, "tcg-dirty-bits", SOURCE, WARN,
	    xasprintf("QEMU %d.%d under TCG may lose pages of a guest whose "
		      "RAM is a multiple of 256 KiB",
		      v->major, v->minor),
	    xstrdup("start it with, say, -m 1048584K, or stop it first"));
}

static void check_qemu(struct preflight *p)
{
	if (p->qemu.path && !p->qemu.version[0])
		ADD(p, "qemu", DESTINATION, FAIL,
		    xasprintf("%s on %s is no QEMU, or does not say its "
			      "version to %s",
			      p->qemu.path, dst_name(p),
			      p->r->source.guest.user),
		    xasprintf("see there what `%s -version` says, run as %s",
			      p->qemu.path, p->r->source.guest.user));
	else if (p->qemu.path)
		ADD(p, "qemu", DESTINATION, PASS,
		    xasprintf("QEMU %s at %s", p->qemu.version, p->qemu.path),
		    NULL);
	else
		ADD(p, "qemu", DESTINATION, FAIL,
		    xasprintf("no %s on %s", p->r->dest.binary, dst_name(p)),
		    xstrdup("install QEMU there, or name it with "
			    "--qemu-binary"));
}

/* An upgrade has replaced the file of the QEMU that runs. */
void preflight_check_replaced(struct preflight *p)
{
	const struct guest *g = &p->r->source.guest;

	if (!g->exe_replaced)
		return;
	if (p->qemu.path)
		ADD(p, "qemu-replaced", SOURCE, WARN,
		    xasprintf("%s was replaced since the guest started: its "
			      "QEMU is not the one that is installed",
			      g->exe),
		    xasprintf("make sure that %s (%s) on %s is no older than "
			      "the QEMU that runs, or name another with "
			      "--qemu-binary",
			      p->qemu.path, p->qemu.version, dst_name(p)));
	else
		ADD(p, "qemu-replaced", SOURCE, FAIL,
		    xasprintf("%s was replaced since the guest started, and "
			      "which QEMU on %s is to take over is not known",
			      g->exe, dst_name(p)),
		    xstrdup("name it with --qemu-binary"));
}

static void check_machine(struct preflight *p)
{
	const char *machine = p->r->source.facts.machine;

	if (!p->qemu.path || !p->qemu.version[0])
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

/* The type in "-machine q35,accel=tcg" or "type=q35"; to be freed. */
static char *machine_in(const struct strv *args)
{
	for (size_t i = 0; i + 1 < args->n; i++) {
		const char *option = args->v[i], *value = args->v[i + 1];

		option += strspn(option, "-");
		if (strcmp(option, "machine") != 0 && strcmp(option, "M") != 0)
			continue;
		if (!strncmp(value, "type=", 5))
			value += 5;
		return xstrndup(value, strcspn(value, ","));
	}
	return NULL;
}

/*
 * The type is pinned to the source's in any case, so another one in --dest-args
 * is a mistake. An alias without a version may well mean the same.
 */
static void check_given_machine(struct preflight *p)
{
	const struct run *r = p->r;
	AUTO_FREE char *given = NULL;

	if (r->opt->dest_args)
		given = machine_in(r->opt->dest_args);
	if (!given || !strchr(given, '.') ||
	    !strcmp(given, r->source.facts.machine))
		return;
	ADD(p, "machine", BOTH, FAIL,
	    xasprintf("--dest-args asks for machine type %s, and the guest is "
		      "a %s",
		      given, r->source.facts.machine),
	    xstrdup("leave -machine out: the source's type is used"));
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
	if (!p->r->source.facts.kvm)
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

/* Runs under way to the same host have been promised memory, too. */
static void check_memory(struct preflight *p)
{
	const struct run *r = p->r;
	struct admit_wish wish = queue_wish(r);
	enum admit answer;
	char *found;

	/* who may come first, and what is skipped, is not asked here */
	wish.limit = 0;
	wish.ram_bytes = r->source.facts.ram_bytes + ADMIT_QEMU_BYTES;
	answer = admit_judge(&p->room, &wish);
	found = p->room.promised_bytes
			? xasprintf("RAM %.1f GiB needed, %.1f GiB available "
				    "on %s, of which %.1f GiB are promised to "
				    "guests that arrive there",
				    gib(r->source.facts.ram_bytes),
				    gib(p->room.available_bytes), dst_name(p),
				    gib(p->room.promised_bytes))
			: xasprintf("RAM %.1f GiB needed, %.1f GiB available "
				    "on %s",
				    gib(r->source.facts.ram_bytes),
				    gib(p->room.available_bytes), dst_name(p));
	if (answer == ADMIT_NEVER)
		ADD(p, "memory", DESTINATION, FAIL, found,
		    xstrdup("free memory there"));
	else if (answer == ADMIT_MEMORY && !r->attempt.may_wait)
		ADD(p, "memory", DESTINATION, FAIL, found,
		    xstrdup("wait for the others with --wait, or free memory "
			    "there"));
	else if (answer == ADMIT_MEMORY)
		ADD(p, "memory", DESTINATION, WARN, found,
		    xstrdup("it waits for its turn"));
	else
		ADD(p, "memory", DESTINATION, PASS, found, NULL);
}

/*
 * What a run makes there: QEMU's standard output and standard error, of which
 * 1 MiB each is kept (launch_script.h), and small files and sockets.
 */
enum { ROOM_BYTES = (2 << 20) + (512 << 10), ROOM_INODES = 32 };

void preflight_check_room(struct preflight *p)
{
	const struct run *r = p->r;
	const struct probe_room *room = &r->dst.facts.room;
	size_t inodes = ROOM_INODES + r->dest.plan.moves.n;
	AUTO_FREE char *free_inodes = NULL;
	char *found;

	if (!room->known)
		return;
	free_inodes = room->inodes_known
			      ? xasprintf(" and %llu inodes",
					  (unsigned long long)room->free_inodes)
			      : xstrdup("");
	found = xasprintf("%.1f MiB and %zu inodes needed for the guest's run "
			  "directory, %.1f MiB%s free in %s on %s",
			  mib(ROOM_BYTES), inodes, mib(room->free_bytes),
			  free_inodes, r->dst.facts.run_root, dst_name(p));
	if (room->free_bytes < ROOM_BYTES ||
	    (room->inodes_known && room->free_inodes < inodes))
		ADD(p, "room", DESTINATION, FAIL, found,
		    xasprintf("remove what fills it there (df -h %s, df -i "
			      "%s), or make that file system larger",
			      r->dst.facts.run_root, r->dst.facts.run_root));
	else
		ADD(p, "room", DESTINATION, PASS, found, NULL);
}

/* A device is the same where both hosts are one machine. */
static bool may_be_one_file(const struct preflight *p, size_t i)
{
	const struct probe_file *a = &p->here[i], *b = &p->there[i];

	if (!b->exists || b->type == 'd')
		return false;
	/* at another path on the source, which was not looked at */
	if (!a->exists)
		return p->r->opt->n_remaps > 0;
	if (a->type != b->type)
		return false;
	if (b->type != 'f')
		return p->same_pids && a->inode == b->inode;
	return a->size_bytes == b->size_bytes &&
	       (a->inode == b->inode || a->fuse || b->fuse);
}

/* It grows while both are looked at. */
static bool may_be_one_trace(const struct preflight *p, size_t i)
{
	const struct probe_file *a = &p->here[i], *b = &p->there[i];

	return b->exists && b->type == 'f' &&
	       (a->exists ? a->inode == b->inode || a->fuse || b->fuse
			  : p->r->opt->n_remaps > 0);
}

void preflight_check_traces(struct preflight *p)
{
	for (size_t i = 0; i < p->r->dest.plan.n_files; i++) {
		const struct argv_file *f = &p->r->dest.plan.files[i];

		if (f->kind != ARGV_TRACE || !may_be_one_trace(p, i))
			continue;
		ADD(p, "trace-file", BOTH, FAIL,
		    xasprintf("%s, which QEMU writes, may be the same file on "
			      "%s: QEMU would empty it there",
			      f->path, dst_name(p)),
		    xasprintf("map it to another path with --remap OLD=NEW; if "
			      "it is an old one of %s, remove it there",
			      dst_name(p)));
	}
}

/* The destination would load the guest into the memory that it still uses. */
void preflight_check_ram(struct preflight *p)
{
	for (size_t i = 0; i < p->r->dest.plan.n_files; i++) {
		const struct argv_file *f = &p->r->dest.plan.files[i];

		if (f->kind != ARGV_RAM || !may_be_one_file(p, i))
			continue;
		ADD(p, "ram-file", BOTH, FAIL,
		    xasprintf("%s is mapped with share=on and may be the same "
			      "file on %s: both QEMUs would write the guest's "
			      "memory to it",
			      f->path, dst_name(p)),
		    xasprintf("use memory-backend-memfd, or a file on storage "
			      "of each host's own; if it is an old one of %s, "
			      "remove it there",
			      dst_name(p)));
	}
}

static void check_file(struct preflight *p, size_t i)
{
	const struct argv_file *f = &p->r->dest.plan.files[i];

	/* images: preflight_disks.c */
	if (f->kind == ARGV_RAM || f->kind == ARGV_TRACE ||
	    f->kind == ARGV_IMAGE)
		return;
	if (!p->there[i].exists)
		ADD(p, "file", DESTINATION, FAIL,
		    xasprintf("%s does not exist on %s", f->path, dst_name(p)),
		    xstrdup("put it there, or map its path with "
			    "--remap OLD=NEW"));
	else if (p->here[i].exists && !f->directory &&
		 p->here[i].size_bytes != p->there[i].size_bytes)
		ADD(p, "file", BOTH, WARN,
		    xasprintf("%s differs in size between the hosts", f->path),
		    xstrdup("copy it from the source"));
	else
		ADD(p, "file", DESTINATION, PASS,
		    xasprintf("%s exists on %s", f->path, dst_name(p)), NULL);
}

void preflight_check_files(struct preflight *p)
{
	for (size_t i = 0; i < p->r->dest.plan.n_files; i++)
		check_file(p, i);
}

static const struct preflight_hand *hand_of(const struct preflight *p, size_t i)
{
	return p->hands && p->hands[i].asked ? &p->hands[i] : NULL;
}

static void deny(struct preflight *p, size_t i, const char *what)
{
	const struct preflight_hand *h = hand_of(p, i);
	const char *why = h ? h->refusal : NULL;

	ADD(p, "access", DESTINATION, FAIL,
	    xasprintf("QEMU on %s will run as %s, who may not %s %s%s%s",
		      dst_name(p), p->r->source.guest.user, what, p->paths.v[i],
		      why ? ", and root does not open it: " : "",
		      why ? why : ""),
	    xasprintf("give %s access to it there, and mount its storage so",
		      p->r->source.guest.user));
}

/* Whether QEMU on the source writes it, by what is known. */
static bool is_written(const struct preflight *p, size_t i)
{
	const struct preflight_hand *h = hand_of(p, i);

	if (!p->r->dest.plan.files[i].writable)
		return false;
	if (h && h->here.reads)
		return h->here.writes;
	/* one that its user may not write to is open read-only */
	return !p->here[i].exists || p->here[i].writable;
}

static void check_access_to(struct preflight *p, size_t i)
{
	const struct preflight_hand *h = hand_of(p, i);
	const struct probe_file *there = &p->there[i];

	if (h && !h->needless && !h->refusal)
		ADD(p, "access", DESTINATION, PASS,
		    xasprintf("%s is opened by root for %s, as QEMU has it "
			      "open here",
			      p->paths.v[i], p->r->source.guest.user),
		    NULL);
	else if (!there->readable)
		deny(p, i, "read");
	else if (!there->writable && is_written(p, i))
		deny(p, i, "write to");
}

/* QEMU opens its images by itself, or gets them open (hand_over.h). */
void preflight_check_access(struct preflight *p)
{
	for (size_t i = 0; i < p->r->dest.plan.n_files; i++) {
		const struct argv_file *f = &p->r->dest.plan.files[i];

		if ((f->kind == ARGV_IMAGE || f->node) && p->there[i].exists &&
		    p->there[i].access_known)
			check_access_to(p, i);
	}
}

/*
 * With auto-read-only=on, which -drive has by itself, QEMU opens an image anew
 * to read it only when it lets go of it, and once more when it takes it back.
 * A QEMU that cannot do the first does not migrate; one that cannot do the
 * second is left with a guest that does not run.
 */
void preflight_check_reopening(struct preflight *p)
{
	const char *user = p->r->source.guest.user;

	for (size_t i = 0; p->hands && i < p->r->dest.plan.n_files; i++) {
		const struct argv_file *f = &p->r->dest.plan.files[i];
		const struct hand_held *h = &p->hands[i].here;

		if (!p->hands[i].asked || !f->reopens || !f->writable ||
		    !h->writes || !h->access_known || h->may_write)
			continue;
		ADD(p, "access", SOURCE, FAIL,
		    xasprintf("QEMU opens %s anew when it lets go of it and "
			      "when it takes it back (auto-read-only=on), and "
			      "%s, as whom it runs, may not",
			      f->source, user),
		    xasprintf("give %s access to it for as long as it moves, "
			      "or start the guest with auto-read-only=off "
			      "beside its name",
			      user));
	}
}

/* What is below the images that the command line names, QEMU opens itself. */
void preflight_check_chain(struct preflight *p)
{
	for (size_t i = 0; i < p->chain.n; i++) {
		const struct probe_file *there = &p->chain_there[i];

		if (!there->exists || !there->access_known || there->readable)
			continue;
		ADD(p, "access", DESTINATION, FAIL,
		    xasprintf("%s is below an image of the guest, and QEMU on "
			      "%s will run as %s, who may not read it",
			      p->chain.v[i], dst_name(p),
			      p->r->source.guest.user),
		    xasprintf("give %s access to it there: root opens only "
			      "what the command line names",
			      p->r->source.guest.user));
	}
}

static void check_network(struct preflight *p)
{
	const struct argv_plan *plan = &p->r->dest.plan;

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

/*
 * Names are given with the rights of the guest's user. One that root had made
 * (-runas) cannot be: what the guest's command line says is its user's word,
 * and unlike a file that is open it cannot be proved.
 */
static void check_directory(struct preflight *p, const struct argv_move *m,
			    size_t at)
{
	const struct probe_file *there = &p->there[at];

	if (there->type != 'd')
		ADD(p, "directory", DESTINATION, FAIL,
		    xasprintf("%s, where %s will be, is no directory on %s",
			      p->paths.v[at], m->public, dst_name(p)),
		    xstrdup("create it there"));
	else if (!argv_moves_is_log(m) && there->access_known &&
		 !there->writable)
		ADD(p, "directory", DESTINATION, FAIL,
		    xasprintf("%s, whose QEMU will run on %s, may not write to "
			      "%s, where %s will be",
			      p->r->source.guest.user, dst_name(p),
			      p->paths.v[at], m->public),
		    xasprintf("give %s a directory of its own on both hosts, "
			      "and start the guest with its sockets and its "
			      "pid file there",
			      p->r->source.guest.user));
}

void preflight_check_directories(struct preflight *p)
{
	const struct argv_moves *m = &p->r->dest.plan.moves;

	for (size_t i = 0; i < m->n; i++)
		check_directory(p, &m->v[i], p->moves_at + i);
	if (!p->r->dest.plan.cwd || p->there[p->cwd_at].type == 'd')
		return;
	ADD(p, "directory", DESTINATION, FAIL,
	    xasprintf("the guest's paths are relative to %s, which is not on "
		      "%s",
		      p->r->dest.plan.cwd, dst_name(p)),
	    xstrdup("create it there, or map it with --remap OLD=NEW"));
}

/* The guest itself is seen there, too, where both hosts are one. */
static bool is_source(const struct preflight *p, const struct guest *other)
{
	const struct guest *g = &p->r->source.guest;

	return p->same_pids && other->pid == g->pid &&
	       other->start_ticks == g->start_ticks;
}

/*
 * Whether @other may be the guest, started there by somebody else. What other
 * users call theirs must not keep the guest from its way; root, who may start
 * it, has no reason to call another guest so.
 */
static bool may_be_it(const struct preflight *p, const struct guest *other)
{
	const struct run *r = p->r;
	struct as_user as;
	const struct as_user *user = reach_guest_user(r, r->dst.facts.uid, &as);

	if (!other->uid)
		return true;
	if (!user)
		return other->uid == r->dst.facts.uid;
	return other->user && !strcmp(other->user, user->name);
}

static bool same_uuid(const struct run *r, const struct guest *other)
{
	const char *uuid = r->source.facts.uuid;

	return other->uuid && guest_id_has_uuid(uuid) &&
	       !strcasecmp(uuid, other->uuid);
}

static void add_same_guest(struct preflight *p, const struct guest *other,
			   const char *what)
{
	const char *label = guest_label(&p->r->source.guest);

	if (may_be_it(p, other))
		ADD(p, "same-guest", DESTINATION, FAIL,
		    xasprintf("a guest with the %s of %s runs on %s already: "
			      "%s (pid %d)",
			      what, label, dst_name(p), guest_label(other),
			      (int)other->pid),
		    xstrdup("end it, or start one of them with another -name "
			    "and -uuid"));
	else
		ADD(p, "same-guest", DESTINATION, WARN,
		    xasprintf("another user's guest on %s has the %s of %s: %s "
			      "(pid %d, user %s)",
			      dst_name(p), what, label, guest_label(other),
			      (int)other->pid, other->user),
		    xstrdup("make sure that it is another guest"));
}

void preflight_check_same_guest(struct preflight *p)
{
	const struct run *r = p->r;
	const char *name = r->source.guest.name;

	for (size_t i = 0; i < p->guests.n; i++) {
		const struct guest *other = &p->guests.v[i];
		bool uuid = same_uuid(r, other);

		if (is_source(p, other) ||
		    (!uuid &&
		     (!name || !other->name || strcmp(name, other->name) != 0)))
			continue;
		add_same_guest(p, other, uuid ? "UUID" : "name");
	}
}

static void refuse_name(struct preflight *p, size_t i, const char *how,
			const char *remedy)
{
	ADD(p, "name-in-use", DESTINATION, FAIL,
	    xasprintf("%s on %s %s", p->r->dest.plan.moves.v[i].public,
		      dst_name(p), how),
	    xstrdup(remedy));
}

static void refuse_live(struct preflight *p, size_t i, pid_t pid)
{
	AUTO_FREE char *how =
		pid ? xasprintf("is in use by process %d", (int)pid)
		    : xstrdup("is in use by a process that cannot be seen");

	refuse_name(p, i, how,
		    "end that process, or map the path with --remap OLD=NEW");
}

/*
 * A guest that arrived there has public names that /proc does not show, but its
 * command line, which another user may have written for this.
 */
static const struct guest *arrived_with(const struct preflight *p,
					const char *public)
{
	for (size_t i = 0; i < p->guests.n; i++) {
		const struct guest *other = &p->guests.v[i];

		for (size_t k = 0; k < other->moves.n; k++) {
			if (!is_source(p, other) && may_be_it(p, other) &&
			    !strcmp(other->moves.v[k].public, public))
				return other;
		}
	}
	return NULL;
}

void preflight_check_names(struct preflight *p)
{
	static const char *const how[NAME_USES] = {
		[NAME_FILE] = "is a file that would be replaced",
		[NAME_SOCKET] = "is a socket, where a file is to be",
		[NAME_DIRECTORY] = "is a directory",
	};
	const struct argv_moves *m = &p->r->dest.plan.moves;

	for (size_t i = 0; i < m->n; i++) {
		const struct guest *other = arrived_with(p, m->v[i].public);

		if (p->names[i].use == NAME_LIVE)
			refuse_live(p, i, p->names[i].pid);
		else if (other && !argv_moves_is_log(&m->v[i]))
			refuse_live(p, i, other->pid);
		else if (p->names[i].use == NAME_UNKNOWN)
			refuse_name(p, i,
				    "may be in use: processes that may have it "
				    "do not answer",
				    "see there which ones wait, as for a file "
				    "system that does not answer, or map the "
				    "path with --remap OLD=NEW");
		else if (how[p->names[i].use])
			refuse_name(p, i, how[p->names[i].use],
				    "remove it, or map the path with --remap "
				    "OLD=NEW");
	}
}

void preflight_check_forwarding(struct preflight *p)
{
	const char *host = dst_name(p);

	if (p->forwarding != FORWARDING_REFUSED)
		return;
	ADD(p, "forwarding", DESTINATION, FAIL,
	    xasprintf("the SSH server on %s connects to no UNIX socket", host),
	    xasprintf("set AllowStreamLocalForwarding yes in sshd_config on "
		      "%s, and no DisableForwarding yes; the key must not be "
		      "restricted in authorized_keys (restrict, "
		      "no-port-forwarding)",
		      host));
}

void preflight_check_tools(struct preflight *p)
{
	if (p->tools.lacks && *p->tools.lacks)
		ADD(p, "tools", DESTINATION, FAIL,
		    xasprintf("%s lacks programs that a guest is started "
			      "with, or has them with fewer options: %s",
			      dst_name(p), p->tools.lacks),
		    xstrdup("install util-linux (flock, setsid, setpriv) and "
			    "coreutils (mktemp, readlink, sleep, stat) there"));
	if (p->tools.limits_lack && !p->r->dst.facts.uid)
		ADD(p, "tools", DESTINATION, WARN,
		    xasprintf("%s has no prlimit: of the source's resource "
			      "limits only nofile and memlock are taken over",
			      dst_name(p)),
		    xstrdup("install util-linux there"));
}

void (*const preflight_checks[])(struct preflight *p) = {
	check_unfinished,
	check_manager,
	preflight_check_unit,
	preflight_check_supervisor,
	preflight_check_same_host,
	preflight_check_become,
	preflight_check_guardian,
	preflight_check_tools,
	preflight_check_forwarding,
	preflight_check_transport,
	preflight_check_lingering,
	preflight_check_state,
	preflight_check_library,
	preflight_check_remaps,
	check_blocked,
	check_jobs,
	check_hotplug,
	check_locking,
	check_inactive,
	check_command_line,
	check_tcg_dirty_bits,
	preflight_check_keyring,
	check_qemu,
	preflight_check_replaced,
	check_machine,
	check_given_machine,
	check_version,
	check_kvm,
	check_memory,
	preflight_check_room,
	preflight_check_user,
	preflight_check_groups,
	preflight_check_files,
	preflight_disks_check_files,
	preflight_disks_check_active,
	preflight_disks_check_servers,
	preflight_check_ram,
	preflight_check_traces,
	preflight_check_access,
	preflight_check_reopening,
	preflight_check_chain,
	check_network,
	preflight_check_directories,
	preflight_check_same_guest,
	preflight_check_names,
	NULL,
};
