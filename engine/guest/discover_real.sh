# SPDX-License-Identifier: MIT
# What each path leads to, one a line.
# shellcheck shell=sh
for path; do readlink -f -- "$path" || echo; done
exit 0
