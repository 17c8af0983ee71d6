# SPDX-License-Identifier: MIT
"""The rows of ssh_table: what both programs are given.

In texts {ed} is a public key, {known} the path of a file of the login, {ip:beta}
an address, {print:ed} a fingerprint, {key:user} the path of a private key.
"""
from ssh_ground import BASE, PASSWORD

NO_KEY = BASE.replace("IdentityFile {key:user}\n", "")
NO_FILES = "\n".join(ln for ln in BASE.split("\n") if "Known" not in ln)


class Row:
    """A login. @want: the verdict, where ssh(1) is no reference."""

    def __init__(self, group, about, host="alpha.test", known="", config="",
                 answers=(), jump=None, revoked=None, base=BASE, port=None,
                 user=None, identity=None, agent=False, hashed=False,
                 accept_new=False, no_input=False, own_known=False,
                 want=None, **files):
        self.group, self.about, self.host = group, about, host
        self.known, self.config, self.base = known, config, base
        self.answers, self.jump, self.revoked = answers, jump, revoked
        # "global" is a word of Python
        setattr(self, "global", files.pop("system", ""))
        self.port, self.user, self.identity = port, user, identity
        self.agent, self.hashed = agent, hashed
        self.accept_new, self.no_input = accept_new, no_input
        self.own_known, self.want = own_known, want
        assert not files, files

    def __str__(self):
        return f"{self.group}: {self.about}"


A = "alpha.test {ed}\n"
WRONG = "alpha.test {old}\n"
YES = ("yes",)


def names():
    """Which lines of known_hosts concern a host."""
    def row(about, *args, **options):
        return Row("names", about, *args, **options)
    return [
        row("plain name", known=A),
        row("no line", known="other.test {ed}\n"),
        row("another key of the type", known=WRONG),
        row("both keys, the right one last", known=WRONG + A),
        row("capital letters in the file", known="ALPHA.Test {ed}\n"),
        row("capital letters in the target", "ALPHA.test", known=A),
        row("a list of names", known="x.test,alpha.test,y.test {ed}\n"),
        row("the address only", known="{ip:alpha} {ed}\n"),
        row("the address as the target", "{ip:alpha}".replace(
            "{ip:alpha}", "10.77.0.1"), known="{ip:alpha} {ed}\n"),
        row("wildcard *", known="*.test {ed}\n"),
        row("wildcard ?", known="alph?.test {ed}\n"),
        row("wildcard that does not match", known="?.test {ed}\n"),
        row("brackets are no wildcard", known="[a]lpha.test {ed}\n"),
        row("negation", known="*.test,!alpha.test {ed}\n"),
        row("negation first", known="!alpha.test,*.test {ed}\n"),
        row("negation of another", known="*.test,!beta.test {ed}\n"),
        row("a pattern of over 1,022 characters",
            known="*.test," + "a" * 1100 + " {ed}\n"),
        row("a long pattern that comes later",
            known="alpha.test," + "a" * 1100 + ",x {ed}\n"),
        row("hashed", known=A, hashed=True),
        row("hashed, another key", known=WRONG, hashed=True),
        row("hashed, of another host", known="other.test {ed}\n",
            hashed=True),
        row("a damaged hash before the line", known="|1|AA=|BB= {ed}\n" + A),
        row("comments, blank lines, blanks in front",
            known="# x\n\n  \t" + A),
        row("damaged lines before the line",
            known="alpha.test\nalpha.test ssh-ed25519 AAAA\n@x alpha.test "
            "{ed}\n" + A),
        row("a damaged key only", known="alpha.test ssh-ed25519 AAAA\n"),
        row("a key of an unknown type only",
            known="alpha.test ssh-new AAAAB3NzaC1uZXc=\n"),
        row("a key under a wrong type",
            known="alpha.test ssh-rsa " + "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAA"
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"),
        row("no end of line", known=A.rstrip()),
        row("lines that end in CR LF", known=A.replace("\n", "\r\n")),
        row("tabs", known="alpha.test\t{ed}\n"),
        row("a NUL before the line", known="x\0\n" + A),
        row("a NUL before the line that revokes",
            known=A + "x\0y\n@revoked * {ed}\n"),
        row("in the system's file", system=A),
        row("changed in the system's file", system=WRONG),
        row("wrong for the user, right for the system", known=WRONG,
            system=A),
    ]


def ports():
    def row(about, *args, **options):
        return Row("ports", about, *args, port="2222", **options)
    return [
        row("[host]:port", known="[alpha.test]:2222 {ed}\n"),
        row("the plain name only", known=A),
        row("the plain name, another key", known=WRONG, answers=YES),
        row("[host]:port wrong, the plain name right",
            known=A + "[alpha.test]:2222 {old}\n"),
        row("[host]:port right, the plain name wrong",
            known=WRONG + "[alpha.test]:2222 {ed}\n"),
        row("another port", known="[alpha.test]:2223 {ed}\n"),
        row("[host]:port hashed", known="[alpha.test]:2222 {ed}\n",
            hashed=True),
        row("[host]:port, another type on file",
            known="[alpha.test]:2222 {ec}\n"),
        row("[host]:port of another type, the plain name right",
            known=A + "[alpha.test]:2222 {ec}\n"),
        row("a wildcard for both", known="* {ed}\n"),
        row("a wildcard with another key", known="* {old}\n"),
        row("revoked under the plain name",
            known="@revoked alpha.test {ed}\n", answers=YES),
        row("revoked under the plain name, right with the port",
            known="@revoked alpha.test {ed}\n[alpha.test]:2222 {ed}\n"),
        row("HostKeyAlias has no port", known="web {ed}\n",
            config="HostKeyAlias web\n"),
        row("HostKeyAlias does not look under [alias]:port",
            known="[web]:2222 {ed}\n", config="HostKeyAlias web\n"),
        Row("ports", "[host]:22 is not the plain name",
            known="[alpha.test]:22 {ed}\n"),
    ]


def types():
    """Several keys on the host, or on file."""
    def row(about, host, known, **options):
        return Row("types", about, host, known, **options)
    return [
        row("only ecdsa on file", "beta.test", "beta.test {ec}\n"),
        row("only RSA on file", "beta.test", "beta.test {rsa}\n"),
        row("the host has RSA only", "prime.test", "prime.test {rsa}\n"),
        row("the host has ecdsa only", "curve.test", "curve.test {ec}\n"),
        row("of another type", "curve.test", "curve.test {ed}\n"),
        row("of another type, unknown ones accepted", "curve.test",
            "curve.test {ed}\n", accept_new=True),
        row("ed25519 wrong, ecdsa right", "beta.test",
            "beta.test {old}\nbeta.test {ec}\n"),
        row("ed25519 that the host has not, RSA right", "prime.test",
            "prime.test {old}\nprime.test {rsa}\n"),
        row("HostKeyAlgorithms names ecdsa, ed25519 is on file", "beta.test",
            "beta.test {ed2}\n",
            config="HostKeyAlgorithms ecdsa-sha2-nistp256\n"),
        row("HostKeyAlgorithms names both, the file has the second",
            "beta.test", "beta.test {ec}\n",
            config="HostKeyAlgorithms ssh-ed25519,ecdsa-sha2-nistp256\n"),
        row("HostKeyAlgorithms without ed25519", "beta.test",
            "beta.test {ed2}\nbeta.test {ec}\n",
            config="HostKeyAlgorithms -ssh-ed25519*\n"),
    ]


def marks():
    def row(about, host="alpha.test", known="", **options):
        return Row("marks", about, host, known, **options)
    ca = "@cert-authority *.test {ca}\n"
    return [
        row("@revoked, known besides", known=A + "@revoked * {ed}\n"),
        row("@revoked only", known="@revoked alpha.test {ed}\n"),
        row("@revoked, unknown ones accepted",
            known="@revoked alpha.test {ed}\n", accept_new=True),
        row("@revoked of another key", known=A + "@revoked * {old}\n"),
        row("@revoked of another host",
            known=A + "@revoked beta.test {ed}\n"),
        row("@revoked, hashed", known="@revoked alpha.test {ed}\n",
            hashed=True),
        row("@revoked in the system's file", known=A,
            system="@revoked * {ed}\n"),
        row("RevokedHostKeys with the key", known=A, revoked="{ed}\n",
            config="RevokedHostKeys {revoked}\n"),
        row("RevokedHostKeys with another key", known=A, revoked="{old}\n",
            config="RevokedHostKeys {revoked}\n"),
        row("RevokedHostKeys that is missing", known=A,
            config="RevokedHostKeys {revoked}\n"),
        row("an authority signed the host's key", "cert.test", ca),
        row("of another authority", "cert.test",
            "@cert-authority *.test {ca2}\n"),
        row("an authority of other hosts", "cert.test",
            "@cert-authority *.else {ca}\n"),
        row("an authority, another name in the certificate", "cert.test",
            "@cert-authority web {ca}\n", config="HostKeyAlias web\n"),
        row("an authority, but the host has no certificate", known=ca),
        row("an authority, the plain key besides", known=ca + A),
        row("of another authority, the plain key besides", "cert.test",
            "@cert-authority *.test {ca2}\ncert.test {ed3}\n"),
        row("the authority is revoked", "cert.test",
            ca + "@revoked * {ca}\n"),
        row("the authority is revoked, the plain key known", "cert.test",
            "cert.test {ed3}\n@revoked * {ca}\n"),
        row("a certificate, the plain key known", "cert.test",
            "cert.test {ed3}\n"),
        row("an authority's line is no key of the host's",
            known="@cert-authority alpha.test {ed}\n"),
        row("two marks", known="@revoked @cert-authority alpha.test {ed}\n" +
            A),
        row("a certificate, the other key known", "mixed.test",
            "mixed.test {ec}\n"),
        row("a certificate of the key", "mixed.test", "mixed.test {ed3}\n"),
        row("a certificate of the other key", "mixed2.test",
            "mixed2.test {ed3}\n"),
    ]


def checks():
    """How the configuration wants the key to be checked."""
    def row(about, config="", **options):
        return Row("checks", about, config=config, **options)
    return [
        row("StrictHostKeyChecking yes", "StrictHostKeyChecking yes\n"),
        row("StrictHostKeyChecking accept-new",
            "StrictHostKeyChecking accept-new\n"),
        row("StrictHostKeyChecking accept-new, changed",
            "StrictHostKeyChecking accept-new\n", known=WRONG),
        row("StrictHostKeyChecking no, unknown",
            "StrictHostKeyChecking no\n"),
        row("StrictHostKeyChecking no, changed",
            "StrictHostKeyChecking no\n", known=WRONG),
        row("HostKeyAlias", "HostKeyAlias web\n", known="web {ed}\n"),
        row("HostKeyAlias, the name is on file", "HostKeyAlias web\n",
            known=A),
        row("HostKeyAlias in capitals", "HostKeyAlias WEB\n",
            known="web {ed}\n"),
        row("HostName", "HostName {ip:alpha}\n", known="{ip:alpha} {ed}\n",
            host="somewhere"),
        row("CheckHostIP, unknown address", "CheckHostIP yes\n", known=A),
        row("CheckHostIP, another key for the address", "CheckHostIP yes\n",
            known=A + "{ip:alpha} {old}\n"),
        row("CheckHostIP, the same key for the address", "CheckHostIP yes\n",
            known="alpha.test,{ip:alpha} {ed}\n"),
        row("VerifyHostKeyDNS", "VerifyHostKeyDNS yes\n", known=A),
        row("KnownHostsCommand has the key",
            "KnownHostsCommand /bin/echo alpha.test {ed}\n"),
        row("KnownHostsCommand has another key",
            "KnownHostsCommand /bin/echo alpha.test {old}\n"),
        row("KnownHostsCommand fails", "KnownHostsCommand /bin/false\n",
            known=A),
        row("KnownHostsCommand besides the file",
            "KnownHostsCommand /bin/echo @revoked * {ed}\n", known=A),
        row("UserKnownHostsFile none, on file", "UserKnownHostsFile none\n",
            known=A),
        row("UserKnownHostsFile none, in the system's",
            "UserKnownHostsFile none\n", system=A),
        row("UserKnownHostsFile none, unknown ones accepted",
            "UserKnownHostsFile none\n", accept_new=True),
        row("UserKnownHostsFile /dev/null", "UserKnownHostsFile /dev/null\n",
            accept_new=True),
        row("UserKnownHostsFile with a blank in its name",
            'UserKnownHostsFile "{dir}/my hosts"\n', known=A),
        row("a file of 5 MiB", known="# x\n" * 1310720 + A),
        row("a file of 5 MiB that revokes",
            known=A + "# x\n" * 1310720 + "@revoked * {ed}\n"),
        row("two files, the key in the second",
            "UserKnownHostsFile {dir}/none {known}\n", known=A),
        row("GlobalKnownHostsFile none", "GlobalKnownHostsFile none\n",
            system=A),
        row("one file for this login", known=A, own_known=True),
        row("one file for this login, the key in the system's", system=A,
            own_known=True),
        row("NoHostAuthenticationForLocalhost",
            "NoHostAuthenticationForLocalhost yes\n", known=WRONG),
        row("RequiredRSASize above the host's key",
            "RequiredRSASize 4096\n", host="prime.test",
            known="prime.test {rsa}\n"),
    ]


def questions():
    """An unknown key, and what a person answers."""
    def row(about, *args, **options):
        return Row("questions", about, *args, **options)
    return [
        row("yes", answers=YES),
        row("no", answers=("no",)),
        row("the fingerprint", answers=("{print:ed}",)),
        row("another fingerprint, then no", answers=("{print:old}", "no")),
        row("nonsense, then yes", answers=("maybe", "YES")),
        row("blanks around", answers=("  yes  ",)),
        row("an empty answer", answers=("",)),
        row("nobody answers"),
        row("without input", no_input=True, answers=YES),
        row("BatchMode", config="BatchMode yes\n", answers=YES),
        row("unknown ones accepted", accept_new=True),
        row("yes on another port", port="2222", answers=YES),
        row("HashKnownHosts", config="HashKnownHosts yes\n", answers=YES),
        row("HashKnownHosts on another port", port="2222", accept_new=True,
            config="HashKnownHosts yes\n"),
        row("HostKeyAlias", config="HostKeyAlias web\n", answers=YES),
        row("UserKnownHostsFile none", config="UserKnownHostsFile none\n",
            answers=YES),
        row("a password, after the key", "word.test", user="ferry",
            answers=("yes", PASSWORD), base=NO_KEY),
        row("slow answers", "word.test", user="ferry", base=NO_KEY,
            answers=("slowly yes", "slowly " + PASSWORD)),
        row("a password, the key refused", "word.test", user="ferry",
            answers=("no", PASSWORD), base=NO_KEY),
        row("a password for a known host", "word.test",
            known="word.test {ed}\n", user="ferry", answers=(PASSWORD,)),
        row("a wrong password first", "word.test", user="ferry",
            known="word.test {ed}\n", answers=("x", PASSWORD)),
        row("wrong passwords only", "word.test", user="ferry",
            known="word.test {ed}\n", answers=("x", "y", "z", PASSWORD)),
        row("NumberOfPasswordPrompts 1", "word.test", user="ferry",
            known="word.test {ed}\n", answers=("x", PASSWORD),
            config="NumberOfPasswordPrompts 1\n"),
        row("a password that must not be asked for", "word.test",
            user="ferry", known="word.test {ed}\n", no_input=True,
            answers=(PASSWORD,)),
        row("the key's passphrase", known=A, answers=(PASSWORD,),
            base=BASE.replace("{key:user}", "{key:secret}")),
        row("PasswordAuthentication no", "word.test", user="ferry",
            known="word.test {ed}\n", answers=(PASSWORD,),
            config="PasswordAuthentication no\n"),
        row("PreferredAuthentications without password", "word.test",
            user="ferry", known="word.test {ed}\n", answers=(PASSWORD,),
            config="PreferredAuthentications publickey\n"),
    ]


def keys():
    """Which keys are offered."""
    def row(about, config="", **options):
        return Row("keys", about, known=A, config=config, **options)
    none = NO_KEY.replace("Host *\n",
                          "Host *\nIdentityFile {key:stranger}\n")
    return [
        row("PubkeyAuthentication no", "PubkeyAuthentication no\n"),
        row("PreferredAuthentications password",
            "PreferredAuthentications password\n"),
        row("PreferredAuthentications with publickey",
            "PreferredAuthentications password,publickey\n"),
        row("a key that the host does not take", base=none),
        row("the agent's key", base=none, agent=True),
        row("IdentitiesOnly, the agent's key is not named",
            "IdentitiesOnly yes\n", base=none, agent=True),
        row("IdentitiesOnly, the agent's key is named",
            "IdentitiesOnly yes\nIdentityFile {key:agent_only}\n", base=none,
            agent=True),
        row("IdentityAgent none", "IdentityAgent none\n", base=none,
            agent=True),
        row("IdentityAgent with a path", "IdentityAgent {agent}\n",
            base=none),
        row("IdentityFile none", "IdentityFile none\n", base=NO_KEY),
        row("-i in place of the usual names",
            identity="{key:stranger}", base=NO_KEY),
        row("-i besides those of the configuration",
            identity="{key:stranger}"),
        row("PubkeyAcceptedAlgorithms without ed25519",
            "PubkeyAcceptedAlgorithms -ssh-ed25519*\n"),
        row("CertificateFile that is missing",
            "CertificateFile {dir}/none-cert.pub\n"),
    ]


def algorithms():
    def row(about, host, config="", **options):
        return Row("algorithms", about, host, config=config,
                   known="*.test {ed}\n*.test {rsa}\n", **options)
    return [
        row("the host has GCM only", "gcm.test"),
        row("key exchange by SHA-1 only", "old-kex.test"),
        row("RSA by SHA-1 only", "old-key.test"),
        row("CBC only", "old-cipher.test"),
        row("a MAC by MD5 only", "old-mac.test",
            "Ciphers aes128-ctr\n"),
        row("a MAC by SHA-1 only", "sha1-mac.test"),
        row("Ciphers without CTR", "alpha.test",
            "Ciphers aes128-gcm@openssh.com\n"),
        row("Ciphers that the host has not", "gcm.test",
            "Ciphers aes128-ctr\n"),
        row("MACs that the host has not", "sha1-mac.test",
            "MACs hmac-sha2-256\n"),
        row("KexAlgorithms that the host has not", "old-kex.test",
            "KexAlgorithms curve25519-sha256\n"),
        row("Ciphers with one of ours", "alpha.test",
            "Ciphers aes192-ctr\n"),
        row("RekeyLimit", "alpha.test", "RekeyLimit 1M\n"),
    ]


def ways():
    """How the host is reached."""
    def row(about, config, **options):
        options.setdefault("known", A)
        return Row("ways", about, config=config, **options)
    jump = "Host alpha.test\nProxyJump jump.test\nHost *\n"
    own = "Host jump.test\nUserKnownHostsFile {jump}\nHost *\n"
    return [
        row("BindAddress", "BindAddress {ip:beta}\n"),
        row("BindAddress that is not here", "BindAddress 10.99.0.1\n"),
        row("BindInterface that is not here", "BindInterface none0\n"),
        row("AddressFamily inet", "AddressFamily inet\n"),
        row("AddressFamily inet6", "AddressFamily inet6\n"),
        row("ProxyCommand", "ProxyCommand {key:pipe} %h %p\n"),
        row("a jump host, both on file", jump,
            known=A + "jump.test {ed4}\n"),
        row("a jump host that is unknown", jump),
        row("a jump host with a file of its own", own + jump,
            jump="jump.test {ed4}\n"),
        row("a jump host with a file of its own, the key in the other",
            own + jump, known=A + "jump.test {ed4}\n", jump=""),
        row("a jump host that has changed", own + jump,
            jump="jump.test {old}\n"),
        row("the destination's key in the jump host's file", own + jump,
            known="", jump="jump.test {ed4}\nalpha.test {ed}\n"),
        row("a jump host, one file for this login", own + jump,
            jump="jump.test {ed4}\n", own_known=True),
        row("a jump host, its key in the file for this login", own + jump,
            known=A + "jump.test {ed4}\n", jump="", own_known=True),
        row("a jump host, unknown ones accepted", own + jump, known="",
            jump="jump.test {ed4}\n", accept_new=True),
        row("a jump host that is unknown, unknown ones accepted", own + jump,
            jump="", accept_new=True),
        row("a jump host, yes to both", own + jump, known="", jump="",
            answers=("yes", "yes")),
        row("a jump host, no to the second", own + jump, known="", jump="",
            answers=("yes", "no")),
        row("a jump host that is unknown, without input", own + jump,
            jump="", no_input=True, answers=YES, want="unknown"),
        row("CheckHostIP by a jump host", own + jump + "CheckHostIP yes\n",
            jump="jump.test {ed4}\n"),
    ]


def children():
    """What a configuration must not do to a child ssh(1) of ours."""
    def row(about, config, **options):
        return Row("children", about, known=A, config=config, **options)
    return [
        row("ForkAfterAuthentication", "ForkAfterAuthentication yes\n",
            want="in"),
        row("StdinNull", "StdinNull yes\n"),
        row("SessionType none", "SessionType none\n", want="in"),
        row("SessionType subsystem", "SessionType subsystem\n", want="in"),
        row("Tunnel", "Tunnel yes\n", want="in"),
        row("RemoteCommand", "RemoteCommand /bin/false\n", want="in"),
        row("RequestTTY", "RequestTTY force\n"),
        row("LocalCommand", "PermitLocalCommand yes\nLocalCommand touch "
            "{dir}/touched\n"),
        row("LocalForward of a port that is taken",
            "LocalForward 10.77.0.1:22 localhost:1\n"
            "ExitOnForwardFailure yes\n", want="in"),
        row("ControlMaster", "ControlMaster auto\nControlPath {dir}/c\n"
            "ControlPersist yes\n"),
        row("LogLevel quiet", "LogLevel QUIET\n"),
        row("EscapeChar none", "EscapeChar none\n"),
        row("IgnoreUnknown of the user's",
            "IgnoreUnknown Strange\nStrange yes\n"),
        row("SetEnv", "SetEnv X=y\n"),
    ]


ROWS = (names() + ports() + types() + marks() + checks() + questions() +
        keys() + algorithms() + ways() + children())
