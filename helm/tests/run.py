"""Runs the chart's tests: run.py CHART WORK_DIR HELM… (kubernetes-validate is looked for beside this interpreter)."""

import copy
import os
import pathlib
import re
import subprocess
import sys
import tomllib

import yaml

import rendered

HERE = pathlib.Path(__file__).parent
KUBERNETES = ("1.30", "1.37")
# Custom resources: kubernetes-validate has no schema for them, the assertions of rendered.py look at them.
CUSTOM = {"ScaledObject", "TriggerAuthentication", "ServiceMonitor"}

counts = {"passed": 0, "failed": 0}


def check(claim, problems):
    problems = list(problems)
    counts["failed" if problems else "passed"] += 1
    if problems:
        print(f"FAIL {claim}")
        for problem in problems:
            print("     " + str(problem).replace("\n", "\n     "))


def main():
    chart, work = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    helms = sys.argv[3:]
    for home in ("CACHE", "CONFIG", "DATA"):
        os.environ[f"HELM_{home}_HOME"] = str(work / "helm-home" / home.lower())
    values = yaml.safe_load((chart / "values.yaml").read_text())
    files = sorted((chart / "ci").glob("*-values.yaml"))
    check("there are value files in ci/", [] if files else ["none"])
    renderings = {}
    for helm in helms:
        version = run(helm, "version", "--short").stdout.strip()
        print(f"helm {version}: {len(files)} value files")
        for file in files:
            renderings.setdefault(file, []).append(render(helm, version, chart, file))
        sentences(helm, version, chart, work)
    config_keys = known_config(chart.parent.parent)
    for file, outputs in renderings.items():
        documents = [[doc for doc in yaml.safe_load_all(output) if doc] for output in outputs]
        check(f"{file.name}: each helm renders the same", [
            "they differ" for other in documents[1:] if by_name(other) != by_name(documents[0])])
        if documents[0]:
            validate(file, documents[0], work)
            full = overlay(values, yaml.safe_load(file.read_text()))
            for claim, problems in rendered.claims(documents[0], full, config_keys):
                check(f"{file.name}: {claim}", problems)
    branches(renderings)
    readme(chart, values)
    print(f"{counts['passed']} passed, {counts['failed']} failed")
    sys.exit(1 if counts["failed"] else 0)


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def overlay(values, file):
    """As Helm lays one values file over another: null takes a key out."""
    result = copy.deepcopy(values)
    for key, value in (file or {}).items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = overlay(result[key], value)
        else:
            result[key] = value
    return result


def render(helm, version, chart, file):
    lint = run(helm, "lint", "--strict", str(chart), "-f", str(file))
    check(f"{file.name}: helm {version} lint --strict", [lint.stdout + lint.stderr] if lint.returncode else [])
    made = run(helm, "template", "rel", str(chart), "-f", str(file), "--namespace", "leads")
    check(f"{file.name}: helm {version} template", [made.stderr] if made.returncode else [])
    return made.stdout if made.returncode == 0 else ""


def by_name(documents):
    return {(doc["kind"], doc["metadata"]["name"]): doc for doc in documents}


def validate(file, documents, work):
    validator = pathlib.Path(sys.executable).parent / "kubernetes-validate"
    if not validator.exists():
        print(f"skipped: kubernetes-validate is not installed, {file.name} is not checked against the API schemas")
        return
    plain = work / file.name
    plain.write_text(yaml.safe_dump_all(doc for doc in documents if doc["kind"] not in CUSTOM))
    for version in KUBERNETES:
        result = run(str(validator), "--strict", "-k", version, str(plain))
        text = result.stdout + result.stderr
        check(f"{file.name}: valid for Kubernetes {version}",
              [text] if result.returncode or "find schema" in text else [])


def sentences(helm, version, chart, work):
    """Each table entry fails the render and says why."""
    for entry in yaml.safe_load((HERE / "sentences.yaml").read_text()):
        over = work / "over.yaml"
        over.write_text(yaml.safe_dump(entry["values"]))
        base = chart / "ci" / f"{entry['base']}-values.yaml"
        made = run(helm, "template", "rel", str(chart), "-f", str(base), "-f", str(over))
        wanted = entry.get("any") or [entry["says"]]
        said = any(sentence in made.stderr for sentence in wanted)
        check(f"helm {version} refuses {entry['case']}",
              [] if made.returncode and said else [f"exit {made.returncode}, said: {made.stderr or 'nothing'}"])


def branches(renderings):
    """The value files together reach every template."""
    sources = set()
    for outputs in renderings.values():
        sources |= set(re.findall(r"^# Source: leads/templates/(\S+)", outputs[0], re.M))
    templates = {path.name for path in next(iter(renderings)).parent.parent.joinpath("templates").glob("*.yaml")}
    check("the value files reach every template", sorted(templates - sources - {"checks.yaml"}))


def known_config(root):
    """process -> its `section.key`s: the defaults that a process embeds name every key there is."""
    known = {}
    for process in ("leads-svc", "crm-hubspot", "crm-salesforce"):
        file = root / process / "config.toml"
        if file.exists():
            sections = tomllib.loads(file.read_text())
            known[process] = {f"{section}.{key}" for section, keys in sections.items() for key in keys}
        else:
            print(f"skipped: {process}/config.toml is not there, its environment variables are not checked")
    return known


def readme(chart, values):
    """The table of the README names each value with its default, and no other."""
    table = dict(re.findall(r"^\| `([^`]+)` \| `([^`]*)` \|", (chart / "README.md").read_text(), re.M))
    wanted = dict(leaves(values))
    check("README: each value is in the table", sorted(wanted.keys() - table.keys()))
    check("README: no value that does not exist", sorted(table.keys() - wanted.keys()))
    check("README: the defaults are those of values.yaml", [
        f"{key}: `{table[key]}`, but values.yaml says `{wanted[key]}`"
        for key in sorted(wanted.keys() & table.keys()) if table[key] != wanted[key]])


def leaves(node, at=""):
    """What a row shows: scalars and lists in YAML's flow style; a port and a secret reference are one row."""
    for key, value in node.items():
        path = f"{at}{key}"
        whole = not isinstance(value, dict) or not value or set(value) in ({"number", "config", "from"}, {"existingSecret", "key"})
        if whole:
            yield path, flow(value)
        else:
            yield from leaves(value, f"{path}.")


def flow(value):
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False).strip()
    return text.removesuffix("...").strip().replace("''", '""')


main()
