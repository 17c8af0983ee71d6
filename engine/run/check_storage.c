/* SPDX-License-Identifier: MIT */
/* check_storage: whether two hosts have the same storage at a path. */
#include "engine/run/check_storage.h"

#include <stdlib.h>

#include "engine/hosts/probe.h"
#include "engine/run/beside.h"
#include "engine/run/departed_names.h"
#include "qmp/json.h"
#include "qmp/json_fields.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host_open.h"

enum { CONNECT_MS = 10000, SCRIPT_MS = 20000 };

static const char *const words[] = {
	[DISK_PROOF_SAME] = "same",
	[DISK_PROOF_OTHER] = "another",
	[DISK_PROOF_LIKELY] = "likely",
	[DISK_PROOF_UNKNOWN] = "unknown",
};

const char *check_storage_word(enum disk_proof proof)
{
	return words[proof];
}

int check_storage_exit_code(const struct check_storage *c)
{
	return c->proof == DISK_PROOF_SAME ? EXIT_CODE_DONE : EXIT_CODE_REFUSED;
}

/* --- asking --------------------------------------------------------------- */

/* One of the two hosts. */
struct side {
	const struct check_storage_options *opt;
	const char *name;
	struct host *host;
	struct host_facts facts;
};

static int reach(void *arg, struct err *err)
{
	struct side *s = arg;

	if (!s->host)
		s->host = host_open(s->name, &s->opt->ssh,
				    mono_in_ms(CONNECT_MS), err);
	if (!s->host)
		return -1;
	host_facts_free(&s->facts);
	if (probe_host(s->host, &s->facts, mono_in_ms(SCRIPT_MS), err) < 0)
		return err_at_host(err, s->name);
	departed_names_sweep(s->host, &s->facts);
	return 0;
}

static int look(const struct side *s, enum disk_nonce_job job,
		const char *nonce, struct disk_facts *out,
		struct disk_mounts *mounts, struct err *err)
{
	const struct disk_asker asker = {
		.state = s->facts.state_root,
		.job = job,
		.nonce = nonce,
		.sample = job != DISK_NONCE_LOOK,
	};
	AUTO_STRV struct strv paths = { .v = NULL };

	strv_push(&paths, s->opt->path);
	if (disk_facts_ask(s->host, &asker, &paths, out, mounts,
			   mono_in_ms(SCRIPT_MS), err) < 0)
		return err_at_host(err, s->name);
	return 0;
}

static void remove_nonce(const struct side *s, const char *nonce)
{
	const struct disk_asker asker = { .state = s->facts.state_root,
					  .nonce = nonce };
	AUTO_ERR struct err e = { 0 };

	task_shield();
	if (disk_facts_remove_nonce(s->host, &asker, mono_in_ms(SCRIPT_MS),
				    &e) < 0)
		log_warn(NULL,
			 "%s: the next command there removes what is "
			 "left of this one: %s",
			 s->name, e.message);
	task_unshield();
}

static int compare(struct side sides[2], struct check_storage *out,
		   struct err *err)
{
	bool one = disk_proof_one_kernel(&sides[0].facts.space,
					 &sides[1].facts.space);
	char nonce[DISK_NONCE_WORD];
	int rc;

	disk_facts_make_nonce(nonce);
	rc = look(&sides[0], one ? DISK_NONCE_LOOK : DISK_NONCE_MAKE, nonce,
		  &out->facts[0], NULL, err);
	if (rc == 0)
		rc = look(&sides[1], one ? DISK_NONCE_LOOK : DISK_NONCE_SEE,
			  nonce, &out->facts[1], &out->mounts, err);
	if (!one)
		remove_nonce(&sides[0], nonce);
	if (rc < 0)
		return -1;
	out->proof = disk_proof_judge(&out->facts[0], &out->facts[1], one,
				      &out->why);
	if (out->proof != DISK_PROOF_SAME && out->facts[0].mount.type &&
	    out->facts[0].type != 'b')
		out->remedy = disk_proof_mount_remedy(&out->facts[0].mount,
						      &out->mounts);
	return 0;
}

int check_storage_ask(const struct check_storage_options *opt,
		      struct check_storage *out, struct err *err)
{
	struct side sides[2] = {
		{ .opt = opt, .name = opt->hosts[0] },
		{ .opt = opt, .name = opt->hosts[1] },
	};
	const struct beside both[] = {
		{ reach, &sides[0] },
		{ reach, &sides[1] },
	};
	int rc;

	if (*opt->path != '/') {
		err_set(err, ERR_USAGE, "\"%s\" is no absolute path",
			opt->path);
		return err_hint(err, "it has to mean the same on both hosts: "
				     "begin it with /");
	}
	rc = beside_ask(both, ARRAY_SIZE(both), err);
	if (rc == 0)
		rc = compare(sides, out, err);
	for (size_t i = 0; i < ARRAY_SIZE(sides); i++) {
		host_facts_free(&sides[i].facts);
		host_close(sides[i].host);
	}
	return rc;
}

void check_storage_free(struct check_storage *c)
{
	disk_facts_free(&c->facts[0]);
	disk_facts_free(&c->facts[1]);
	disk_mounts_free(&c->mounts);
	free(c->remedy);
	*c = (struct check_storage){ .remedy = NULL };
}

/* --- saying --------------------------------------------------------------- */

static const char *noun(const struct disk_facts *f)
{
	return f->type == 'b'	? "device"
	       : f->type == 'd' ? "directory"
				: "file";
}

char *check_storage_line(const struct check_storage *c,
			 const struct check_storage_options *o)
{
	static const char *const says[] = {
		[DISK_PROOF_SAME] = "is the same",
		[DISK_PROOF_OTHER] = "is not the same",
		[DISK_PROOF_LIKELY] = "seems to be the same",
		[DISK_PROOF_UNKNOWN] = "is not known to be the same",
	};

	return xasprintf("%s on %s %s %s as on %s: %s", o->path, o->hosts[1],
			 says[c->proof], noun(&c->facts[0]), o->hosts[0],
			 c->why);
}

static struct json_object *mount_to_json(const struct disk_facts *f)
{
	struct json_object *o = json_new();

	if (!f->mount.type)
		return json_add_str(o, "type", NULL);
	json_fields_text(o, "type", f->mount.type);
	json_fields_text(o, "source", f->mount.source);
	json_fields_text(o, "root", f->mount.root);
	json_fields_text(o, "point", f->mount.point);
	return o;
}

struct json_object *check_storage_to_json(const struct check_storage *c,
					  const struct check_storage_options *o)
{
	struct json_object *hosts = json_object_new_array();
	struct json_object *j = json_new();

	for (size_t i = 0; i < 2; i++) {
		struct json_object *h = json_new();

		json_fields_text(h, "host", o->hosts[i]);
		json_add_bool(h, "exists", c->facts[i].type != '-');
		json_add_sub(h, "mount", mount_to_json(&c->facts[i]));
		json_object_array_add(hosts, h);
	}
	json_fields_text(j, "path", o->path);
	json_add_str(j, "outcome", check_storage_word(c->proof));
	json_add_i64(j, "exit_code", check_storage_exit_code(c));
	json_add_str(j, "why", c->why);
	json_fields_text(j, "remedy", c->remedy);
	return json_add_sub(j, "hosts", hosts);
}
