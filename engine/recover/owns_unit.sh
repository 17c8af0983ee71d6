# SPDX-License-Identifier: MIT
# The unit that asks; owns_unit.h has the contract.
# shellcheck shell=sh
path=$(sed -n 's/^0:://p; s/^[0-9]*:name=systemd://p' \
	"${cgroup:-/proc/self/cgroup}" | head -n 1)
case $path in
*/user@* | *.scope | *.scope/*) ;;
*/?*.service | */?*.service/*)
	path=${path%%.service*}
	systemctl show -p User -p ExecStart -- "${path##*/}.service" ;;
esac
