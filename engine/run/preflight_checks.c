/* SPDX-License-Identifier: MIT */
/*
 * preflight_checks: the table of checks, in the order in which they are
 * reported. Each is one small function over what was gathered, in the file of
 * its family. A failure names its remedy; a check that has nothing to say adds
 * nothing.
 */
#include <stddef.h>

#include "engine/run/preflight.h"
#include "engine/run/preflight_cpu.h"
#include "engine/run/preflight_faults.h"
#include "engine/run/preflight_memory.h"

/* One a line: a row more is one line more. */
/* clang-format off */
void (*const preflight_checks[])(struct preflight *p) = {
	preflight_check_unfinished,
	preflight_check_manager,
	preflight_check_unit,
	preflight_check_supervisor,
	preflight_check_same_host,
	preflight_check_become,
	preflight_check_guardian,
	preflight_check_tools,
	preflight_check_forwarding,
	preflight_check_transport,
	preflight_check_lingering,
	preflight_check_state,
	preflight_check_library,
	preflight_check_remaps,
	preflight_check_blocked,
	preflight_check_jobs,
	preflight_check_hotplug,
	preflight_check_locking,
	preflight_check_inactive,
	preflight_check_command_line,
	preflight_faults_check,
	preflight_check_keyring,
	preflight_check_qemu,
	preflight_check_replaced,
	preflight_check_machine,
	preflight_check_given_machine,
	preflight_check_version,
	preflight_check_kvm,
	preflight_cpu_check,
	preflight_check_memory,
	preflight_memory_check_pages,
	preflight_memory_check_lock,
	preflight_check_room,
	preflight_check_user,
	preflight_check_groups,
	preflight_check_files,
	preflight_disks_check_files,
	preflight_disks_check_active,
	preflight_disks_check_servers,
	preflight_check_ram,
	preflight_check_traces,
	preflight_check_access,
	preflight_check_reopening,
	preflight_check_chain,
	preflight_net_tap_check,
	preflight_net_check_macs,
	preflight_net_check_ports,
	preflight_net_check_sockets,
	preflight_net_check_rest,
	preflight_check_directories,
	preflight_check_same_guest,
	preflight_check_names,
	NULL,
};
/* clang-format on */
