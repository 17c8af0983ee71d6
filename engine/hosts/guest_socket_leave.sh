# SPDX-License-Identifier: MIT
# Removes what guest_socket_trust_sh made in $dir. Needs guest_socket_lend_sh.
# shellcheck shell=sh disable=SC2154
hand_back "$dir"
