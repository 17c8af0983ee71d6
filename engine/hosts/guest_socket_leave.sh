# SPDX-License-Identifier: MIT
# Removes what guest_socket_trust_sh made in $dir.
# shellcheck shell=sh disable=SC2154
rm -f -- "$dir/s"
rmdir -- "$dir"
