/* SPDX-License-Identifier: MIT */
/* preflight_transport: what can carry the memory. */

#include "engine/run/lane_tcp.h"
#include "engine/run/preflight.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

#define ADD(p, verdict, found, remedy)                              \
	checks_add(&(p)->r->checks, "transport", CHECK_DESTINATION, \
		   CHECK_##verdict, found, remedy)

static void add_tcp(struct preflight *p)
{
	const char *address = lane_tcp_address(p->r->lane.tcp);

	ADD(p, WARN,
	    xasprintf("the memory would go in clear to %s, one of the TCP "
		      "ports %d to %d; whether a firewall lets it through "
		      "shows when QEMU listens there",
		      address, LANE_TCP_FIRST_PORT, LANE_TCP_LAST_PORT),
	    xstrdup("use it where nobody else is on the network; else "
		    "--transport auto"));
}

static void add_auto(struct preflight *p)
{
	const struct lane *l = &p->r->lane;

	if (l->way == LANE_AUTO)
		ADD(p, PASS,
		    xstrdup("ssh and openssh can carry the memory, and will be "
			    "compared"),
		    NULL);
	else
		ADD(p, PASS,
		    xasprintf("%s carries the memory%s%s",
			      host_backend(p->r->dst.host), l->why ? ": " : "",
			      l->why ? l->why : ""),
		    NULL);
}

void preflight_check_transport(struct preflight *p)
{
	const struct lane *l = &p->r->lane;

	if (l->refusal)
		ADD(p, FAIL,
		    xasprintf("--transport %s cannot be had: %s",
			      lane_choice_name(l->way), l->refusal),
		    xstrdup(l->remedy));
	else if (l->way == LANE_TCP)
		add_tcp(p);
	else if (l->way == LANE_OPENSSH)
		ADD(p, PASS,
		    xasprintf("ssh(1) logs in to %s and carries the memory",
			      host_name(p->r->dst.host)),
		    NULL);
	else
		add_auto(p);
}
