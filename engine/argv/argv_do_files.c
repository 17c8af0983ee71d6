/* SPDX-License-Identifier: MIT */
/* argv_do_files: options that name files among other things. */
#include <string.h>

#include "engine/argv/argv_do.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

static const struct argv_use boot_file = { .kind = ARGV_BOOT };
static const struct argv_use firmware = { .kind = ARGV_FIRMWARE };
static const struct argv_use other = { .kind = ARGV_OTHER };

static void translate(struct argv_work *w, struct buf *b, const char *path,
		      size_t len, struct argv_use use)
{
	AUTO_FREE char *here = xstrndup(path, len);
	AUTO_FREE char *there = NULL;

	if (!*here)
		return;
	argv_work_file(w, here, use);
	there = argv_work_path(w, here);
	buf_append(b, there, strlen(there));
}

/* A multiboot kernel has modules: "PATH ARGUMENTS,PATH ARGUMENTS". */
void argv_do_initrd(struct argv_work *w, const struct argv_item *it)
{
	AUTO_BUF struct buf b = { .base = NULL };
	const char *p = it->value;

	while (*p) {
		size_t path = strcspn(p, " ,");
		size_t arguments = strcspn(p + path, ",");

		translate(w, &b, p, path, boot_file);
		p += path;
		/* The comma that ends it goes along. */
		arguments += p[arguments] == ',';
		buf_append(&b, p, arguments);
		p += arguments;
	}
	argv_work_emit(w, it, buf_data(&b));
}

/*
 * QEMU looks for a bare name in the working directory, then in directories of
 * its own. So it may be anywhere, and only with a slash can it be checked.
 */
void argv_do_firmware(struct argv_work *w, const struct argv_item *it)
{
	AUTO_FREE char *there = argv_work_path(w, it->value);

	if (strchr(it->value, '/') && strcmp(it->def->name, "L") != 0)
		argv_work_file(w, it->value, firmware);
	argv_work_emit(w, it, there);
}

static void do_keys(struct argv_work *w, const struct argv_item *it,
		    const char *const *keys, struct argv_use use)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };

	argv_opt_init(&o, it->value, it->def->implied);
	for (; *keys; keys++)
		argv_work_opt_key(w, it, &o, *keys, use);
	argv_work_emit_opt(w, it, &o);
}

void argv_do_boot(struct argv_work *w, const struct argv_item *it)
{
	static const char *const keys[] = { "splash", NULL };

	do_keys(w, it, keys, firmware);
}

void argv_do_fw_cfg(struct argv_work *w, const struct argv_item *it)
{
	static const char *const keys[] = { "file", NULL };

	do_keys(w, it, keys, other);
}

void argv_do_smbios(struct argv_work *w, const struct argv_item *it)
{
	static const char *const keys[] = { "file", "path", NULL };

	do_keys(w, it, keys, other);
}

void argv_do_plugin(struct argv_work *w, const struct argv_item *it)
{
	static const char *const keys[] = { "file", NULL };

	do_keys(w, it, keys, other);
}

void argv_do_option_rom(struct argv_work *w, const struct argv_item *it)
{
	static const char *const keys[] = { "romfile", NULL };
	static const char *const none[] = { NULL };

	do_keys(w, it, strchr(it->value, '/') ? keys : none, firmware);
}

static void translate_list(struct argv_work *w, struct argv_opt *o, size_t i)
{
	AUTO_BUF struct buf b = { .base = NULL };

	for (const char *p = o->v[i].value; *p;) {
		size_t len = strcspn(p, ":");

		translate(w, &b, p, len, other);
		p += len;
		if (*p)
			buf_append(&b, p++, 1);
	}
	argv_opt_set_at(o, i, buf_data(&b));
}

/* data= and file= are lists of paths with colons between them. */
void argv_do_acpitable(struct argv_work *w, const struct argv_item *it)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };

	argv_opt_init(&o, it->value, it->def->implied);
	for (size_t i = 0; i < o.n; i++) {
		const char *key = argv_opt_key(&o, i);

		if (o.v[i].value &&
		    (!strcmp(key, "data") || !strcmp(key, "file")))
			translate_list(w, &o, i);
	}
	argv_work_emit_opt(w, it, &o);
}

void argv_do_tpmdev(struct argv_work *w, const struct argv_item *it)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };

	argv_opt_init(&o, it->value, it->def->implied);
	if (argv_opt_is(&o, "type", "passthrough"))
		argv_work_refuse(w, it,
				 "the host's TPM cannot come along; use "
				 "-tpmdev emulator");
	argv_work_keep(w, it);
}

/*
 * -set changes another option afterwards. What is translated in there must be
 * written there, or the translation would be undone.
 */
void argv_do_set(struct argv_work *w, const struct argv_item *it)
{
	static const char *const keys[] = { "file",   "filename", "path",
					    "port",   "fd",	  "ifname",
					    "script", "backend",  "server" };
	AUTO_FREE char *name = xstrndup(it->value, strcspn(it->value, "="));
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < ARRAY_SIZE(keys); i++) {
		if (!strcmp(dot + 1, keys[i])) {
			argv_work_refuse(w, it,
					 "write %s= into the option "
					 "itself",
					 keys[i]);
			return;
		}
	}
	argv_work_keep(w, it);
}

void argv_do_icount(struct argv_work *w, const struct argv_item *it)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };

	argv_opt_init(&o, it->value, it->def->implied);
	if (argv_opt_get(&o, "rr"))
		argv_work_refuse(w, it,
				 "a recorded or replayed run cannot be "
				 "migrated; start the guest without rr=");
	argv_work_keep(w, it);
}

/* Sound cards of the host, and servers of the user who sits there. */
void argv_do_audio(struct argv_work *w, const struct argv_item *it)
{
	static const char *const silent[] = { "none", "wav", "spice", "vnc",
					      "dbus" };
	AUTO_OPT struct argv_opt o = { .v = NULL };

	argv_opt_init(&o, it->value, it->def->implied);
	argv_work_keep(w, it);
	for (size_t i = 0; i < ARRAY_SIZE(silent); i++) {
		if (argv_opt_is(&o, "driver", silent[i]))
			return;
	}
	argv_work_warn(w, it,
		       "sound of the host: QEMU may not start over "
		       "there without the same");
}
