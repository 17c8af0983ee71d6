# SPDX-License-Identifier: MIT
# Reads a small share of bytes and large ones, and answers a line after each. The
# numbers are those of lane_speed.c.
# shellcheck shell=sh
for bytes in 1048576 12582912 12582912; do
	head -c $bytes >/dev/null && echo || exit
done
