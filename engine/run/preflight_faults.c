/* SPDX-License-Identifier: MIT */
/* preflight_faults: whether a known fault of QEMU would harm the migration. */
#include "engine/run/preflight_faults.h"

#include "engine/run/preflight_add.h"
#include "engine/run/qemu_faults.h"
#include "qmp/qmp.h"
#include "qmp/qmp_machine.h"
#include "transport/base/xalloc.h"

int preflight_faults_ask(struct preflight *p, struct err *err)
{
	const struct qmp_version *v = qmp_version(p->r->src.qmp);

	p->source_qemu = xasprintf("%d.%d.%d", v->major, v->minor, v->micro);
	return qmp_device_types(p->r->src.qmp, &p->devices, run_qmp_deadline(),
				err);
}

static char *remedy_of(const struct preflight *p, const struct qemu_fault *f,
		       bool here)
{
	if (f->remedy)
		return xstrdup(f->remedy);
	if (!here)
		return xstrdup("name a later QEMU there (--qemu-binary)");
	return xasprintf("name a QEMU %s there (--qemu-binary), or shut the "
			 "guest down and start it with a later QEMU",
			 p->source_qemu);
}

static void add_fault(struct preflight *p, const struct qemu_fault *f,
		      bool here)
{
	checks_add(&p->r->checks, "qemu-fault",
		   here ? CHECK_SOURCE : CHECK_DESTINATION, f->verdict,
		   xasprintf("QEMU %s on %s %s (%s)",
			     here ? p->source_qemu : p->qemu.version,
			     here ? host_name(p->r->src.host) : dst_name(p),
			     f->symptom, f->known_from),
		   remedy_of(p, f, here));
}

void preflight_faults_check(struct preflight *p)
{
	const struct run_facts *facts = &p->r->source.facts;
	const struct qemu_faults_guest g = {
		.source = qemu_faults_version(p->source_qemu),
		.destination = qemu_faults_version(p->qemu.version),
		.machine = facts->machine,
		.devices = &p->devices,
		.ram_bytes = facts->ram_bytes,
		.runs_on_tcg = !facts->kvm && facts->vcpus > 0 &&
			       facts->first_status.running,
	};
	const struct qemu_fault *f = NULL;

	while ((f = qemu_faults_next(&g, f)))
		add_fault(p, f, qemu_faults_has(f, g.source));
}
