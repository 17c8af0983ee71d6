/* SPDX-License-Identifier: MIT */
/* argv_do: what can become of any option. */
#include "engine/argv/argv_do.h"

#include <string.h>

#include "transport/base/xalloc.h"

void argv_do_keep(struct argv_work *w, const struct argv_item *it)
{
	argv_work_keep(w, it);
}

void argv_do_drop(struct argv_work *w, const struct argv_item *it)
{
	if (it->def->why)
		argv_work_changed(w, it, "%s", it->def->why);
}

void argv_do_refuse(struct argv_work *w, const struct argv_item *it)
{
	argv_work_refuse(w, it, "%s", it->def->why);
}

void argv_do_path(struct argv_work *w, const struct argv_item *it)
{
	AUTO_FREE char *there = argv_work_path(w, it->value);

	if (it->def->why)
		argv_work_warn(w, it, "%s", it->def->why);
	argv_work_file(w, it->value,
		       (struct argv_use){ .kind = it->def->file });
	argv_work_emit(w, it, there);
}

/* --- machine ------------------------------------------------------------- */

/* Guests whose memory the host cannot read cannot be copied either. */
static bool is_confidential(const struct argv_opt *o)
{
	return argv_opt_get(o, "confidential-guest-support") ||
	       argv_opt_get(o, "memory-encryption");
}

void argv_do_machine(struct argv_work *w, const struct argv_item *it)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };

	argv_opt_init(&o, it->value, it->def->implied);
	if (is_confidential(&o))
		argv_work_refuse(w, it,
				 "the memory of a confidential guest "
				 "cannot be migrated");
	if (argv_opt_get(&o, "type"))
		argv_opt_set(&o, "type", w->in->machine);
	argv_work_opt_key(w, it, &o, "dtb",
			  (struct argv_use){ .kind = ARGV_BOOT });
	argv_work_opt_key(w, it, &o, "kernel",
			  (struct argv_use){ .kind = ARGV_BOOT });
	argv_work_opt_key(w, it, &o, "initrd",
			  (struct argv_use){ .kind = ARGV_BOOT });
	argv_work_emit_opt(w, it, &o);
}

/* --- files that QEMU writes for people ----------------------------------- */

void argv_do_pidfile(struct argv_work *w, const struct argv_item *it)
{
	/* without a name there is nothing to move */
	if (!*it->value)
		argv_work_keep(w, it);
	else
		argv_work_emit(w, it, argv_work_bind_pidfile(w, it->value));
}

/* QEMU replaces %d by its pid: such a log belongs to one process alone. */
void argv_do_logfile(struct argv_work *w, const struct argv_item *it)
{
	AUTO_FREE char *there = NULL;

	/* without a name QEMU writes none */
	if (!*it->value) {
		argv_work_keep(w, it);
		return;
	}
	argv_work_parent(w, it->value);
	if (it == argv_items_last(w->items, "D") && !strchr(it->value, '%')) {
		argv_work_emit(w, it, argv_work_bind_log(w, it->value));
		return;
	}
	there = argv_work_path(w, it->value);
	argv_work_emit(w, it, there);
}

void argv_do_trace(struct argv_work *w, const struct argv_item *it)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };

	argv_opt_init(&o, it->value, it->def->implied);
	if (w->in->same_host && argv_opt_get(&o, "file")) {
		argv_opt_remove(&o, "file");
		argv_work_changed(w, it,
				  "file= dropped: the source still "
				  "writes this trace");
	}
	for (size_t i = 0; i < o.n; i++) {
		AUTO_FREE char *there = NULL;

		if (strcmp(argv_opt_key(&o, i), "file") != 0 || !o.v[i].value)
			continue;
		argv_work_parent(w, o.v[i].value);
		argv_work_file(w, o.v[i].value,
			       (struct argv_use){ .kind = ARGV_TRACE,
						  .writable = true });
		there = argv_work_path(w, o.v[i].value);
		argv_opt_set_at(&o, i, there);
	}
	argv_work_opt_key(w, it, &o, "events",
			  (struct argv_use){ .kind = ARGV_OTHER });
	if (o.n)
		argv_work_emit_opt(w, it, &o);
}

static void drop_key(struct argv_work *w, const struct argv_item *it,
		     struct argv_opt *o, const char *key, const char *why)
{
	if (!argv_opt_get(o, key))
		return;
	argv_opt_remove(o, key);
	argv_work_changed(w, it, "%s= dropped: %s", key, why);
}

void argv_do_run_with(struct argv_work *w, const struct argv_item *it)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };

	argv_opt_init(&o, it->value, it->def->implied);
	if (argv_opt_get(&o, "chroot")) {
		argv_work_refuse(w, it,
				 "its paths mean something else inside "
				 "the chroot; start the guest without it");
		return;
	}
	drop_key(w, it, &o, "user", "it is started as that user to begin with");
	drop_key(w, it, &o, "exit-with-parent",
		 "it has to outlive what starts it over there");
	if (o.n)
		argv_work_emit_opt(w, it, &o);
}

/* --- what QEMU adds by itself -------------------------------------------- */

static bool has(const struct argv_work *w, const char *name)
{
	return argv_items_last(w->items, name) != NULL;
}

static bool has_device(const struct argv_work *w, const char *driver)
{
	for (size_t i = 0; i < w->items->n; i++) {
		AUTO_OPT struct argv_opt o = { .v = NULL };

		if (argv_item_opt(&w->items->v[i], "device", &o) &&
		    argv_opt_is(&o, "driver", driver))
			return true;
	}
	return false;
}

static bool machine_has(const struct argv_work *w, const char *key)
{
	AUTO_FREE char *value = argv_items_machine(w->items, key);

	return value != NULL;
}

/*
 * -nographic also means "serial port on the terminal". Given as -serial null
 * the port is the same for the guest, and -nographic can stay for the rest of
 * what it does (the firmware learns it).
 */
static void default_serial(struct argv_work *w)
{
	if (!has(w, "nographic") || has(w, "nodefaults") || has(w, "serial") ||
	    has_device(w, "isa-serial"))
		return;
	strv_push(&w->out->argv, "-serial");
	strv_push(&w->out->argv, "null");
	argv_work_changed(w, argv_items_last(w->items, "nographic"),
			  "-serial null added: there is no terminal for the "
			  "serial port over there");
}

static bool called_kvm(const char *command)
{
	size_t len = strlen(command);

	return len >= 3 && !strcmp(command + len - 3, "kvm");
}

/* Called "kvm", QEMU prefers KVM without an option. */
static void default_accel(struct argv_work *w)
{
	if (!called_kvm(w->in->argv->v[0]) || called_kvm(w->in->binary) ||
	    has(w, "accel") || has(w, "enable-kvm") || machine_has(w, "accel"))
		return;
	strv_push(&w->out->argv, "-accel");
	strv_push(&w->out->argv, "kvm");
	strv_push(&w->out->argv, "-accel");
	strv_push(&w->out->argv, "tcg");
	argv_work_changed(w, NULL,
			  "-accel kvm -accel tcg added: the source "
			  "was started as %s",
			  w->in->argv->v[0]);
}

static void default_display(struct argv_work *w)
{
	static const char *const shown[] = { "display", "nographic", "vnc",
					     "spice" };

	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		if (has(w, shown[i]))
			return;
	}
	strv_push(&w->out->argv, "-display");
	strv_push(&w->out->argv, "none");
	argv_work_changed(w, NULL,
			  "-display none added: there is no window "
			  "over there; the guest keeps its graphics card");
}

void argv_do_defaults(struct argv_work *w)
{
	default_accel(w);
	default_serial(w);
	default_display(w);
}
