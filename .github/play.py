"""Plays the workflows' jobs on this machine: reads the workflow files, and runs
every step with the matrix's values in a clone of the last commit.

    python3 .github/play.py                      lists the jobs and their rows
    python3 .github/play.py test.yml test        plays the rows of a job
    python3 .github/play.py test.yml test --row 0
    python3 .github/play.py build.yml --dry-run  says what would run
    python3 .github/play.py build.yml --artifacts made
                                                 keeps what jobs upload, for `release.yml` to download

What needs another system or GitHub itself is not played, and said at the end.
Secrets are taken from the environment. Needs PyYAML (Debian: apt-get install python3-yaml)."""

import argparse
import itertools
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORKFLOWS = ROOT / ".github" / "workflows"
# The runners that this machine can stand for.
HERE = {("Linux", "x86_64"): "ubuntu-24.04", ("Linux", "aarch64"): "ubuntu-24.04-arm", ("Darwin", "arm64"): "macos-15"}


class NotPlayed(Exception):
    pass


def load(name):
    return yaml.load((WORKFLOWS / name).read_text(), Loader=yaml.BaseLoader)


def rows(job):
    """The rows of a job's matrix: a dictionary each."""
    matrix = dict(job.get("strategy", {}).get("matrix", {}))
    included = matrix.pop("include", [])
    names = list(matrix)
    crossed = [dict(zip(names, values)) for values in itertools.product(*matrix.values())] if names else []
    return crossed + included or [{}]


class Contexts:
    """The values of `${{ … }}`: names with dots, texts, `==`, `!=`, `&&`, `||`, `contains`."""

    def __init__(self, values):
        self.values = values

    def look_up(self, name):
        value = self.values
        for part in name.split("."):
            value = value.get(part, "") if hasattr(value, "get") else ""
        return value

    def evaluate(self, text):
        python = re.sub(r"'(?:[^']|'')*'|[A-Za-z_][\w.-]*", self.token, text.strip())
        python = python.replace("&&", " and ").replace("||", " or ")
        return eval(python, {"__builtins__": {}}, {"contains": lambda a, b: b in a, "failure": lambda: False, "look_up": self.look_up})

    @staticmethod
    def token(match):
        word = match.group()
        if word.startswith("'"):
            return repr(word[1:-1].replace("''", "'"))
        return word if word in ("contains", "failure") else f"look_up({word!r})"

    def fill(self, text):
        return re.sub(r"\$\{\{(.*?)\}\}", lambda match: str(self.evaluate(match.group(1))), str(text))


class Play:
    """One row of one job."""

    def __init__(self, row, folder, artifacts, dry):
        self.folder, self.artifacts, self.dry = folder, artifacts, dry
        # One for all, so that a row compiles only what the one before did not.
        self.clone = ROOT / "target" / "play"
        self.outputs = {}
        tag = "v" + re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M).group(1)
        self.environment = {"CI": "true", "GITHUB_REF_NAME": tag}
        self.path = []
        self.contexts = Contexts({"matrix": row, "steps": self.outputs, "secrets": os.environ, "github": {"event_name": "schedule", "ref_name": tag}})

    def steps(self, workflow, job):
        for given in (workflow.get("env", {}), job.get("env", {})):
            self.set(given)
        for step in job["steps"]:
            label = step.get("name") or step.get("uses") or " ".join(step["run"].split())
            condition = step.get("if")
            if condition and not self.contexts.evaluate(condition):
                continue
            print(f"    {label[:100]}", flush=True)
            if "uses" in step:
                self.use(step["uses"].split("@")[0], step.get("with", {}))
            else:
                self.run(step)

    def set(self, values):
        self.environment.update({name: self.contexts.fill(value) for name, value in values.items()})

    def use(self, action, given):
        given = {name: self.contexts.fill(value) for name, value in given.items()}
        if action == "actions/checkout":
            if not self.dry:
                self.check_out()
        elif action in ("hashicorp/setup-terraform", "opentofu/setup-opentofu"):
            self.set_up(action, given)
        elif action == "actions/upload-artifact":
            if not self.dry:
                source = self.clone / given["path"].removesuffix("/*")
                shutil.copytree(source, self.artifacts / given["name"], dirs_exist_ok=True)
        elif action == "actions/download-artifact":
            self.download(given)
        else:
            raise NotPlayed(f"{action} is GitHub's own")

    def check_out(self):
        if not self.clone.exists():
            subprocess.run(["git", "clone", "--quiet", ROOT, self.clone], check=True)
        for command in (["fetch", "--quiet", "origin", "HEAD"], ["reset", "--quiet", "--hard", "FETCH_HEAD"], ["clean", "--quiet", "-fd"]):
            subprocess.run(["git", *command], cwd=self.clone, check=True)

    def set_up(self, action, given):
        program = "terraform" if "terraform" in action else "opentofu"
        wanted = given[f"{'terraform' if program == 'terraform' else 'tofu'}_version"]
        version = self.fetched(program, wanted)
        if self.dry:
            return
        command = ["sh", "tools/cli.sh", program, version]
        found = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=False)
        if found.returncode:
            raise NotPlayed(f"{program} {wanted} cannot be had here")
        self.path.append(str(pathlib.Path(found.stdout.strip()).parent))

    @staticmethod
    def fetched(program, wanted):
        """The version of tools/clis that stands for `1.15.x`."""
        minor = wanted.removesuffix("x")
        for line in (ROOT / "tools" / "clis").read_text().splitlines():
            if line.startswith(program) and (wanted == "latest" or line.split()[1].startswith(minor)):
                return line.split()[1]
        raise NotPlayed(f"tools/clis has no {program} {wanted}")

    def download(self, given):
        if self.dry:
            return
        target = self.clone / given["path"]
        one_folder = "name" in given or given.get("merge-multiple")
        if "name" in given:
            found = [self.artifacts / given["name"]]
        else:
            found = list(self.artifacts.glob(given["pattern"]))
        if not found:
            raise NotPlayed(f"no artifact {given['pattern']} was made here")
        for artifact in found:
            if not artifact.is_dir():
                raise NotPlayed(f"the artifact {artifact.name} was not made here")
            shutil.copytree(artifact, target if one_folder else target / artifact.name, dirs_exist_ok=True)

    def run(self, step):
        script = self.contexts.fill(step["run"]).replace("sudo ", "")
        if self.dry:
            return
        output, variables = self.folder / "output", self.folder / "variables"
        for file in (output, variables):
            file.write_text("")
        own = {name: self.contexts.fill(value) for name, value in step.get("env", {}).items()}
        environment = {**os.environ, **self.environment, **own, "GITHUB_OUTPUT": str(output), "GITHUB_ENV": str(variables)}
        environment["PATH"] = os.pathsep.join([*self.path, environment["PATH"]])
        done = subprocess.run(["bash", "-eo", "pipefail", "-c", script], cwd=self.clone, env=environment, check=False)
        if done.returncode:
            raise SystemExit(f"RED: exit code {done.returncode}")
        self.environment.update(pairs(variables))
        if "id" in step:
            self.outputs[step["id"]] = {"outputs": pairs(output)}


def pairs(file):
    return dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)


def play(name, wanted, row, dry, artifacts):
    workflow = load(name)
    results = []
    for job_name, job in workflow["jobs"].items():
        if wanted and job_name != wanted:
            continue
        if "uses" in job:
            print(f"{name} {job_name}: {job['uses']}, played by its own name")
            continue
        for number, values in enumerate(rows(job)):
            if row is not None and number != row:
                continue
            title = f"{name} {job_name} {' '.join(values.values())}".strip()
            print(title, flush=True)
            results.append((title, one(workflow, job, values, artifacts, dry)))
    return results


def one(workflow, job, values, artifacts, dry):
    with tempfile.TemporaryDirectory() as folder:
        playing = Play(values, pathlib.Path(folder), artifacts, dry)
        runner = playing.contexts.fill(job["runs-on"])
        try:
            if HERE.get((platform.system(), platform.machine())) != runner:
                raise NotPlayed(f"needs {runner}")
            playing.steps(workflow, job)
        except NotPlayed as reason:
            return f"not played to its end: {reason}"
        except SystemExit as red:
            return str(red)
    return "not run" if dry else "green"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workflow", nargs="?")
    parser.add_argument("job", nargs="?")
    parser.add_argument("--row", type=int)
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--artifacts", type=pathlib.Path)
    arguments = parser.parse_args()
    if not arguments.workflow:
        for file in sorted(WORKFLOWS.glob("*.yml")):
            for name, job in load(file.name)["jobs"].items():
                for number, values in enumerate(rows(job)):
                    print(file.name, name, number, *values.values())
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        artifacts = arguments.artifacts or pathlib.Path(scratch)
        results = play(arguments.workflow, arguments.job, arguments.row, arguments.dry_run, artifacts)
    print()
    for title, result in results:
        print(f"{title}: {result}")
    return int(any(result.startswith("RED") for _, result in results))


if __name__ == "__main__":
    sys.exit(main())
