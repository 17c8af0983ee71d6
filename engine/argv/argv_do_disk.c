/* SPDX-License-Identifier: MIT */
/* argv_do_disk: options that open disk images. */
#include <string.h>

#include "engine/argv/argv_do.h"
#include "transport/base/xalloc.h"

/* --- names of images ----------------------------------------------------- */

/* As QEMU distinguishes "nbd:host:1" from a path: a colon before any slash. */
static bool has_protocol(const char *name)
{
	return name[strcspn(name, ":/")] == ':';
}

struct disk {
	const struct argv_item *it;
	struct argv_use use;
};

static char *plain_path(struct argv_work *w, const struct disk *d,
			const char *path)
{
	if (argv_work_path_is_fd(path)) {
		argv_work_refuse(w, d->it,
				 "the image is an inherited "
				 "descriptor; name the file");
		return xstrdup(path);
	}
	argv_work_file(w, path, d->use);
	return argv_work_path(w, path);
}

/*
 * Where QEMU gets the file at @path open: its name in the place of @name, which
 * is freed. @prefix is the protocol before the path, or "".
 */
static char *hand(struct argv_work *w, const struct disk *d, const char *prefix,
		  const char *path, char *name)
{
	AUTO_FREE char *owned = name;
	AUTO_FREE char *set = argv_work_hand(w, d->it, path, owned);

	if (!set)
		return STEAL(owned);
	/* QEMU looks at a name that leads nowhere, and takes it for a file */
	if (!*prefix && argv_work_is_device(w, path))
		prefix = "host_device:";
	return xasprintf("%s%s", prefix, set);
}

static bool is_filename(const char *key)
{
	size_t len = strlen(key);

	return !strcmp(key, "filename") ||
	       (len > 9 && !strcmp(key + len - 9, ".filename"));
}

/* "json:{…}": the whole block node as a file name. */
static char *json_name(struct argv_work *w, const struct disk *d,
		       const char *text)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };
	AUTO_FREE char *json = NULL;

	argv_opt_init(&o, text, NULL);
	for (size_t i = 0; i < o.n; i++) {
		if (!is_filename(argv_opt_key(&o, i)))
			continue;
		if (o.v[i].value && argv_work_is_handed(w, o.v[i].value))
			argv_work_refuse(w, d->it,
					 "only root may open it, which takes "
					 "a plain name of the file");
		argv_work_opt_path(w, d->it, &o, i, d->use);
	}
	json = argv_opt_text(&o);
	return xasprintf("json:%s", json);
}

static char *fat_name(struct argv_work *w, const struct disk *d,
		      const char *name)
{
	const char *dir = name + strlen("fat:");
	size_t len = strcspn(dir, "/");
	AUTO_FREE char *there = NULL;

	if (strstr(name, ":rw:"))
		argv_work_refuse(w, d->it,
				 "QEMU cannot migrate a directory "
				 "that is written as a FAT disk; use an image");
	while (len && dir[len - 1] != ':')
		len--;
	dir += len;
	argv_work_file(w, dir,
		       (struct argv_use){ .kind = ARGV_IMAGE,
					  .directory = true });
	there = argv_work_path(w, dir);
	return xasprintf("%.*s%s", (int)(dir - name), name, there);
}

/* The name of an image as the destination has to open it. */
static char *image_name(struct argv_work *w, const struct disk *d,
			const char *name)
{
	static const char *const prefixes[] = { "file:", "host_device:",
						"host_cdrom:" };

	if (!*name || !has_protocol(name))
		return *name ? hand(w, d, "", name, plain_path(w, d, name))
			     : xstrdup("");
	if (!strncmp(name, "json:", 5))
		return json_name(w, d, name + 5);
	if (!strncmp(name, "fat:", 4))
		return fat_name(w, d, name);
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		size_t len = strlen(prefixes[i]);
		AUTO_FREE char *there = NULL;

		if (strncmp(name, prefixes[i], len) != 0)
			continue;
		there = plain_path(w, d, name + len);
		return hand(w, d, prefixes[i], name + len,
			    xasprintf("%s%s", prefixes[i], there));
	}
	return xstrdup(name);
}

/* --- the options --------------------------------------------------------- */

void argv_do_disk(struct argv_work *w, const struct argv_item *it)
{
	bool cdrom = !strcmp(it->def->name, "cdrom");
	struct disk d = {
		.it = it,
		.use = { .kind = it->def->file,
			 .writable = !cdrom,
			 .node = true,
			 .reopens = true },
	};
	AUTO_FREE char *there = image_name(w, &d, it->value);

	argv_work_emit(w, it, there);
}

static bool ends_in(const char *key, const char *last)
{
	const char *dot = strrchr(key, '.');

	return !strcmp(dot ? dot + 1 : key, last);
}

/* Settings that take away what protects the image from two writers. */
static void check_safety(struct argv_work *w, const struct argv_item *it,
			 const struct argv_opt *o)
{
	for (size_t i = 0; i < o->n; i++) {
		const char *key = argv_opt_key(o, i);
		const char *value = o->v[i].value;

		if (ends_in(key, "locking") && value && !strcmp(value, "off"))
			argv_work_refuse(w, it,
					 "locking=off lets both QEMUs "
					 "write the image; start the guest "
					 "without it");
		if (!strcmp(key, "snapshot") &&
		    argv_opt_bool(o, "snapshot", false))
			argv_work_refuse(w, it,
					 "what the guest wrote is in a "
					 "temporary file of the source; commit "
					 "it and start without snapshot=on");
	}
}

/* Drivers whose "path" is here, not on a server. */
static bool has_local_path(const struct argv_opt *o)
{
	const char *driver = argv_opt_get(o, "driver");

	return driver && (!strncmp(driver, "virtio-blk-", 11) ||
			  !strncmp(driver, "nvme-", 5));
}

/* What the key of a block node names; false: no file of this host. */
static bool node_use(const struct argv_opt *o, const char *key,
		     struct argv_use *use)
{
	if (is_filename(key)) {
		/* Only the top of a chain of images is written. */
		if (!strncmp(key, "backing.", 8) || strstr(key, ".backing."))
			use->writable = false;
		return true;
	}
	*use = (struct argv_use){ .kind = ARGV_OTHER };
	if (ends_in(key, "dir")) {
		*use = (struct argv_use){ .kind = ARGV_IMAGE,
					  .directory = true };
		return true;
	}
	if (!strcmp(key, "path"))
		return has_local_path(o);
	return !strcmp(key, "server.path") || strstr(key, ".server.path") ||
	       ends_in(key, "conf");
}

/* The key @last of the node whose file name has the key @filename. */
static char *sibling(const char *filename, const char *last)
{
	size_t len = strlen(filename) - strlen("filename");

	return xasprintf("%.*s%s", (int)len, filename, last);
}

/* auto-read-only of that node, which it has from its parents. */
static bool reopens(const struct argv_opt *o, const char *filename,
		    bool missing)
{
	AUTO_FREE char *prefix = sibling(filename, "");
	size_t len = strlen(prefix);

	for (;;) {
		AUTO_FREE char *key =
			xasprintf("%.*sauto-read-only", (int)len, prefix);

		if (argv_opt_get(o, key))
			return argv_opt_bool(o, key, missing);
		if (!len)
			return missing;
		do
			len--;
		while (len && prefix[len - 1] != '.');
	}
}

static void hand_node(struct argv_work *w, const struct disk *d,
		      struct argv_opt *o, size_t i, const char *path)
{
	AUTO_FREE char *driver = sibling(argv_opt_key(o, i), "driver");
	AUTO_FREE char *set = NULL;

	if (!argv_work_is_handed(w, path))
		return;
	if (argv_work_is_device(w, path) && !argv_opt_get(o, driver)) {
		argv_work_refuse(w, d->it,
				 "only root may open %s, a block device, which "
				 "takes %s=host_device",
				 path, driver);
		return;
	}
	set = argv_work_hand(w, d->it, path, o->v[i].value);
	if (set)
		argv_opt_set_at(o, i, set);
}

/* -blockdev and the dotted half of -drive. */
static void node_paths(struct argv_work *w, const struct disk *d,
		       struct argv_opt *o)
{
	for (size_t i = 0; i < o->n; i++) {
		const char *key = argv_opt_key(o, i);
		AUTO_FREE char *path = xstrdup(o->v[i].value);
		struct argv_use use = d->use;

		if (!node_use(o, key, &use))
			continue;
		use.node = path && *path && is_filename(key);
		use.reopens = use.node && reopens(o, key, d->use.reopens);
		argv_work_opt_path(w, d->it, o, i, use);
		if (use.node)
			hand_node(w, d, o, i, path);
	}
}

static bool is_pflash(const struct argv_opt *o)
{
	return argv_opt_is(o, "if", "pflash");
}

/*
 * A node for flash memory looks like any other; firmware is recognised by its
 * name, which only decides how a missing file is described.
 */
static enum argv_file_kind node_kind(const struct argv_opt *o)
{
	for (size_t i = 0; i < o->n; i++) {
		const char *value = o->v[i].value;

		if (is_filename(argv_opt_key(o, i)) && value &&
		    (strstr(value, "OVMF") || strstr(value, "AAVMF") ||
		     strstr(value, "edk2")))
			return ARGV_FIRMWARE;
	}
	return ARGV_IMAGE;
}

static bool read_only(const struct argv_opt *o)
{
	return argv_opt_bool(o, "readonly", false) ||
	       argv_opt_bool(o, "read-only", false) ||
	       argv_opt_is(o, "media", "cdrom");
}

void argv_do_blockdev(struct argv_work *w, const struct argv_item *it)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };
	struct disk d = { .it = it };

	argv_opt_init(&o, it->value, it->def->implied);
	d.use = (struct argv_use){ .kind = node_kind(&o),
				   .writable = !read_only(&o),
				   .node = true };
	check_safety(w, it, &o);
	node_paths(w, &d, &o);
	argv_work_emit_opt(w, it, &o);
}

void argv_do_drive(struct argv_work *w, const struct argv_item *it)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };
	struct disk d = { .it = it };

	argv_opt_init(&o, it->value, it->def->implied);
	d.use = (struct argv_use){
		.kind = is_pflash(&o) ? ARGV_FIRMWARE : ARGV_IMAGE,
		.writable = !read_only(&o),
		.node = true,
		/* QEMU's own default here, not that of -blockdev */
		.reopens = argv_opt_bool(&o, "auto-read-only", true),
	};
	check_safety(w, it, &o);
	node_paths(w, &d, &o);
	for (size_t i = 0; i < o.n; i++) {
		AUTO_FREE char *there = NULL;

		if (strcmp(argv_opt_key(&o, i), "file") != 0 || !o.v[i].value)
			continue;
		d.use.reopens =
			argv_opt_bool(&o, "file.auto-read-only", d.use.reopens);
		there = image_name(w, &d, o.v[i].value);
		argv_opt_set_at(&o, i, there);
	}
	argv_work_emit_opt(w, it, &o);
}
