# SPDX-License-Identifier: MIT
# What `fresh`, and tests that run beside others, have as PID 1: runs a command
# and ends with its status.
#	perl fresh_init.pl COMMAND...
# It adopts what has lost its parent and passes SIGTERM on to all processes.
# No shell, since vmferry judges the script of a shell that is above a guest's
# QEMU; perl is the one interpreter besides that a bare Debian has.
use strict;
use warnings;
use POSIX qw(SIGTERM SIG_BLOCK SIG_UNBLOCK sigprocmask);

# One that comes before it can be passed on waits.
my $term = POSIX::SigSet->new(SIGTERM);
sigprocmask(SIG_BLOCK, $term);
$SIG{$_} = 'IGNORE' for qw(HUP INT QUIT);
my $child = fork // exit 125;
if (!$child) {
	$SIG{$_} = 'DEFAULT' for qw(HUP INT QUIT);
	sigprocmask(SIG_UNBLOCK, $term);
	exec { $ARGV[0] } @ARGV or exit 127;
}
$SIG{TERM} = sub { kill 'TERM', -1 };
sigprocmask(SIG_UNBLOCK, $term);
while ((my $ended = waitpid -1, 0) != $child) {
	exit 125 if $ended < 0;
}
exit($? & 127 ? 128 + ($? & 127) : $? >> 8);
