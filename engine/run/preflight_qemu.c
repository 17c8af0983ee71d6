/* SPDX-License-Identifier: MIT */
/* preflight_qemu: QEMU on both hosts, and the machine. */
#include <stdio.h>
#include <string.h>

#include "engine/run/migrate_options.h"
#include "engine/run/preflight.h"
#include "engine/run/preflight_add.h"
#include "qmp/qmp.h"
#include "transport/base/xalloc.h"

void preflight_check_qemu(struct preflight *p)
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

void preflight_check_machine(struct preflight *p)
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
void preflight_check_given_machine(struct preflight *p)
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

void preflight_check_version(struct preflight *p)
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

void preflight_check_kvm(struct preflight *p)
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
