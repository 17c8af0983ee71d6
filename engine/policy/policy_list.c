/* SPDX-License-Identifier: MIT */
/* policy_list: the table of policies, and the search in it; pure. */
#include "engine/policy/policy_list.h"

#include <string.h>

#include "engine/policy/policy_auto.h"
#include "engine/policy/policy_peers.h"

const struct policy *const policy_list[] = {
	&policy_auto, &policy_qemu,	&policy_proxmox,       &policy_ovirt,
	&policy_nova, &policy_kubevirt, &policy_auto_converge, NULL,
};

const struct policy *policy_find(const char *name)
{
	for (size_t i = 0; policy_list[i]; i++) {
		if (!strcmp(policy_list[i]->name, name))
			return policy_list[i];
	}
	return NULL;
}
