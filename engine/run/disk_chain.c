/* SPDX-License-Identifier: MIT */
/* disk_chain: the files that QEMU has its disks in. */
#include "engine/run/disk_chain.h"

#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv_path.h"
#include "qmp/json.h"
#include "transport/base/xalloc.h"

/* --- names ---------------------------------------------------------------- */

/* As QEMU distinguishes "nbd:host:1" from a path: a colon before any slash. */
static bool has_protocol(const char *name)
{
	return name[strcspn(name, ":/")] == ':';
}

char *disk_chain_path(const struct disk_chain_input *in, const char *file)
{
	static const char *const local[] = { "file:", "host_device:",
					     "host_cdrom:" };
	AUTO_FREE char *handed = argv_handed_name(in->argv, file);
	const char *name = handed ? handed : file;

	for (size_t i = 0; i < ARRAY_SIZE(local); i++) {
		if (!strncmp(name, local[i], strlen(local[i])))
			name += strlen(local[i]);
	}
	if (!*name || has_protocol(name) ||
	    !strncmp(name, "/dev/fdset/", strlen("/dev/fdset/")))
		return NULL;
	return argv_path_absolute(in->cwd, name);
}

/* --- the chain ------------------------------------------------------------ */

static const struct argv_file *named(const struct argv_plan *plan,
				     const char *source)
{
	for (size_t i = 0; i < plan->n_files; i++) {
		const char *name = plan->files[i].source;

		if (name && !strcmp(name, source))
			return &plan->files[i];
	}
	return NULL;
}

static struct disk_item *find(const struct disk_chain *c, const char *source)
{
	for (size_t i = 0; i < c->n; i++) {
		if (!strcmp(c->v[i].source, source))
			return &c->v[i];
	}
	return NULL;
}

static void add(struct disk_chain *c, const char *source, const char *path,
		bool read_only, bool is_named)
{
	c->v = xrealloc(c->v, c->n + 1, sizeof(*c->v));
	c->v[c->n++] = (struct disk_item){
		.source = xstrdup(source),
		.path = xstrdup(path),
		.read_only = read_only,
		.named = is_named,
	};
}

/* One that QEMU opens twice is written if one of them is. */
static bool is_read_only(const struct disk_chain_input *in, const char *source,
			 bool otherwise)
{
	bool open = false;

	for (size_t i = 0; i < in->blocks->n; i++) {
		const struct qmp_block *b = &in->blocks->v[i];
		AUTO_FREE char *path = NULL;

		if (b->kind != QMP_BLOCK_FILE)
			continue;
		path = disk_chain_path(in, b->file);
		if (!path || strcmp(path, source) != 0)
			continue;
		if (!b->read_only)
			return false;
		open = true;
	}
	return open || otherwise;
}

static void add_named(const struct disk_chain_input *in, struct disk_chain *out)
{
	for (size_t i = 0; i < in->plan->n_files; i++) {
		const struct argv_file *f = &in->plan->files[i];

		if (f->kind != ARGV_IMAGE || !f->source || find(out, f->source))
			continue;
		add(out, f->source, f->path,
		    is_read_only(in, f->source, !f->writable), true);
	}
}

/* "/dir/" of a path, to be freed. */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup("");
}

/* The image below the one at @top, where that says it is. */
static void add_below(const struct disk_chain_input *in, struct disk_chain *out,
		      const struct disk_item *top, const char *below)
{
	AUTO_FREE char *from = directory_of(top->source);
	AUTO_FREE char *to = directory_of(top->path);
	AUTO_FREE char *source = NULL;
	AUTO_FREE char *path = NULL;

	if (has_protocol(below))
		return;
	if (*below == '/')
		from[0] = to[0] = '\0';
	source = xasprintf("%s%s", from, below);
	path = xasprintf("%s%s", to, below);
	if (!find(out, source) && !named(in->plan, source))
		add(out, source, path, is_read_only(in, source, true), false);
}

/* Those that were found so far are gone through, the ones added here, too. */
static void add_all_below(const struct disk_chain_input *in,
			  struct disk_chain *out)
{
	for (size_t k = 0; k < out->n; k++) {
		for (size_t i = 0; i < in->blocks->n; i++) {
			const struct qmp_block *b = &in->blocks->v[i];
			AUTO_FREE char *path = disk_chain_path(in, b->file);

			if (!path || strcmp(path, out->v[k].source) != 0)
				continue;
			if (b->backing)
				add_below(in, out, &out->v[k], b->backing);
			if (b->data)
				add_below(in, out, &out->v[k], b->data);
		}
	}
}

/* What QEMU has open besides; wherever its name is, it is not changed. */
static void add_rest(const struct disk_chain_input *in, struct disk_chain *out)
{
	for (size_t i = 0; i < in->blocks->n; i++) {
		const struct qmp_block *b = &in->blocks->v[i];
		AUTO_FREE char *path = NULL;

		if (b->kind != QMP_BLOCK_FILE)
			continue;
		path = disk_chain_path(in, b->file);
		if (!path || find(out, path) || named(in->plan, path))
			continue;
		add(out, path, path, is_read_only(in, path, true), false);
		out->v[out->n - 1].stray = !out->v[out->n - 1].read_only;
	}
}

void disk_chain_make(const struct disk_chain_input *in, struct disk_chain *out)
{
	add_named(in, out);
	add_all_below(in, out);
	if (!in->given)
		add_rest(in, out);
}

void disk_chain_free(struct disk_chain *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].source);
		free(c->v[i].path);
	}
	free(c->v);
	*c = (struct disk_chain){ .n = 0 };
}

bool disk_chain_is_stray(const struct disk_chain_input *in,
			 const struct qmp_disk *d)
{
	AUTO_FREE char *path = disk_chain_path(in, d->file);

	return path && !named(in->plan, path);
}

bool disk_chain_is_nameless(const struct qmp_disk *d)
{
	return !strncmp(d->file, "json:", strlen("json:"));
}

/* --- servers -------------------------------------------------------------- */

static bool is_loopback(const char *name)
{
	static const char *const names[] = { "localhost", "127.",    "::1",
					     "[::1]",	  "0.0.0.0", "ip6-" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strncmp(name, names[i], strlen(names[i])))
			return true;
	}
	return false;
}

static enum disk_server server_of_name(const char *name)
{
	if (!*name || *name == '/')
		return DISK_SERVER_UNKNOWN;
	return is_loopback(name) ? DISK_SERVER_HERE : DISK_SERVER_OTHER;
}

/* "nbd://host:port/export", "ssh://user@host/path", "nbd+unix:///e?socket=" */
static enum disk_server server_of_url(const char *url)
{
	const char *at, *name = strstr(url, "://");
	size_t len;

	if (!name || strstr(url, "+unix:"))
		return name ? DISK_SERVER_HERE : DISK_SERVER_UNKNOWN;
	name += 3;
	len = strcspn(name, "/?");
	at = memchr(name, '@', len);
	return server_of_name(at ? at + 1 : name);
}

static bool is_key(const char *key, const char *last)
{
	size_t n = strlen(key), k = strlen(last);

	return n >= k && !strcmp(key + n - k, last) &&
	       (n == k || key[n - k - 1] == '.');
}

/* The first server that a member of @o names, at any depth. */
static enum disk_server server_of_json(struct json_object *o)
{
	json_object_object_foreach(o, key, value)
	{
		enum disk_server s = DISK_SERVER_UNKNOWN;
		const char *text = json_object_get_string(value);

		if (json_object_is_type(value, json_type_object))
			s = server_of_json(value);
		else if (is_key(key, "host") || is_key(key, "portal"))
			s = server_of_name(text);
		else if (is_key(key, "url"))
			s = server_of_url(text);
		else if (is_key(key, "type") && !strcmp(text, "unix"))
			s = DISK_SERVER_HERE;
		if (s != DISK_SERVER_UNKNOWN)
			return s;
	}
	return DISK_SERVER_UNKNOWN;
}

enum disk_server disk_chain_server(const struct qmp_block *b)
{
	static const char prefix[] = "json:";
	size_t len = strlen(prefix);
	AUTO_JSON struct json_object *o = NULL;

	if (strncmp(b->file, prefix, len) != 0)
		return server_of_url(b->file);
	o = json_parse(b->file + len, strlen(b->file + len), NULL);
	return json_object_is_type(o, json_type_object) ? server_of_json(o)
							: DISK_SERVER_UNKNOWN;
}
