/* SPDX-License-Identifier: MIT */
/* Two hosts, as records name them. */
#ifndef TESTS_UNIT_IDENTITY_SPACES_H
#define TESTS_UNIT_IDENTITY_SPACES_H

#include "engine/hosts/identity.h"

static const struct identity_space here = {
	.host = "hosta",
	.machine = "here",
	.boot = "boot",
	.pid_namespace = 1,
};
static const struct identity_space there = {
	.host = "hostb",
	.machine = "there",
	.boot = "b",
	.pid_namespace = 1,
};

#endif
