#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The guest's network on the destination, or what is wrong with it."""
import json
import re
import subprocess
import unittest

import harness
import labkit

MAC = "52:54:00:76:66:07"
NAMES = {"tap", "bridge", "mac", "port", "socket", "user-network", "password",
         "console"}
# As start scripts have it: the tap is made beforehand.
TAP = ("-netdev", "tap,id=n0,ifname=tap0,script=no,downscript=no",
       "-device", f"virtio-net-pci,netdev=n0,mac={MAC},romfile=")


@unittest.skipUnless(harness.IS_ROOT, "root is needed for namespaces")
class LabNetCase(unittest.TestCase):
    def setUp(self):
        self.lab = labkit.Lab("net")
        self.addCleanup(self.lab.down)
        self.lab.up()
        self.a, self.b = self.lab["hosta"], self.lab["hostb"]

    def tap(self, host, options="master br0 up", made=""):
        host.sh(f"ip tuntap add dev tap0 mode tap {made}"
                f" && ip link set dev tap0 {options}")

    def guest(self, *extra, name="web1", host=None, **options):
        guest = labkit.LabGuest(host or self.a, name, "fill=16 ws=4 rate=8",
                                harness.SMALL, extra, **options)
        self.addCleanup(guest.stop)
        return guest

    def check(self, *options):
        """The checks that have a say about the network, and the exit code."""
        done = self.a.run(harness.VMFERRY, "check", "web1", "hostb", "--json",
                          "--no-input", *options)
        self.assertIn(done.returncode, (0, 3), done.stderr)
        return done.returncode, [c for c in json.loads(done.stdout)["checks"]
                                 if c["name"] in NAMES]

    def finds(self, name, verdict, words, *options):
        """One finding that is no pass, and this."""
        code, found = self.check(*options)
        self.assertEqual(code, 3 if verdict == "fail" else 0, found)
        bad = [c for c in found if c["verdict"] != "pass"]
        self.assertEqual([(c["name"], c["verdict"]) for c in bad],
                         [(name, verdict)], found)
        self.assertRegex(bad[0]["found"], words)
        return bad[0]["remedy"]

    def passes(self, words, *options):
        code, found = self.check(*options)
        self.assertEqual(code, 0, found)
        self.assertEqual({c["verdict"] for c in found}, {"pass"}, found)
        self.assertRegex(" ".join(c["found"] for c in found), words)

    def refuses_to_move(self, guest, words):
        """Nothing has moved, and nothing was changed."""
        links = self.b.sh("ip -o link")
        done = guest.start().finish()
        self.assertEqual(done.code, 3, done)
        self.assertRegex(done.text, words)
        self.assertEqual(self.b.sh("ip -o link"), links)
        guest.watch.wait_beats(guest.at(), 5, 60)

    def moves(self, guest):
        """There; what it sends from its card is heard by the other host."""
        done = guest.start().finish()
        self.assertEqual(done.code, 0, done)
        guest.arrive(done)
        self.assertEqual(labkit.problems(guest, self.lab), [])
        harness.wait_until(lambda: self.heard_on_uplink(self.a), 30,
                           "no frame of the guest has left hostb")

    def heard_on_uplink(self, host):
        return re.search(rf"^{MAC} dev uplink ", host.sh("bridge fdb show"),
                         re.M)


class TapTest(LabNetCase):
    def test_a_tap_that_is_set_up_moves_there(self):
        self.tap(self.a)
        self.tap(self.b)
        guest = self.guest(*TAP)
        self.passes("tap0 is up in br0 on hostb")
        self.moves(guest)

    def pasted(self, guest, remedy):
        self.b.sh(remedy)
        self.passes("tap0 is up in br0 on hostb")
        self.moves(guest)

    def test_one_that_is_missing_is_made_by_the_remedy(self):
        self.tap(self.a, "mtu 1400 master br0 up")
        guest = self.guest(*TAP)
        words = "tap0, which is up in bridge br0 here, is not on hostb"
        remedy = self.finds("tap", "fail", words)
        self.refuses_to_move(guest, words)
        self.pasted(guest, remedy)
        self.assertIn("mtu 1400", self.b.sh("ip link show tap0"))

    def test_without_it_the_network_is_gone(self):
        self.tap(self.a)
        guest = self.guest(*TAP)
        done = guest.start("--skip-check", "tap").finish()
        self.assertEqual(done.code, 0, done)
        guest.arrive(done)
        state = self.b.sh("ip -o link show tap0")
        self.assertIn("state DOWN", state)
        self.assertNotIn("master", state)

    def test_one_that_is_down_is_set_up_by_the_remedy(self):
        self.tap(self.a)
        self.tap(self.b, "master br0 down")
        guest = self.guest(*TAP)
        self.pasted(guest, self.finds("tap", "fail", "tap0 on hostb is down"))

    def test_one_in_no_bridge_joins_it_by_the_remedy(self):
        self.tap(self.a)
        self.tap(self.b, "up")
        guest = self.guest(*TAP)
        self.pasted(guest, self.finds("tap", "fail",
                                      "is in no bridge; here it is in br0"))

    def test_one_of_many_queues_is_made_anew_by_the_remedy(self):
        self.tap(self.a)
        self.tap(self.b, made="multi_queue")
        guest = self.guest(*TAP)
        self.pasted(guest, self.finds("tap", "fail",
                                      "was made with multi_queue"))

    def test_one_in_another_bridge_joins_it_by_the_remedy(self):
        self.tap(self.a)
        self.b.sh("ip link add br9 type bridge && ip link set br9 up")
        self.tap(self.b, "master br9 up")
        guest = self.guest(*TAP)
        code, found = self.check()
        self.assertEqual(code, 0, found)
        bad = {c["name"]: c for c in found if c["verdict"] != "pass"}
        self.assertEqual(bad.keys(), {"tap", "bridge"})
        self.assertIn("tap0 is in br9 on hostb, in br0 here",
                      bad["tap"]["found"])
        self.assertIn("br9 on hostb has no port that leads to a network; "
                      "here it has uplink", bad["bridge"]["found"])
        self.pasted(guest, bad["tap"]["remedy"])

    def test_another_mtu_is_set_by_the_remedy(self):
        self.tap(self.a, "mtu 1400 master br0 up")
        self.tap(self.b)
        guest = self.guest(*TAP)
        self.pasted(guest, self.finds("tap", "warn",
                                      "the MTU 1500 on hostb, 1400 here"))

    def test_a_bridge_that_is_missing_is_made_by_the_remedy(self):
        self.a.sh("ip link add br7 type bridge && ip link set br7 up")
        self.tap(self.a, "master br7 up")
        self.guest(*TAP)
        self.b.sh(self.finds("tap", "fail", "up in bridge br7 here"))
        self.passes("tap0 is up in br7 on hostb")

    def test_one_that_is_open_is_refused(self):
        self.tap(self.a)
        self.tap(self.b)
        self.guest(*TAP)
        other = self.guest("-netdev", TAP[1], "-device",
                           "virtio-net-pci,netdev=n0,romfile=", name="db1",
                           host=self.b)
        self.finds("tap", "fail", "tap0 is in use on hostb")
        other.stop()
        self.passes("tap0 is up in br0 on hostb")

    def test_the_guests_user_gets_one_of_its_own(self):
        for host in (self.a, self.b):
            # one that anybody may open, as distributions have it
            host.sh("mkdir -m 777 /run/g && "
                    f"install -m 644 {harness.GUEST_ELF} /run/g/kernel && "
                    "mkdir /run/dev && "
                    "mount -t tmpfs dev /run/dev && "
                    "mknod -m 666 /run/dev/tun c 10 200 && "
                    "mount --bind /run/dev/tun /dev/net/tun")
        self.tap(self.a, made="user nobody")
        guest = self.guest(*TAP, under=("setpriv", "--reuid", "nobody",
                                        "--regid", "nogroup",
                                        "--clear-groups"),
                           directory="/run/g", kernel="/run/g/kernel")
        self.tap(self.b)
        self.passes("tap0 is up in br0 on hostb")
        self.b.sh("chmod 600 /dev/net/tun")
        self.b.sh(self.finds("tap", "fail", "nobody may not open "
                             "/dev/net/tun on hostb"))
        self.passes("tap0 is up in br0 on hostb")
        self.b.sh("ip link del tap0")
        self.tap(self.b, made="user daemon")
        self.pasted(guest, self.finds("tap", "fail",
                                      "belongs to another user"))


class BridgeTest(LabNetCase):
    def test_a_bridge_of_the_helper_is_made_by_the_remedy(self):
        self.a.sh("ip link add br7 type bridge && ip link set br7 up")
        self.tap(self.a, "master br7 up")
        self.guest(*TAP)
        dest = self.a.at("/run/dest")
        with open(dest, "w", encoding="ascii") as f:
            f.write("-netdev\nbridge,id=n0,br=br7\n-device\n"
                    f"virtio-net-pci,netdev=n0,mac={MAC},romfile=\n")
        given = ("--dest-args", "/run/dest")
        self.b.sh(self.finds("bridge", "fail", "no bridge br7 on hostb",
                             *given))
        self.passes("bridge br7 exists on hostb", *given)


class MacTest(LabNetCase):
    def test_a_mac_of_another_guest_is_refused(self):
        self.tap(self.a)
        self.tap(self.b)
        self.b.sh("ip tuntap add dev tap1 mode tap && "
                  "ip link set dev tap1 master br0 up")
        self.guest(*TAP)
        other = self.guest("-netdev",
                           "tap,id=n,ifname=tap1,script=no,downscript=no",
                           "-device", f"e1000,netdev=n,mac={MAC},romfile=",
                           name="db1", host=self.b)
        self.finds("mac", "fail", rf"db1 .* on hostb has the MAC {MAC}, too, "
                                  "in the same bridge br0")
        other.stop()
        self.passes("tap0 is up in br0")

    def test_one_that_a_bridge_has_learnt_is_refused(self):
        self.tap(self.a)
        self.tap(self.b)
        self.b.sh("ip tuntap add dev tap1 mode tap && "
                  "ip link set dev tap1 master br0 up")
        self.guest(*TAP)
        sender = self.send_from("tap1")
        self.finds("mac", "fail", "a bridge has learnt it from tap1")
        sender.stdin.close()
        sender.wait(60)
        self.passes("tap0 is up in br0")

    def send_from(self, tap):
        """A program that is no QEMU, and has the guest's MAC."""
        script = (
            "import fcntl,struct,sys,time\n"
            "t=open('/dev/net/tun','r+b',buffering=0)\n"
            f"fcntl.ioctl(t,0x400454ca,struct.pack('16sH',b'{tap}',0x1002))\n"
            f"mac=bytes.fromhex('{MAC}'.replace(':',''))\n"
            "state=lambda:open('/sys/class/net/"
            f"{tap}/brport/state').read()\n"
            "while state()!='3\\n': time.sleep(0.02)\n"
            "t.write(b'\\xff'*6+mac+b'\\x88\\xb5'+bytes(46))\n"
            "print(1,flush=True)\nsys.stdin.read()\n")
        process = subprocess.Popen(
            self.b.argv("python3", "-c", script), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        self.assertEqual(process.stdout.readline(), b"1\n")
        return process


class PortTest(LabNetCase):
    def listen(self, port, address="", kind="stream"):
        """A process that has it, on hostb."""
        script = (f"import socket,sys\ns=socket.socket(socket.AF_INET,"
                  f"socket.SOCK_{kind.upper()})\n"
                  f"s.bind(('{address}',{port}))\n"
                  f"'{kind}'=='stream' and s.listen(1)\n"
                  f"print(1,flush=True)\nsys.stdin.read()\n")
        process = subprocess.Popen(
            self.b.argv("python3", "-c", script), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        self.assertEqual(process.stdout.readline(), b"1\n")
        return process

    def freed(self, process):
        process.stdin.close()
        process.wait(60)

    def test_a_taken_port_of_a_display_is_refused(self):
        guest = self.guest("-vnc", ":1")
        self.passes("TCP port 5901 of every address is free on hostb")
        other = self.listen(5901)
        words = "TCP port 5901 .* -vnc is to listen, is taken on hostb"
        remedy = self.finds("port", "fail", words)
        self.assertIn(":5901", self.b.sh(remedy.split(" shows")[0]))
        self.refuses_to_move(guest, words)
        self.freed(other)
        self.passes("TCP port 5901 of every address is free on hostb")
        done = guest.start().finish()
        self.assertEqual(done.code, 0, done)
        guest.arrive(done)

    def test_a_taken_forwarded_port_is_refused(self):
        self.guest("-netdev", "user,id=u,hostfwd=tcp:127.0.0.1:2222-:22",
                   "-device", "e1000,netdev=u,romfile=")
        other = self.listen(2222)
        code, found = self.check()
        self.assertEqual(code, 3, found)
        self.assertEqual({(c["name"], c["verdict"]) for c in found},
                         {("port", "fail"), ("user-network", "warn")})
        self.freed(other)
        self.finds("user-network", "warn", "open connections end")

    def test_taken_ports_of_character_devices_are_refused(self):
        self.guest("-chardev",
                   "socket,id=c,host=0.0.0.0,port=4445,server=on,wait=off",
                   "-chardev", "udp,id=u,host=127.0.0.1,port=9,localport=4446")
        self.listen(4445, "127.0.0.1")
        self.finds("port", "fail", "TCP port 4445 of 0.0.0.0")
        self.listen(4446, kind="dgram")
        code, found = self.check()
        self.assertEqual((code, len([c for c in found
                                     if c["verdict"] == "fail"])), (3, 2))

    def test_a_port_of_another_address_does_not_matter(self):
        self.guest("-vnc", "127.0.0.1:1")
        self.listen(5901, "10.77.0.2")
        self.passes("TCP port 5901 of 127.0.0.1 is free")

    def test_a_range_has_room_or_not(self):
        self.guest("-vnc", ":1,to=2")
        self.listen(5901)
        self.finds("port", "warn", "another one, up to 5902")
        self.listen(5902)
        self.finds("port", "fail", "each of the TCP ports 5901 to 5902")

    def test_an_address_of_the_source_alone_is_refused(self):
        self.guest("-vnc", "10.77.0.1:1")
        self.finds("port", "fail", "hostb has no address 10.77.0.1")


class SocketTest(LabNetCase):
    """A network, a TPM or the like in a process of its own, such as passt."""

    def serve(self, host):
        script = ("import os,select,socket,sys\n"
                  "os.path.exists('/run/p') and os.unlink('/run/p')\n"
                  "s=socket.socket(socket.AF_UNIX)\ns.bind('/run/p')\n"
                  "s.listen(1)\nprint(1,flush=True)\n"
                  "r=select.select([s,sys.stdin],[],[])[0]\n"
                  "c=s.accept() if s in r else 0\nsys.stdin.read()\n")
        process = subprocess.Popen(
            host.argv("python3", "-c", script), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        self.assertEqual(process.stdout.readline(), b"1\n")
        return process

    def test_a_socket_needs_a_server(self):
        self.serve(self.a)
        guest = self.guest("-netdev",
                           "stream,id=p,addr.type=unix,addr.path=/run/p",
                           "-device", "e1000,netdev=p,romfile=")
        first = self.serve(self.b)
        words = "a process listens on /run/p on hostb, for -netdev"
        self.passes(words)
        first.stdin.close()
        first.wait(60)
        remedy = self.finds("socket", "fail",
                            "/run/p, .* is a socket on which nobody listens")
        self.assertIn("passt --socket /run/p", remedy)
        self.serve(self.b)
        self.passes(words)
        done = guest.start().finish()
        self.assertEqual(done.code, 0, done)
        guest.arrive(done)


class LeftBehindTest(LabNetCase):
    def test_a_password_of_the_monitor_is_named(self):
        guest = self.guest("-vnc", ":1,password=on")
        remedy = self.finds("password", "warn",
                            "set over the monitor for -vnc is not known")
        command = json.loads(re.search(r"\{.*\}\}", remedy)[0])
        done = guest.start().finish()
        self.assertEqual(done.code, 0, done)
        guest.arrive(done)
        with guest.monitor() as q:
            self.assertEqual(q.command(command["execute"],
                                       **command["arguments"]), {})

    def test_a_console_on_the_terminal_is_named(self):
        self.a.sh("mkfifo /run/out")
        reader = subprocess.Popen(self.a.argv("cat", "/run/out"),
                                  stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL)
        self.addCleanup(reader.wait)
        self.addCleanup(reader.kill)
        guest = self.guest("-serial", "stdio",
                           under=("sh", "-c", "exec \"$@\" >/run/out", "sh"))
        self.finds("console", "warn", r"QEMU's own terminal here \(-serial\)")
        done = guest.start().finish()
        self.assertEqual(done.code, 0, done)
        guest.arrive(done)

    def test_a_console_that_nobody_sees_is_not(self):
        self.guest("-serial", "stdio")
        self.assertEqual(self.check(), (0, []))


if __name__ == "__main__":
    unittest.main()
