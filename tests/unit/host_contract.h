/* SPDX-License-Identifier: MIT */
/*
 * host_contract: what transport/host.h promises of every back end, as tests.
 * The unit program of a back end has them as tests of its own:
 *
 *	static struct host *open_host(void);
 *	HOST_CONTRACT(open_host);
 */
#ifndef TESTS_UNIT_HOST_CONTRACT_H
#define TESTS_UNIT_HOST_CONTRACT_H

#include "transport/host.h"

/*
 * open_host() runs in a task and returns a host that is this machine, by
 * whatever way; or it skips or fails the test.
 */
#define HOST_CONTRACT(open_host) \
	const struct host_contract host_contract = { open_host }

struct host_contract {
	struct host *(*open)(void);
};
extern const struct host_contract host_contract;

#endif
