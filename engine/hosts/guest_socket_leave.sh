# SPDX-License-Identifier: MIT
# Removes what guest_socket_trust_sh made in $dir. Needs admit_sh and
# guest_socket_lend_sh. Without the lock it stays until the next one is made.
# shellcheck shell=sh disable=SC2154
! locked || hand_back "$lent/${dir##*/.vmferry-}"
