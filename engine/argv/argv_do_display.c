/* SPDX-License-Identifier: MIT */
/* argv_do_display: windows, VNC and SPICE. */
#include <string.h>

#include "engine/argv/argv_do.h"
#include "transport/base/xalloc.h"

static const char port_taken[] =
	"on one host the source still has this port; use a UNIX socket";

/* True unless @text ("none", "unix:…", ":1,to=9") takes one certain port. */
static bool vnc_can_share(const char *text)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };
	const char *at;

	argv_opt_init(&o, text, "vnc");
	at = argv_opt_get(&o, "vnc");
	if (argv_opt_get(&o, "websocket"))
		return false;
	return !at || !strcmp(at, "none") || argv_opt_get(&o, "to") ||
	       argv_opt_bool(&o, "reverse", false);
}

static void vnc(struct argv_work *w, const struct argv_item *it,
		const char *text)
{
	if (argv_do_bind(w, it))
		return;
	if (w->in->same_host && !vnc_can_share(text))
		argv_work_refuse(w, it, "%s", port_taken);
	else
		argv_work_keep(w, it);
}

void argv_do_vnc(struct argv_work *w, const struct argv_item *it)
{
	vnc(w, it, it->value);
}

/* Kinds of display that work without anybody in front of the machine. */
static bool is_headless(const char *type)
{
	return !strcmp(type, "none") || !strcmp(type, "egl-headless");
}

void argv_do_display(struct argv_work *w, const struct argv_item *it)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };
	const char *type;

	if (!strncmp(it->value, "vnc=", 4)) {
		vnc(w, it, it->value + 4);
		return;
	}
	argv_opt_init(&o, it->value, it->def->implied);
	type = argv_opt_get(&o, "type");
	if (!type || is_headless(type)) {
		argv_work_opt_key(w, it, &o, "rendernode",
				  (struct argv_use){ .kind = ARGV_OTHER });
		argv_work_emit_opt(w, it, &o);
		return;
	}
	argv_work_changed(w, it,
			  "became none: there is no window over there; "
			  "the guest keeps its graphics card");
	argv_work_emit(w, it, "none");
}

static void spice_files(struct argv_work *w, const struct argv_item *it,
			struct argv_opt *o)
{
	static const char *const keys[] = { "x509-key-file", "x509-cert-file",
					    "x509-cacert-file",
					    "x509-dh-key-file" };
	struct argv_use secret = { .kind = ARGV_SECRET };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		argv_work_opt_key(w, it, o, keys[i], secret);
	argv_work_opt_key(w, it, o, "rendernode",
			  (struct argv_use){ .kind = ARGV_OTHER });
	secret.directory = true;
	argv_work_opt_key(w, it, o, "x509-dir", secret);
}

void argv_do_spice(struct argv_work *w, const struct argv_item *it)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };
	AUTO_FREE char *text = NULL;
	struct argv_item there = *it;

	argv_opt_init(&o, it->value, it->def->implied);
	spice_files(w, it, &o);
	if (argv_opt_get(&o, "password"))
		argv_work_warn(w, it,
			       "the password can be read in the list of "
			       "processes; use password-secret=");
	text = argv_opt_text(&o);
	there.value = text;
	if (argv_do_bind(w, &there))
		return;
	if (w->in->same_host)
		argv_work_refuse(w, it, "%s", port_taken);
	else
		argv_work_keep(w, &there);
}
