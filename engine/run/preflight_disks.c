/* SPDX-License-Identifier: MIT */
/* preflight_disks: whether the destination has the guest's disks. */
#include "engine/run/preflight_disks.h"

#include <stdlib.h>
#include <string.h>

#include "engine/hosts/disk_proof.h"
#include "engine/run/migrate_options.h"
#include "engine/run/preflight.h"
#include "engine/run/reach.h"
#include "engine/run/run.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/quote.h"

/* Reading a medium of a few GB; more than that is not waited for. */
enum { HASH_SECONDS = 15 };

/* --- gathering ------------------------------------------------------------ */

static struct mono in_time(void)
{
	return mono_in_ms(2 * (int64_t)RUN_SCRIPT_MS);
}

static struct disk_chain_input input_of(const struct preflight *p)
{
	return (struct disk_chain_input){
		.argv = &p->r->source.facts.argv,
		.cwd = p->r->source.guest.cwd,
		.plan = &p->r->dest.plan,
		.blocks = &p->disks.blocks,
		.given = p->r->opt->dest_args != NULL,
	};
}

int preflight_disks_read(struct preflight *p, struct err *err)
{
	struct preflight_disks *d = &p->disks;
	const struct run *r = p->r;
	struct disk_chain_input in = input_of(p);

	if (qmp_blocks_query(r->src.qmp, &d->blocks, run_qmp_deadline(), err) <
	    0)
		return -1;
	disk_chain_make(&in, &d->chain);
	for (size_t i = 0; i < d->chain.n; i++) {
		strv_push(&d->sources, d->chain.v[i].source);
		strv_push(&d->paths, d->chain.v[i].path);
	}
	d->here = xcalloc(d->chain.n, sizeof(*d->here));
	d->there = xcalloc(d->chain.n, sizeof(*d->there));
	d->equal = xcalloc(d->chain.n, sizeof(*d->equal));
	d->one_host = probe_same_host(&r->src.facts, &r->dst.facts);
	d->one_kernel =
		disk_proof_one_kernel(&r->src.facts.space, &r->dst.facts.space);
	disk_facts_make_nonce(d->nonce);
	return 0;
}

static struct disk_asker asker_of(const struct preflight *p,
				  const struct run_side *s,
				  enum disk_nonce_job job, struct as_user *user)
{
	bool alone = p->disks.one_kernel;

	return (struct disk_asker){
		.user = reach_guest_user(p->r, s->facts.uid, user),
		.state = s->facts.state_root,
		.job = alone ? DISK_NONCE_LOOK : job,
		.nonce = p->disks.nonce,
		.sample = !alone,
	};
}

int preflight_disks_look_here(void *arg, struct err *err)
{
	struct preflight *p = arg;
	struct preflight_disks *d = &p->disks;
	const struct run_side *s = &p->r->src;
	struct as_user user;
	struct disk_asker a = asker_of(p, s, DISK_NONCE_MAKE, &user);

	for (size_t i = 0; i < d->chain.n; i++)
		disk_facts_free(&d->here[i]);
	d->made = d->made || a.job == DISK_NONCE_MAKE;
	return disk_facts_ask(s->host, &a, &d->sources, d->here, NULL,
			      in_time(), err);
}

static int look_there(struct preflight *p, struct err *err)
{
	struct preflight_disks *d = &p->disks;
	const struct run_side *s = &p->r->dst;
	struct as_user user;
	struct disk_asker a = asker_of(p, s, DISK_NONCE_SEE, &user);

	for (size_t i = 0; i < d->chain.n; i++)
		disk_facts_free(&d->there[i]);
	disk_mounts_free(&d->mounts);
	return disk_facts_ask(s->host, &a, &d->paths, d->there, &d->mounts,
			      in_time(), err);
}

int preflight_disks_look_there(void *arg, struct err *err)
{
	struct preflight *p = arg;

	return p->disks.one_kernel ? look_there(p, err) : 0;
}

/* Also when the user has cancelled, or another question failed. */
static void remove_nonces(struct preflight *p)
{
	const struct run_side *s = &p->r->src;
	AUTO_ERR struct err e = { 0 };
	struct as_user user;
	struct disk_asker a = asker_of(p, s, DISK_NONCE_LOOK, &user);

	if (!p->disks.made)
		return;
	p->disks.made = false;
	task_shield();
	if (disk_facts_remove_nonce(s->host, &a, mono_in_ms(RUN_SCRIPT_MS),
				    &e) < 0)
		log_warn(NULL,
			 "%s: the next command there removes what is left of "
			 "a look at the disks: %s",
			 host_name(s->host), e.message);
	task_unshield();
}

static enum disk_proof judge(const struct preflight *p, size_t i,
			     const char **why)
{
	const struct preflight_disks *d = &p->disks;

	return disk_proof_judge(&d->here[i], &d->there[i], d->one_kernel, why);
}

/* What QEMU only reads may be a copy. */
static void compare_contents(struct preflight *p, size_t i)
{
	const struct run *r = p->r;
	struct preflight_disks *d = &p->disks;
	struct as_user one, two;
	AUTO_FREE char *here = NULL;
	AUTO_FREE char *there = NULL;

	if (d->here[i].type != 'f' || d->there[i].type != 'f' ||
	    d->here[i].bytes != d->there[i].bytes)
		return;
	here = disk_facts_hash(r->src.host,
			       reach_guest_user(r, r->src.facts.uid, &one),
			       d->sources.v[i], HASH_SECONDS, in_time());
	if (!here)
		return;
	there = disk_facts_hash(r->dst.host,
				reach_guest_user(r, r->dst.facts.uid, &two),
				d->paths.v[i], HASH_SECONDS, in_time());
	d->equal[i] = there && !strcmp(here, there);
}

int preflight_disks_ask(struct preflight *p, struct err *err)
{
	struct preflight_disks *d = &p->disks;
	const char *why;
	int rc = d->one_kernel ? 0 : look_there(p, err);

	remove_nonces(p);
	for (size_t i = 0; rc == 0 && i < d->chain.n; i++) {
		if (d->chain.v[i].read_only &&
		    judge(p, i, &why) != DISK_PROOF_SAME)
			compare_contents(p, i);
	}
	return rc;
}

void preflight_disks_free(struct preflight *p)
{
	struct preflight_disks *d = &p->disks;

	remove_nonces(p);
	for (size_t i = 0; d->here && i < d->chain.n; i++) {
		disk_facts_free(&d->here[i]);
		disk_facts_free(&d->there[i]);
	}
	free(d->here);
	free(d->there);
	free(d->equal);
	disk_mounts_free(&d->mounts);
	strv_free(&d->sources);
	strv_free(&d->paths);
	disk_chain_free(&d->chain);
	qmp_blocks_free(&d->blocks);
}

/* --- the same file -------------------------------------------------------- */

static void add(struct preflight *p, enum check_verdict verdict, char *found,
		char *remedy)
{
	checks_add(&p->r->checks, "disk", CHECK_BOTH, verdict, found, remedy);
}

static const char *there_name(const struct preflight *p)
{
	return host_name(p->r->dst.host);
}

static const char *noun(const struct disk_facts *f)
{
	return f->type == 'b'	? "device"
	       : f->type == 'd' ? "directory"
				: "file";
}

static char *share_remedy(const struct preflight *p, size_t i)
{
	const struct disk_facts *here = &p->disks.here[i];
	char *remedy = NULL;

	if (here->type != 'b' && here->type != '-')
		remedy =
			disk_proof_mount_remedy(&here->mount, &p->disks.mounts);
	if (remedy)
		return remedy;
	if (here->type == 'b')
		return xstrdup("give the guest a device that both hosts reach "
			       "(a LUN), by a name that means the same on "
			       "both: /dev/disk/by-id/...");
	return xstrdup("put the image on storage that both hosts share");
}

static void check_missing(struct preflight *p, size_t i)
{
	const struct disk_item *item = &p->disks.chain.v[i];
	AUTO_FREE char *mounted = share_remedy(p, i);

	checks_add(&p->r->checks, "file", CHECK_DESTINATION, CHECK_FAIL,
		   xasprintf("%s does not exist on %s%s", item->path,
			     there_name(p),
			     item->named ? ""
					 : ", and an image of the guest is "
					   "based on it"),
		   item->named ? xasprintf("%s; or map its path with --remap "
					   "OLD=NEW",
					   mounted)
			       : STEAL(mounted));
	checks_lacks(&p->r->checks, item->path);
}

static char *found_same(const struct preflight *p, size_t i, const char *why)
{
	const struct disk_item *item = &p->disks.chain.v[i];
	bool moved = strcmp(item->source, item->path) != 0;

	return xasprintf("%s%s%s%s is the same %s on both: %s", item->source,
			 moved ? " (there " : "", moved ? item->path : "",
			 moved ? ")" : "", noun(&p->disks.here[i]), why);
}

static void check_item(struct preflight *p, size_t i)
{
	const struct preflight_disks *d = &p->disks;
	const struct disk_item *item = &d->chain.v[i];
	const char *why, *what = noun(&d->there[i]);
	enum disk_proof proof = judge(p, i, &why);

	if (proof == DISK_PROOF_SAME)
		add(p, CHECK_PASS, found_same(p, i, why), NULL);
	else if (d->there[i].type == '-')
		check_missing(p, i);
	else if (d->equal[i])
		add(p, CHECK_PASS,
		    xasprintf("%s is only read, and has the same content on "
			      "%s",
			      item->path, there_name(p)),
		    NULL);
	else if (proof == DISK_PROOF_LIKELY)
		add(p, CHECK_WARN,
		    xasprintf("%s on %s seems to be the same %s, which is not "
			      "proved: %s",
			      item->path, there_name(p), what, why),
		    xstrdup("make sure that it is; where the guest's user may "
			    "write to its directory, it can be proved"));
	else if (proof == DISK_PROOF_UNKNOWN)
		add(p, CHECK_FAIL,
		    xasprintf("whether %s on %s is the same %s is not known: "
			      "%s",
			      item->path, there_name(p), what, why),
		    xstrdup("make sure that it is, and give --skip-check "
			    "disk"));
	else
		add(p, CHECK_FAIL,
		    xasprintf("%s on %s is another %s than on the source: %s",
			      item->path, there_name(p), what, why),
		    share_remedy(p, i));
}

void preflight_disks_check_files(struct preflight *p)
{
	for (size_t i = 0; i < p->disks.chain.n; i++)
		check_item(p, i);
}

/* --- the image that is in use --------------------------------------------- */

static bool reads_config(const struct strv *argv)
{
	for (size_t i = 0; i < argv->n; i++) {
		if (!strcmp(argv->v[i], "-readconfig") ||
		    !strcmp(argv->v[i], "--readconfig"))
			return true;
	}
	return false;
}

static const char *device_of(const struct qmp_disk *d)
{
	if (d->device && *d->device)
		return d->device;
	return d->node_name ? d->node_name : "a disk";
}

static char *back_remedy(const struct qmp_disk *d)
{
	AUTO_FREE char *node = xstrdup(d->node_name ? d->node_name : "");

	if (d->read_only)
		return xstrdup("put the medium of its command line back, or "
			       "restart the guest with this one");
	return xasprintf("merge it into the image below it (QMP: block-commit "
			 "with \"device\": \"%s\" and a \"job-id\", then "
			 "block-job-complete), restart the guest with it, or "
			 "name it in --dest-args",
			 d->device && *d->device ? d->device : node);
}

static void add_active(struct preflight *p, const char *device,
		       const char *file, char *remedy)
{
	const struct run *r = p->r;
	/* what a file of options or the user names is not seen in the plan
	 * under the name that it has here */
	bool known = !reads_config(&r->source.guest.argv) && !r->opt->dest_args;

	checks_add(&p->r->checks, "active-image", CHECK_SOURCE,
		   known ? CHECK_FAIL : CHECK_WARN,
		   xasprintf("%s is on %s now, which the command line for %s "
			     "does not name: QEMU there would open what it "
			     "does name, an older state or another medium",
			     device, file, there_name(p)),
		   remedy);
}

/* A disk whose name says nothing may be on a file that is written. */
static void add_strays(struct preflight *p, const struct qmp_disk *d)
{
	for (size_t i = 0; i < p->disks.chain.n; i++) {
		const struct disk_item *item = &p->disks.chain.v[i];

		if (item->stray)
			add_active(p, device_of(d), item->source,
				   back_remedy(d));
	}
}

void preflight_disks_check_active(struct preflight *p)
{
	const struct qmp_disks *disks = &p->r->source.facts.disks;
	struct disk_chain_input in = input_of(p);
	const struct qmp_disk *nameless = NULL;

	for (size_t i = 0; i < disks->n; i++) {
		const struct qmp_disk *d = &disks->v[i];

		if (disk_chain_is_stray(&in, d))
			add_active(p, device_of(d), d->file, back_remedy(d));
		else if (disk_chain_is_nameless(d) && !d->read_only)
			nameless = d;
	}
	if (nameless)
		add_strays(p, nameless);
}

/* --- servers -------------------------------------------------------------- */

static void check_server(struct preflight *p, const struct qmp_block *b)
{
	enum disk_server server = disk_chain_server(b);
	AUTO_FREE char *name =
		argv_blank_text(&p->r->source.guest.argv, b->file);

	if (p->disks.one_host || server == DISK_SERVER_OTHER)
		add(p, CHECK_PASS,
		    xasprintf("%s is at the same server for both", name), NULL);
	else if (server == DISK_SERVER_HERE)
		add(p, CHECK_FAIL,
		    xasprintf("%s is a server on the source itself: on %s the "
			      "same name leads to another one, or none",
			      name, there_name(p)),
		    xstrdup("give the guest the disk by an address that both "
			    "hosts reach"));
	else
		add(p, CHECK_WARN,
		    xasprintf("%s: which server it is at is not known", name),
		    xstrdup("make sure that the same name leads to the same "
			    "disk there"));
}

void preflight_disks_check_servers(struct preflight *p)
{
	for (size_t i = 0; i < p->disks.blocks.n; i++) {
		if (p->disks.blocks.v[i].kind == QMP_BLOCK_NETWORK)
			check_server(p, &p->disks.blocks.v[i]);
	}
}
