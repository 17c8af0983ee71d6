/* SPDX-License-Identifier: MIT */
/*
 * policy_peers: the policies of other managers; pure. Each implements the
 * behaviour that its project documents, with the defaults published there.
 */
#ifndef ENGINE_POLICY_POLICY_PEERS_H
#define ENGINE_POLICY_POLICY_PEERS_H

#include "engine/policy/policy.h"

/* QEMU alone: downtime-limit is the budget from the start. */
extern const struct policy policy_qemu;
/* Proxmox VE: 100 ms, doubled while what is left does not shrink. */
extern const struct policy policy_proxmox;
/* oVirt, "Minimal downtime": 100 ms, up to 500 as iterations stall; aborts. */
extern const struct policy policy_ovirt;
/* OpenStack Nova: 50 ms, widened to 500 ms in ten steps. */
extern const struct policy policy_nova;
/* KubeVirt's stall detection: after 40 s the maximum, at a local minimum. */
extern const struct policy policy_kubevirt;
/* QEMU with auto-converge: a throttle of 20 %, then 10 % more each time. */
extern const struct policy policy_auto_converge;

#endif
