/* SPDX-License-Identifier: MIT */
/* preflight_files: the files that the guest's command line names. */
#include "engine/run/migrate_options.h"
#include "engine/run/preflight.h"
#include "engine/run/preflight_add.h"
#include "transport/base/xalloc.h"

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
	if (!p->there[i].exists) {
		ADD(p, "file", DESTINATION, FAIL,
		    xasprintf("%s does not exist on %s", f->path, dst_name(p)),
		    xstrdup("put it there, or map its path with "
			    "--remap OLD=NEW"));
		checks_lacks(&p->r->checks, f->path);
		return;
	}
	if (p->here[i].exists && !f->directory &&
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
