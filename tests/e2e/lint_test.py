#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The linters of tools/dev find what they are there for."""
import fnmatch
import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import harness

DEV = os.path.join(harness.ROOT, "tools/dev")

# To its end, which is that of its line or a line that begins with it.
FUNCTION = re.compile(r"^(\w+)\(\) (?:[{(] [^\n]*|[{(]\n.*?^[})][^\n]*)$",
                      re.MULTILINE | re.DOTALL)

TABLE = """\
transport/base
qmp			transport/base/err.h
engine/argv		+qmp
engine/policy		transport/base
engine/policy		-time.h -sys/
engine/run		+engine/argv
"""


def tree_files(*patterns):
    return subprocess.run(
        [os.path.join(DEV, "tree_files.sh"), *patterns], text=True,
        stdout=subprocess.PIPE, timeout=60, check=True,
        cwd=harness.ROOT).stdout.splitlines()


class TreeCase(unittest.TestCase):
    """A linter on a small tree."""
    LINTER: list[str]

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.tree = scratch.name

    def put(self, path, text):
        path = os.path.join(self.tree, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)

    def lint(self):
        return subprocess.run(
            [os.path.join(DEV, self.LINTER[0]), *self.LINTER[1:], self.tree],
            text=True, capture_output=True, timeout=60)

    def assert_passes(self):
        done = self.lint()
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def assert_fails(self, *words):
        done = self.lint()
        self.assertEqual(done.returncode, 1, done)
        for word in words:
            self.assertIn(word, done.stderr)


class LayersCase(TreeCase):
    """layers.sh, with a table of its own."""
    LINTER = ["layers.sh"]

    def setUp(self):
        super().setUp()
        self.put("tools/dev/layers.txt", TABLE)

    def test_what_the_table_allows_passes(self):
        self.put("engine/argv/argv.h", '#include "engine/argv/item.h"\n')
        self.put("engine/argv/item.h", '#include "qmp/json.h"\n'
                 '#include "transport/base/err.h"\n#include <time.h>\n')
        self.put("engine/run/run.c", '#include "engine/argv/argv.h"\n'
                 '#include "qmp/json.h"\n#include "transport/base/err.h"\n')
        self.assert_passes()

    def test_a_folder_below_must_not_include_one_above(self):
        self.put("engine/argv/argv.h", '#include "engine/run/run.h"\n')
        self.assert_fails("engine/argv/argv.h:1: engine/argv must not include "
                          "engine/run/run.h")

    def test_one_header_does_not_open_its_folder(self):
        self.put("qmp/qmp.c", '#include "transport/base/task.h"\n')
        self.assert_fails("qmp/qmp.c:1: qmp must not include "
                          "transport/base/task.h")

    def test_a_plain_name_does_not_pass_on_what_it_includes(self):
        self.put("tools/dev/layers.txt", TABLE.replace("+engine", "engine"))
        self.put("engine/run/run.c", '#include "qmp/json.h"\n')
        self.assert_fails("engine/run must not include qmp/json.h")

    def test_a_denied_system_header_is_found(self):
        self.put("engine/policy/policy.c", "#include <time.h>\n")
        self.put("engine/policy/curve.c", "#include <math.h>\n"
                 "#include <sys/time.h>\n")
        self.assert_fails("engine/policy must not include <time.h>",
                          "engine/policy/curve.c:2: ")

    def test_a_folder_without_a_row_is_found(self):
        self.put("engine/storage/mirror.c", "\n")
        self.assert_fails("engine/storage/mirror.c: its folder has no row")

    def test_a_row_cannot_name_a_folder_below_it(self):
        self.put("tools/dev/layers.txt", "qmp\ttransport/base\n" + TABLE)
        self.assert_fails("qmp names transport/base, which has no row above")

    def test_a_basename_that_occurs_twice_is_found(self):
        self.put("qmp/check.h", "\n")
        self.put("engine/run/check.h", "\n")
        self.assert_fails("basenames that occur twice: check.h")


class SymbolsCase(TreeCase):
    """symbols.sh, with objects made for it."""
    LINTER = ["symbols.sh", "build"]

    def setUp(self):
        super().setUp()
        self.put("tools/dev/symbols.txt", "qmp/odd.c\tx\tshort\n")
        self.put("qmp/qmp.h", "struct qmp;\n")
        self.put("qmp/clock.h", "struct mono {\n\tint ns;\n};\n")

    def build(self, path, text):
        self.put(path, text)
        out = os.path.join(self.tree, "build/obj", path[:-2] + ".o")
        os.makedirs(os.path.dirname(out), exist_ok=True)
        subprocess.run(["cc", "-c", "-o", out, os.path.join(self.tree, path)],
                       check=True, timeout=60)

    def test_the_name_of_the_file_or_of_its_head_passes(self):
        self.build("qmp/qmp_call.c", "int qmp_call, qmp_call_fd, qmp_stop;\n"
                   "static int other;\nint *qmp_other(void);\n"
                   "int *qmp_other(void) { return &other; }\n")
        self.assert_passes()

    def test_the_name_of_a_type_in_its_header_passes(self):
        self.build("qmp/clock.c", "int mono_now, clock;\n")
        self.assert_passes()

    def test_what_the_list_admits_passes_in_that_file_only(self):
        self.build("qmp/odd.c", "int xmalloc;\n")
        self.assert_passes()
        self.build("qmp/even.c", "int xfree;\n")
        self.assert_fails("qmp/even.c: xfree is not named after its file")

    def test_the_name_of_another_file_is_found(self):
        self.build("qmp/frame.c", "int frames, mono_end, frame_next;\n")
        self.assert_fails("qmp/frame.c: frames is not",
                          "qmp/frame.c: mono_end is not")


class ShellCase(unittest.TestCase):
    def test_shellcheck_is_given_every_shell_script(self):
        given = subprocess.run(
            ["make", "-n", "shell"], text=True, capture_output=True,
            timeout=60, check=True, cwd=harness.ROOT).stdout.split()
        tree = tree_files()
        scripts = [f for f in tree if f.endswith(".sh") or re.match(
            rb"#!.*\b(ba|da)?sh\n",
            harness.read(os.path.join(harness.ROOT, f)))]
        self.assertIn("tools/dev/fresh", scripts)
        self.assertEqual([f for f in scripts if f not in given], [])

    def test_functions_of_two_scripts_differ_in_name_or_in_nothing(self):
        """A host gets several as one, in which the last one counts."""
        bodies = {}
        for name in tree_files("engine/*.sh", "transport/*.sh"):
            text = harness.read(os.path.join(harness.ROOT, name)).decode()
            for match in FUNCTION.finditer(text):
                bodies.setdefault(match[1], {}).setdefault(match[0], name)
        self.assertIn("ticks_of", bodies)
        self.assertEqual({name: sorted(found.values())
                          for name, found in bodies.items()
                          if len(set(found.values())) > 1}, {})


class SurroundingsCase(unittest.TestCase):
    """Where the linters are run does not change what they look at."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.top = scratch.name
        self.tree = os.path.join(self.top, "tree")
        for name in ("tools/dev", "tests/mutants"):
            shutil.copytree(os.path.join(harness.ROOT, name),
                            os.path.join(self.tree, name))
        self.put("tree/Makefile", "# SPDX-License-Identifier: MIT\n")
        self.put("tree/qmp/some.c", "/* SPDX-License-Identifier: MIT */\n")
        self.put("tree/tools/dev/layers.txt", "qmp\n")
        subprocess.run(["git", "init", "--quiet", self.tree], check=True,
                       timeout=60, env=self.no_git())

    def put(self, path, text):
        path = os.path.join(self.top, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)

    @staticmethod
    def no_git():
        return {name: value for name, value in os.environ.items()
                if not name.startswith("GIT_")}

    def run_in_tree(self, *argv, **more):
        return subprocess.run(argv, cwd=self.tree, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              env={**self.no_git(), **more})

    def assert_find_a_basename_twice(self, **more):
        self.put("tree/qmp/twice/some.c", "\n")
        done = self.run_in_tree("tools/dev/layers.sh", **more)
        self.assertIn("basenames that occur twice: some.c", done.stderr)
        done = self.run_in_tree("tools/dev/words.sh", **more)
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (1, "", "qmp/twice/some.c: no SPDX line\n"))

    def test_the_variables_of_a_hook_name_no_other_tree(self):
        other = os.path.join(self.top, "other")
        subprocess.run(["git", "init", "--quiet", other], check=True,
                       timeout=60, env=self.no_git())
        self.put("other/.git/info/exclude", "*\n")
        self.assert_find_a_basename_twice(
            GIT_DIR=os.path.join(other, ".git"),
            GIT_INDEX_FILE=os.path.join(other, ".git/index"))

    def test_cdpath_leads_to_no_other_tree(self):
        shutil.copytree(self.tree, os.path.join(self.top, "decoy"))
        self.assert_find_a_basename_twice(
            CDPATH=os.path.join(self.top, "decoy"))

    def test_every_script_that_goes_to_a_relative_name_unsets_cdpath(self):
        scripts = [f for f in tree_files(".ci", "tools", "tests")
                   if re.match(rb"#!.*\b(ba|da)?sh\n", harness.read(
                       os.path.join(harness.ROOT, f)))]
        going = []
        for name in scripts:
            with open(os.path.join(harness.ROOT, name)) as f:
                text = f.read()
            cd = re.search(r"(?m)^[^#\n]*\bcd (?![/~])", text)
            if cd:
                going.append(name)
                self.assertIn("\nunset CDPATH\n", text[:cd.start()], name)
        self.assertIn("tools/dev/fresh", going)

    @unittest.skipUnless(harness.IS_ROOT, "root is needed to give it away")
    def test_a_checkout_of_another_user_is_refused_in_one_line(self):
        for path in (self.tree, os.path.join(self.tree, ".git")):
            os.chown(path, 65534, 65534)
        for argv in (["words.sh"], ["words.sh", "--count"], ["layers.sh"],
                     ["symbols.sh", "build"], ["../../tests/mutants/mutants.py",
                                               "--list"]):
            master, terminal = os.openpty()     # nobody types anything
            with open(terminal) as stdin, open(master):
                done = subprocess.run(
                    [os.path.join(self.tree, "tools/dev", argv[0]), *argv[1:]],
                    stdin=stdin, text=True, capture_output=True, timeout=60,
                    env={**self.no_git(), "HOME": self.top})
            self.assertEqual((done.returncode, done.stdout), (1, ""), argv)
            self.assertRegex(
                done.stderr, r"\A.*dubious ownership.*: be its owner, or: "
                f"git config --global --add safe.directory '{self.tree}'\n"
                r"\Z", argv)


class ReadmeCase(unittest.TestCase):
    def test_the_readme_of_a_folder_names_all_its_files(self):
        for top in ("qmp", "tools/cli", "transport", "transport/endpoint",
                    *glob.glob("engine/*/", root_dir=harness.ROOT)):
            folder = os.path.join(harness.ROOT, top)
            with open(os.path.join(folder, "README.md")) as f:
                named = re.findall(r"`([^`\s]+)`", f.read())
            files = {name.split(".")[0] for name in os.listdir(folder)
                     if name.endswith((".c", ".h"))}
            self.assertEqual(
                [f for f in sorted(files)
                 if not any(fnmatch.fnmatchcase(f, re.sub(r"\.\w+$", "", n))
                            for n in named)], [], top)

    def test_the_readme_of_a_folder_is_under_thirty_lines(self):
        names = tree_files("*/README.md")
        self.assertIn("tests/e2e/README.md", names)
        for name in names:
            with open(os.path.join(harness.ROOT, name)) as f:
                self.assertLess(len(f.readlines()), 30, name)


class WordsCase(unittest.TestCase):
    """words.sh on one file."""

    def lint(self, text, name="some.c"):
        with tempfile.TemporaryDirectory() as scratch:
            path = os.path.join(scratch, name)
            with open(path, "w") as file:
                file.write(text)
            return subprocess.run([os.path.join(DEV, "words.sh"), path],
                                  text=True, capture_output=True, timeout=60)

    def assert_found(self, text, name="some.c"):
        done = self.lint(text, name)
        self.assertEqual(done.returncode, 1, text)
        self.assertIn(f"{name}:1: ", done.stdout)

    def assert_fine(self, text, name="some.c"):
        done = self.lint(text, name)
        self.assertEqual((done.returncode, done.stdout), (0, ""), text)

    def test_a_word_in_a_comment_is_found(self):
        self.assert_found("/* The QEMU over there. */\n")
        self.assert_found("# The limit was told to QEMU.\n", "some.py")

    def test_a_word_in_a_name_is_found(self):
        self.assert_found("static void run_tell(struct run *r);\n")

    def test_a_word_within_another_is_not(self):
        self.assert_fine("int teller; /* standard, intelligible */\n")

    def test_words_parted_by_the_end_of_a_line_are_found(self):
        done = self.lint("/*\n * What is left over\n * there.\n */\n")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, f"{done.args[1]}:3:  * there.\n")
        self.assert_fine("/* what is left over */\n/* is there */\n")

    def test_a_word_of_state_is_found(self):
        self.assert_found("/* The guest stood still. */\n")
        self.assert_found("The guest is standing still.\n", "README.md")
        self.assert_fine("/* as understood */\n")

    def test_messages_are_not_looked_at(self):
        self.assert_fine('ui_note(&ui, "left over there: \\"%s\\"", s);\n')

    def test_the_words_are_counted(self):
        done = subprocess.run([os.path.join(DEV, "words.sh"), "--count"],
                              text=True, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^\d+\tover there$")


if __name__ == "__main__":
    unittest.main()
