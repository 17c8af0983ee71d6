# SPDX-License-Identifier: MIT
# What logind does with the service manager of the user $of at that user's last
# logout: "Linger=yes" or "Linger=no", or nothing.
# shellcheck shell=sh disable=SC2154
command -v loginctl >/dev/null || exit 0
loginctl show-user "$of" -p Linger </dev/null 2>/dev/null
exit 0
