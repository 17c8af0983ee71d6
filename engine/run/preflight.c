/* SPDX-License-Identifier: MIT */
/*
 * preflight: every check at once, each with its remedy; changes nothing.
 *
 * The facts are gathered first: one script a question and host, those that need
 * nothing of each other side by side. Each check is then a small function over
 * them (preflight_checks.c).
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/guest/discover.h"
#include "engine/hosts/answer.h"
#include "engine/hosts/guest_id.h"
#include "engine/hosts/probe.h"
#include "engine/run/beside.h"
#include "engine/run/departed_names.h"
#include "engine/run/preflight.h"
#include "engine/run/preflight_cpu.h"
#include "engine/run/preflight_faults.h"
#include "engine/run/preflight_memory.h"
#include "engine/run/migrate_options.h"
#include "engine/run/queue.h"
#include "engine/run/reach.h"
#include "engine/state/state_dir.h"
#include "engine/state/volatile_storage.h"
#include "qmp/qmp.h"
#include "qmp/qmp_images.h"
#include "transport/base/log.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/host_local.h"
#include "transport/quote.h"
#include "transport/endpoint/ssh_library.h"

/* --- gathering ----------------------------------------------------------- */

/* Of questions side by side each may take longer: they share the CPUs. */
static struct mono in_time(void)
{
	return mono_in_ms(2 * (int64_t)RUN_SCRIPT_MS);
}

static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash != path ? xstrndup(path, (size_t)(slash - path))
				      : xstrdup("/");
}

static void list_paths(struct preflight *p)
{
	const struct argv_plan *plan = &p->r->dest.plan;

	for (size_t i = 0; i < plan->n_files; i++)
		strv_push(&p->paths, plan->files[i].path);
	p->moves_at = p->paths.n;
	for (size_t i = 0; i < plan->moves.n; i++)
		strv_take(&p->paths, parent_of(plan->moves.v[i].public));
	p->cwd_at = p->paths.n;
	if (plan->cwd)
		strv_push(&p->paths, plan->cwd);
}

/* The guest's groups; the first one is its effective one. */
static void list_groups(struct preflight *p)
{
	const struct guest *g = &p->r->source.guest;

	strv_pushf(&p->gids, "%u", (unsigned int)g->gid);
	for (size_t i = 0; i < g->groups.n; i++) {
		if (!strv_has(&p->gids, g->groups.v[i]))
			strv_push(&p->gids, g->groups.v[i]);
	}
}

static int ask_accounts(void *arg, struct err *err)
{
	struct preflight *p = arg;
	struct run *r = p->r;
	const char *user = r->source.guest.user;

	list_groups(p);
	if (account_ask(r->src.host, user, &p->gids, &p->groups_here, in_time(),
			err) < 0)
		return -1;
	return account_ask(r->dst.host, user, &p->gids, &p->account, in_time(),
			   err);
}

/* Root acts as the guest's user there, and cannot take its own keys away. */
static int ask_keyring(struct preflight *p, struct host *h, uid_t login,
		       bool *shared, struct err *err)
{
	struct as_user user;
	const struct as_user *as = reach_guest_user(p->r, login, &user);
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf text = { 0 };
	AUTO_FREE char *value = NULL;

	if (!as)
		return 0;
	user.keep_keyring = false;
	as_user_assign(&script, as);
	buf_printf(&script,
		   "%sask_user true 2>/dev/null\n"
		   "[ $? != %d ] || echo keyring=shared\n",
		   as_user_sh, AS_USER_KEYRING_STATUS);
	if (probe_script(h, "keyring", buf_data(&script), &text, in_time(),
			 err) < 0)
		return -1;
	value = answer_value(buf_data(&text), "keyring");
	*shared = value != NULL;
	return 0;
}

static int ask_keyrings(void *arg, struct err *err)
{
	struct preflight *p = arg;
	const struct run *r = p->r;

	if (ask_keyring(p, r->src.host, r->src.facts.uid,
			&p->shares_keyring_here, err) < 0)
		return -1;
	return ask_keyring(p, r->dst.host, r->dst.facts.uid,
			   &p->shares_keyring_there, err);
}

static int ask_destination(void *arg, struct err *err)
{
	struct preflight *p = arg;
	AUTO_BUF struct buf text = { 0 };
	AUTO_FREE char *value = NULL;

	if (probe_script(p->r->dst.host, "preflight",
			 "[ -r /dev/kvm ] && [ -w /dev/kvm ] && echo kvm=1\n"
			 "exit 0\n",
			 &text, in_time(), err) < 0)
		return -1;
	value = answer_value(buf_data(&text), "kvm");
	p->kvm_usable = value != NULL;
	return 0;
}

/*
 * A guest that arrived stopped, by whatever means, may have inactive images. To
 * ask is to activate them: they are its own, and nothing else changes.
 */
static int ask_images(struct preflight *p, struct err *err)
{
	struct run *r = p->r;
	AUTO_ERR struct err e = { 0 };
	int known;

	if (r->source.facts.first_status.running)
		return 0;
	known = qmp_images_may_be_inactive(r->src.qmp, run_qmp_deadline(), err);
	if (known)
		return known < 0 ? -1 : 0;
	if (qmp_images_activate(r->src.qmp, run_qmp_deadline(), &e) == 0)
		return 0;
	if (err_has(&e, ERR_QMP)) {
		p->inactive = err_text(&e);
		return 0;
	}
	err_move(err, &e);
	return -1;
}

/* Who would start the source again outside of systemd. */
static int ask_ancestors(void *arg, struct err *err)
{
	struct preflight *p = arg;
	const struct guest *g = &p->r->source.guest;
	struct ancestors above;

	if (ancestors_read(p->r->src.host, g->pid, &above, in_time(), err) < 0)
		return -1;
	supervisor_judge(&above, g->run_dir != NULL, &p->above);
	ancestors_free(&above);
	return 0;
}

/* The guardian logs in by itself, with nobody to ask. */
static int ask_login(void *arg, struct err *err)
{
	struct preflight *p = arg;
	AUTO_ERR struct err e = { 0 };

	if (!p->r->opt->guardian || reach_try_alone(p->r, &e) == 0)
		return 0;
	if (err_has(&e, ERR_CANCELLED)) {
		err_move(err, &e);
		return -1;
	}
	p->lonely = err_text(&e);
	return 0;
}

static int ask_lingering(void *arg, struct err *err)
{
	struct preflight *p = arg;
	const struct run *r = p->r;

	lingering_free(&p->lingers_here);
	if (r->source.guest.user_unit &&
	    lingering_ask_manager(r->src.host, r->source.guest.user,
				  &p->manager_here, in_time(), err) < 0)
		return -1;
	if (r->src.facts.uid &&
	    lingering_ask(r->src.host, &p->lingers_here, in_time(), err) < 0)
		return -1;
	if (!r->dst.facts.uid)
		return 0;
	return lingering_ask(r->dst.host, &p->lingers_there, in_time(), err);
}

static int ask_lane(void *arg, struct err *err)
{
	struct preflight *p = arg;

	return lane_ask(p->r, err);
}

/* Asked of this host, whichever the source is. */
static int ask_library(void *arg, struct err *err)
{
	struct preflight *p = arg;
	AUTO_FREE char *package = NULL;
	struct host *here;

	(void)err;
	if (strcmp(host_backend(p->r->dst.host), "ssh") != 0)
		return 0;
	p->faults = ssh_library_faults(ssh_library_version());
	if (!p->faults)
		return 0;
	here = host_local_new();
	package = probe_package(here, in_time());
	host_close(here);
	p->library = xasprintf("libssh2 %s (%s%s)", ssh_library_version(),
			       package ? "package " : "of no known package",
			       package ? package : "");
	return 0;
}

static int find_qemu(void *arg, struct err *err)
{
	struct preflight *p = arg;
	struct run *r = p->r;
	const char *binary = r->opt->qemu_binary ? r->opt->qemu_binary
						 : r->source.guest.exe;
	struct as_user user;

	/* what was named is not to be replaced by another of that name */
	if (probe_qemu(r->dst.host, binary, !r->opt->qemu_binary,
		       r->source.facts.machine,
		       reach_guest_user(r, r->dst.facts.uid, &user), &p->qemu,
		       in_time(), err) < 0)
		return -1;
	r->dest.binary = xstrdup(p->qemu.path ? p->qemu.path : binary);
	return 0;
}

static int ask_unit(void *arg, struct err *err)
{
	struct preflight *p = arg;

	(void)err;
	unit_hold_ask(p->r, &p->unit);
	return 0;
}

/* The same guest may be there already. */
static int find_guests(void *arg, struct err *err)
{
	struct preflight *p = arg;

	return discover_guests(p->r->dst.host, &p->guests, in_time(), err);
}

static int ask_room(void *arg, struct err *err)
{
	struct preflight *p = arg;

	return queue_ask(p->r, &p->room, err);
}

static int make_names(struct preflight *p, struct err *err)
{
	struct run *r = p->r;

	r->dest.dir = state_dir_guest(r->dst.facts.run_root, r->id.name);
	r->dest.lock = state_dir_arrival(r->dst.facts.run_root, r->id.key);
	return preflight_make_plan(p, NULL, 0, err);
}

int preflight_make_plan(struct preflight *p, const struct argv_hand *hands,
			size_t n_hands, struct err *err)
{
	struct run *r = p->r;
	AUTO_STRV struct strv given = { 0 };
	const struct strv *argv = &r->source.facts.argv;

	if (r->opt->dest_args) {
		strv_push(&given, r->source.guest.argv.v[0]);
		strv_push_all(&given, r->opt->dest_args);
		argv = &given;
	}
	argv_plan_free(&r->dest.plan);
	return argv_rebuild(
		&(struct argv_input){
			.argv = argv,
			.cwd = r->source.guest.cwd,
			.moves = &r->source.guest.moves,
			.machine = r->source.facts.machine,
			.run_dir = r->dest.dir,
			.binary = r->dest.binary,
			.remaps = r->opt->remaps,
			.n_remaps = r->opt->n_remaps,
			.hands = hands,
			.n_hands = n_hands,
			.same_host =
				probe_same_host(&r->src.facts, &r->dst.facts),
		},
		&r->dest.plan, err);
}

/* QEMU runs as the guest's user, whom only root can act as. */
static int look_at_files(struct preflight *p, struct host *h, uid_t login,
			 struct probe_file *out, struct err *err)
{
	struct as_user user;

	return probe_files(h, &p->paths, reach_guest_user(p->r, login, &user),
			   out, in_time(), err);
}

static int look_here(void *arg, struct err *err)
{
	struct preflight *p = arg;
	const struct run_side *s = &p->r->src;

	return look_at_files(p, s->host, s->facts.uid, p->here, err);
}

static int look_there(void *arg, struct err *err)
{
	struct preflight *p = arg;
	const struct run_side *s = &p->r->dst;

	return look_at_files(p, s->host, s->facts.uid, p->there, err);
}

static enum name_kind kind_of(const struct argv_move *m)
{
	if (argv_moves_is_log(m))
		return NAME_OF_LOG;
	return argv_moves_is_pidfile(m) ? NAME_OF_PIDFILE : NAME_OF_SOCKET;
}

/* What uses the guest's names there. */
static int ask_names(void *arg, struct err *err)
{
	struct preflight *p = arg;
	struct run *r = p->r;
	const struct guest *g = &r->source.guest;
	const struct argv_moves *m = &r->dest.plan.moves;
	struct as_user user;
	const struct name_asker asker = {
		.user = reach_guest_user(r, r->dst.facts.uid, &user),
		.source = g->pid,
		.self = p->same_pids ? g->pid : 0,
	};
	AUTO_STRV struct strv names = { .v = NULL };
	AUTO_FREE enum name_kind *kinds = xcalloc(m->n, sizeof(*kinds));

	for (size_t i = 0; i < m->n; i++) {
		strv_push(&names, m->v[i].public);
		kinds[i] = kind_of(&m->v[i]);
	}
	return name_use_ask(r->dst.host, &asker, &names, kinds, p->names,
			    in_time(), err);
}

/* What ended guests have left, before somebody asks who has their names. */
static int sweep_here(void *arg, struct err *err)
{
	struct preflight *p = arg;

	(void)err;
	departed_names_sweep(p->r->src.host, &p->r->src.facts);
	return 0;
}

static int sweep_there(void *arg, struct err *err)
{
	struct preflight *p = arg;

	(void)err;
	departed_names_sweep(p->r->dst.host, &p->r->dst.facts);
	return 0;
}

static int ask_tools(void *arg, struct err *err)
{
	struct preflight *p = arg;
	struct run *r = p->r;
	struct as_user user;

	return host_tools_ask(r->dst.host,
			      reach_guest_user(r, r->dst.facts.uid, &user),
			      &p->tools, in_time(), err);
}

/* Needs the QEMU that was found. */
static int ask_forwarding(void *arg, struct err *err)
{
	struct preflight *p = arg;

	return socket_forwarding_ask(p->r->dst.host, p->qemu.path,
				     &p->forwarding, in_time(), err);
}

/* What needs no plan of the destination's command line. */
static int ask_first(struct preflight *p, struct err *err)
{
	const struct beside questions[] = {
		{ ask_tools, p },	{ find_qemu, p },
		{ ask_destination, p }, { ask_accounts, p },
		{ ask_keyrings, p },	{ ask_ancestors, p },
		{ ask_login, p },	{ ask_lingering, p },
		{ ask_unit, p },	{ find_guests, p },
		{ ask_room, p },	{ sweep_here, p },
		{ sweep_there, p },	{ ask_library, p },
		{ ask_lane, p },	{ preflight_memory_ask, p },
	};

	return beside_ask(questions, ARRAY_SIZE(questions), err);
}

/* About the names and files in it. */
static int ask_of_plan(struct preflight *p, struct err *err)
{
	const struct beside questions[] = {
		{ ask_names, p },
		{ look_here, p },
		{ look_there, p },
		{ ask_forwarding, p },
		{ preflight_cpu_try, p },
		{ preflight_disks_look_here, p },
		{ preflight_disks_look_there, p },
		{ preflight_net_look_here, p },
		{ preflight_net_look_there, p },
		{ preflight_net_ask_sockets, p },
	};

	list_paths(p);
	preflight_net_read(p);
	p->names = xcalloc(p->r->dest.plan.moves.n, sizeof(*p->names));
	p->here = xcalloc(p->paths.n, sizeof(*p->here));
	p->there = xcalloc(p->paths.n, sizeof(*p->there));
	return beside_ask(questions, ARRAY_SIZE(questions), err);
}

static int gather(struct preflight *p, struct err *err)
{
	const struct run *r = p->r;

	if (ask_first(p, err) < 0 || make_names(p, err) < 0)
		return -1;
	p->storage = volatile_storage(run_state(r));
	if (ask_images(p, err) < 0 || preflight_faults_ask(p, err) < 0 ||
	    preflight_cpu_ask(p, err) < 0)
		return -1;
	p->same_pids =
		identity_same_pids(&r->src.facts.space, &r->dst.facts.space);
	if (preflight_disks_read(p, err) < 0 || ask_of_plan(p, err) < 0 ||
	    preflight_disks_ask(p, err) < 0)
		return -1;
	return preflight_hands_ask(p, err);
}

static void preflight_free(struct preflight *p)
{
	probe_qemu_free(&p->qemu);
	admit_view_free(&p->room);
	strv_free(&p->paths);
	strv_free(&p->gids);
	account_free(&p->account);
	account_free(&p->groups_here);
	free(p->here);
	free(p->there);
	unit_facts_free(&p->unit);
	free(p->source_qemu);
	preflight_cpu_free(p);
	memory_kinds_free(&p->kinds);
	strv_free(&p->devices);
	free(p->inactive);
	free(p->library);
	free(p->lonely);
	lingering_free(&p->lingers_here);
	lingering_free(&p->lingers_there);
	supervisor_free(&p->above);
	guests_free(&p->guests);
	free(p->names);
	host_tools_free(&p->tools);
	preflight_hands_free(p);
	preflight_disks_free(p);
	preflight_net_free(p);
}

/* --- the verdict --------------------------------------------------------- */

static void emit_checks(struct run *r)
{
	for (size_t i = 0; i < r->checks.n; i++) {
		struct check *c = &r->checks.v[i];
		struct event ev = { .kind = EVENT_CHECK, .check = c };

		assert(migrate_options_check_known(c->name));
		if (c->verdict == CHECK_FAIL && run_skips(r, c->name))
			c->verdict = CHECK_WARN;
		run_emit(r, &ev);
	}
}

/* What speaks to the destination, to be freed; NULL: it is this host. */
static char *login_words(const struct run *r)
{
	const char *backend = host_backend(r->dst.host);

	if (host_is_local(r->dst.host))
		return NULL;
	if (strcmp(backend, "ssh") != 0)
		return xstrdup("ssh(1)");
	return xasprintf("libssh2 %s", ssh_library_version());
}

static void emit_facts(struct run *r, const struct preflight *p)
{
	double link = lessons_link_bps(&r->lessons);
	AUTO_FREE char *login = login_words(r);
	AUTO_STRV struct strv from = { 0 }, to = { 0 };
	const char *uuid = r->source.facts.uuid;
	struct event ev = { .kind = EVENT_FACTS };

	argv_blank_secrets(&r->source.guest.argv, &from);
	argv_blank_secrets(&r->dest.plan.argv, &to);
	ev.facts = (struct event_facts){
		.source_qemu = p->source_qemu,
		.destination_qemu = p->qemu.version,
		.source_argv = &from,
		.destination_argv = &to,
		.guest = guest_label(&r->source.guest),
		.uuid = guest_id_has_uuid(uuid) ? uuid : NULL,
		.uid = r->source.guest.uid,
		.machine = r->source.facts.machine,
		.ram_bytes = r->source.facts.ram_bytes,
		.vcpus = r->source.facts.vcpus,
		.kvm = r->source.facts.kvm,
		.login = login,
		.link_bps = link > 0 ? link : NAN,
		.lessons = r->lessons.n,
	};
	run_emit(r, &ev);
}

static int refuse(const struct run *r, struct err *err)
{
	const struct checks *list = &r->checks;
	const struct check *first;
	const char *remedy;
	size_t n = checks_count(list, CHECK_FAIL), i = 0;

	if (!n)
		return 0;
	while (list->v[i].verdict != CHECK_FAIL)
		i++;
	first = &list->v[i];
	remedy = checks_remedy(list, i);
	err_set(err, ERR_REFUSED, "%s",
		first->cause ? first->cause : first->found);
	err_wrap(err, ERR_REFUSED, "%zu check%s failed; nothing was changed", n,
		 n == 1 ? "" : "s");
	if (first->side == CHECK_DESTINATION)
		err_at_host(err, host_name(r->dst.host));
	if (remedy)
		err_hint(err, "%s", remedy);
	return -1;
}

int preflight_run(struct run *r, struct err *err)
{
	struct preflight p = { .r = r };
	int rc = gather(&p, err);

	if (rc == 0) {
		for (size_t i = 0; preflight_checks[i]; i++)
			preflight_checks[i](&p);
		rc = preflight_missing_ask(&p, err);
	}
	if (rc == 0) {
		emit_facts(r, &p);
		emit_checks(r);
		rc = refuse(r, err);
	} else {
		err_wrap(err, ERR_NONE, "preflight could not finish");
	}
	preflight_free(&p);
	return rc;
}
