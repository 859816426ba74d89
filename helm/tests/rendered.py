"""What every rendering of the chart must hold: a list of (claim, problems) for the documents of one rendering."""

import json
import re

SELECTOR = ("app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component")
DRAIN_SECONDS = 25


def claims(docs, values, config_keys):
    """docs: parsed YAML; values: what was rendered (defaults under it); config_keys: process -> known `section.key`."""
    by_kind = {}
    for doc in docs:
        by_kind.setdefault(doc["kind"], {})[component_of(doc)] = doc
    deployments = by_kind.get("Deployment", {})
    pods = {name: doc["spec"]["template"]["spec"] for kind in ("Deployment", "Job")
            for name, doc in by_kind.get(kind, {}).items()}
    enabled = {name: {**values["defaults"], **merged(values["defaults"], own)}
               for name, own in values["components"].items()
               if merged(values["defaults"], own)["enabled"]}
    sqlite = values["database"]["kind"] == "sqlite"

    yield "a Deployment, a Service and a ServiceAccount for each enabled component", [
        f"{kind}: {sorted(by_kind.get(kind, {}))}" for kind in ("Deployment", "Service", "ServiceAccount")
        if sorted(by_kind.get(kind, {})) != sorted(enabled)]
    yield "the pods keep to the restricted pod security standard", [
        f"{name}: {problem}" for name, pod in pods.items() for problem in restricted(pod)]
    yield "each process is probed by gRPC on its ops port", [
        f"{name}: {problem}" for name, doc in deployments.items()
        for problem in probes(doc["spec"]["template"]["spec"], enabled[name])]
    yield "secrets come as files from references, and none as a value", [
        problem for name, pod in pods.items() for problem in secrets(name, pod)] + [
        f"the chart renders a Secret: {name}" for name in by_kind.get("Secret", {})]
    yield "config values arrive as they were written", [
        f"{name}: {variable} is {env_of(doc).get(variable)}, not {value}" for name, doc in deployments.items()
        for variable, value in written(name, enabled[name]["config"]) if env_of(doc).get(variable) != value]
    yield "components are told where leads-svc listens for them", [
        f"{name}: {endpoint}" for name, endpoint, expected in endpoints(by_kind, enabled) if endpoint != expected]
    yield "one template shape: each Deployment has the same fields", same_shape(deployments)
    yield "the grace period covers the wait before SIGTERM and the drain", [
        name for name, doc in deployments.items() if not grace_is_enough(doc["spec"]["template"]["spec"])]
    yield "one autoscaler at most, and then no fixed replica count", [
        name for name, doc in deployments.items() if not scaled_once(name, doc, by_kind)]
    yield "ScaledObjects read the lanes of their own destination by the group of the connectors", [
        f"{name}: {problem}" for name, doc in by_kind.get("ScaledObject", {}).items()
        for problem in scaled_object(doc, enabled[name], by_kind)]
    yield "selectors match their own pods and no others", selectors(by_kind, deployments)
    yield "the database decides migration, volume and strategy", list(database(by_kind, sqlite, values))
    if values["networkPolicy"]["enabled"]:
        yield "network policies: everything denied, then the documented paths and no more", list(
            network(by_kind, enabled, sqlite, values))
    else:
        yield "no network policy when they are off", list(by_kind.get("NetworkPolicy", {}))
    yield "each environment variable of a process is a key that its config knows", [
        f"{variable}: no key {key}" for name, pod in pods.items()
        for variable, key in environment_keys(pod) if config_keys.get(process_of(name)) is not None
        and key not in config_keys[process_of(name)]]
    yield "each component has resource requests and a memory limit", [
        name for name, pod in pods.items() for c in pod["containers"]
        if not (c["resources"].get("requests", {}).get("cpu") and c["resources"].get("limits", {}).get("memory"))]


def merged(under, over):
    if not (isinstance(under, dict) and isinstance(over, dict)):
        return over
    return {**under, **{key: merged(under.get(key), value) for key, value in over.items()}}


def component_of(doc):
    return doc["metadata"].get("labels", {}).get("app.kubernetes.io/component", doc["metadata"]["name"])


def process_of(component):
    return component.removesuffix("-migrate")


def restricted(pod):
    security = pod.get("securityContext", {})
    if security.get("runAsNonRoot") is not True or security.get("runAsUser") != 65532:
        yield "may run as root"
    if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "no seccomp profile"
    if pod.get("automountServiceAccountToken") is not False:
        yield "mounts a service-account token"
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(field):
            yield field
    for volume in pod.get("volumes", []):
        if not {"projected", "emptyDir", "persistentVolumeClaim"} & volume.keys():
            yield f"volume {volume['name']} of another type"
    for container in pod["containers"] + pod.get("initContainers", []):
        inner = container.get("securityContext", {})
        if inner.get("allowPrivilegeEscalation") is not False:
            yield "may gain privileges"
        if inner.get("readOnlyRootFilesystem") is not True:
            yield "writable root"
        if inner.get("capabilities") != {"drop": ["ALL"]}:
            yield "keeps capabilities"
        if inner.get("privileged"):
            yield "privileged"


def probes(pod, component):
    [container] = pod["containers"]
    if container["args"] != ["serve"]:
        yield f"runs {container['args']}"
    names = component["probes"]
    for probe, service in (("startupProbe", names["livenessService"]), ("livenessProbe", names["livenessService"]),
                           ("readinessProbe", names["readinessService"])):
        if container.get(probe, {}).get("grpc") != {"port": component["ports"]["ops"]["number"], "service": service}:
            yield f"{probe}: {container.get(probe)}"
    startup = container["startupProbe"]
    if startup["periodSeconds"] * startup["failureThreshold"] < names["startupSeconds"]:
        yield "the start is given less time than it may take"


def secrets(name, pod):
    [volume] = [v for v in pod["volumes"] if v["name"] == "secrets"]
    mounted = {item["path"] for source in volume["projected"]["sources"] for item in source["secret"]["items"]}
    if volume["projected"]["defaultMode"] & 0o007:
        yield f"{name}: secret files that everybody may read"
    if not all(source["secret"].get("name") for source in volume["projected"]["sources"]):
        yield f"{name}: a source without a secret"
    for container in pod["containers"]:
        if container.get("envFrom"):
            yield f"{name}: envFrom"
        if not any(m["name"] == "secrets" and m.get("readOnly") for m in container["volumeMounts"]):
            yield f"{name}: secrets not mounted read-only"
        pointed = set()
        for variable in container["env"]:
            value = variable.get("value", "")
            if "secretKeyRef" in variable.get("valueFrom", {}):
                yield f"{name}: {variable['name']} holds a secret"
            if variable["name"].endswith("_FILE") and value.startswith("/etc/leads/secrets/"):
                pointed.add(value.rsplit("/", 1)[1])
            elif re.search(r"KEK|SECRET|PASSWORD|TOKEN|CREDENTIAL", variable["name"]) or "redis://" in value \
                    or "postgres" in value:
                yield f"{name}: {variable['name']} looks like a secret value"
        if pointed != mounted:
            yield f"{name}: files named {sorted(pointed)}, mounted {sorted(mounted)}"


def env_of(doc):
    return {v["name"]: v.get("value") for v in doc["spec"]["template"]["spec"]["containers"][0]["env"]}


def written(name, config):
    for section, keys in config.items():
        for key, value in keys.items():
            variable = "__".join([name.replace("-", "_"), section, key]).upper()
            yield variable, value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def endpoints(by_kind, enabled):
    """What each component is told, beside the address of the Service that has the port."""
    service = by_kind["Service"]["leads-svc"]
    [port] = [p["port"] for p in service["spec"]["ports"] if p["name"] == "connectors"]
    for name, component in enabled.items():
        told = env_of(by_kind["Deployment"][name]).get(f"{name.replace('-', '_').upper()}__LEADS__ENDPOINT")
        yield name, told, f"http://{service['metadata']['name']}:{port}" if component["egress"]["leads"] else None


def same_shape(deployments):
    """The paths that every component has; what a values key switches on or off is left out."""
    optional = re.compile(r"\.(replicas|annotations|nodeSelector|tolerations|affinity|priorityClassName|lifecycle"
                          r"|rollingUpdate|persistentVolumeClaim)\b|labels\.|resources|imagePullSecrets")
    shapes = {name: frozenset(p for p in paths(doc) if not optional.search(p)) for name, doc in deployments.items()}
    first = next(iter(shapes.values()))
    return [f"{name}: {sorted(shape ^ first)}" for name, shape in shapes.items() if shape != first]


def paths(node, at=""):
    if isinstance(node, dict):
        for key, value in node.items():
            yield f"{at}.{key}"
            yield from paths(value, f"{at}.{key}")
    elif isinstance(node, list):
        for value in node:
            yield from paths(value, f"{at}[]")


def grace_is_enough(pod):
    [container] = pod["containers"]
    wait = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    return pod["terminationGracePeriodSeconds"] >= wait + DRAIN_SECONDS


def scaled_once(name, doc, by_kind):
    scalers = [kind for kind in ("HorizontalPodAutoscaler", "ScaledObject") if name in by_kind.get(kind, {})]
    return len(scalers) + ("replicas" in doc["spec"]) == 1


def scaled_object(doc, component, by_kind):
    want = {f"leads:{{{component['destination']}}}:{lane}" for lane in component["keda"]["lanes"]}
    got = {trigger["metadata"]["stream"] for trigger in doc["spec"]["triggers"]}
    if got != want:
        yield f"streams {sorted(got)}"
    for trigger in doc["spec"]["triggers"]:
        metadata = trigger["metadata"]
        if trigger["type"] != "redis-streams" or metadata["consumerGroup"] != "connectors":
            yield f"trigger {trigger}"
        if not all(isinstance(value, str) for value in metadata.values()):
            yield "trigger metadata that is no string"
        if not {"address", "lagCount", "activationLagCount"} <= metadata.keys() or {"password", "username"} & metadata.keys():
            yield f"trigger metadata {sorted(metadata)}"
        auth = trigger.get("authenticationRef", {}).get("name")
        if auth and auth not in {a["metadata"]["name"] for a in by_kind.get("TriggerAuthentication", {}).values()}:
            yield f"no TriggerAuthentication {auth}"


def selectors(by_kind, deployments):
    pods = {name: doc["spec"]["template"]["metadata"]["labels"] for kind in ("Deployment", "Job")
            for name, doc in by_kind.get(kind, {}).items()}
    problems = []
    for kind in ("Deployment", "Service", "PodDisruptionBudget"):
        for name, doc in by_kind.get(kind, {}).items():
            selector = doc["spec"]["selector"]
            selector = selector.get("matchLabels", selector)
            hit = [pod for pod, labels in pods.items() if selector.items() <= labels.items()]
            if hit != [name] or set(selector) != set(SELECTOR):
                problems.append(f"{kind} {name} selects {hit}")
    for name, doc in by_kind.get("Service", {}).items():
        ports = {p["name"] for p in deployments[name]["spec"]["template"]["spec"]["containers"][0]["ports"]}
        problems += [f"Service {name}: {p['targetPort']}" for p in doc["spec"]["ports"] if p["targetPort"] not in ports]
        if doc["spec"]["type"] != "ClusterIP":
            problems.append(f"Service {name} leaves the cluster")
    for kind, target in (("HorizontalPodAutoscaler", "scaleTargetRef"), ("ScaledObject", "scaleTargetRef")):
        for name, doc in by_kind.get(kind, {}).items():
            if doc["spec"][target]["name"] != deployments[name]["metadata"]["name"]:
                problems.append(f"{kind} {name} scales {doc['spec'][target]}")
    return problems


def database(by_kind, sqlite, values):
    leads = by_kind["Deployment"]["leads-svc"]
    pod = leads["spec"]["template"]["spec"]
    env = {v["name"]: v.get("value") for v in pod["containers"][0]["env"]}
    jobs = by_kind.get("Job", {})
    data = [v for v in pod["volumes"] if v["name"] == "data"]
    if sqlite:
        if jobs:
            yield "a migration Job beside SQLite"
        if leads["spec"]["strategy"] != {"type": "Recreate"} or leads["spec"]["replicas"] > 1:
            yield "SQLite that may be opened twice"
        if env["LEADS_SVC__STORAGE__MIGRATE_AT_START"] != "true":
            yield "SQLite that nobody migrates"
        if not env["LEADS_SVC__STORAGE__URL"].startswith("sqlite:///var/lib/leads/"):
            yield "SQLite outside the volume"
        claim = data[0]["persistentVolumeClaim"]["claimName"]
        made = {c["metadata"]["name"]: c for c in by_kind.get("PersistentVolumeClaim", {}).values()}
        if (claim == values["database"]["sqlite"]["existingClaim"]) == bool(made):
            yield f"claim {claim}, made {sorted(made)}"
        if any(c["metadata"]["annotations"]["helm.sh/resource-policy"] != "keep" for c in made.values()):
            yield "an uninstall would delete the leads"
        return
    if data or by_kind.get("PersistentVolumeClaim"):
        yield "a volume beside Postgres"
    if leads["spec"]["strategy"].get("rollingUpdate", {}).get("maxUnavailable") != 0:
        yield "an upgrade takes replicas away"
    if env["LEADS_SVC__STORAGE__MIGRATE_AT_START"] != "false" or "LEADS_SVC__STORAGE__URL" in env:
        yield "Postgres migrated at start or with a URL in plain"
    if sorted(jobs) != (["leads-svc-migrate"] if values["database"]["migration"]["job"] else []):
        yield f"jobs {sorted(jobs)}"
    for job in jobs.values():
        inner = job["spec"]["template"]["spec"]
        [container] = inner["containers"]
        if container["args"] != ["migrate"] or container["image"] != pod["containers"][0]["image"]:
            yield "the Job runs something else"
        if job["metadata"]["annotations"]["helm.sh/hook"] != "pre-install,pre-upgrade":
            yield "the Job is no hook"
        if container["env"] != pod["containers"][0]["env"]:
            yield "the Job is configured in another way than the process"
        if "serviceAccountName" in inner:
            yield "the Job needs an account that the first install has not made yet"


def network(by_kind, enabled, sqlite, values):
    policies = dict(by_kind.get("NetworkPolicy", {}))
    deny = policies.pop("default-deny", None)
    job = values["database"]["kind"] == "postgres" and values["database"]["migration"]["job"]
    if deny is None or {"ingress", "egress"} & deny["spec"].keys() or deny["spec"]["policyTypes"] != ["Ingress", "Egress"]:
        yield "no default deny"
    elif "app.kubernetes.io/component" in deny["spec"]["podSelector"]["matchLabels"]:
        yield "the default deny leaves pods out"
    if sorted(policies) != sorted([*enabled, *(["leads-svc-migrate"] if job else [])]):
        yield f"policies {sorted(policies)}"
    net = values["networkPolicy"]
    otlp = {net["otlp"]["port"]} if values["telemetry"]["otlpEndpoint"] else set()
    database_port = set() if sqlite else {net["database"]["port"]}
    for name, policy in policies.items():
        spec = policy["spec"]
        incoming = {p["port"]: rule["from"] for rule in spec.get("ingress") or [] for p in rule["ports"]}
        outgoing = {p["port"]: rule.get("to") for rule in spec["egress"] for p in rule["ports"]}
        base = {net["dns"]["port"]} | otlp
        if name.endswith("-migrate"):
            want_in, want_out = set(), base | database_port
        elif name == "leads-svc":
            callers = [n for n in enabled if n != "leads-svc"]
            want_in = {8080, 9090} | ({8081} if callers else set())
            internet = set(enabled[name]["egress"]["internet"])
            want_out = base | database_port | {net["redis"]["port"]} | internet
            if incoming.get(8080) != net["clients"]:
                yield "the API is open to others than the clients"
            if callers and incoming[8081][0]["podSelector"]["matchExpressions"][0]["values"] != sorted(callers):
                yield "the connector port is open to others than the connectors"
        else:
            internet = set(enabled[name]["egress"]["internet"])
            want_in = {enabled[name]["ports"]["ops"]["number"]}
            want_out = base | {8081, net["redis"]["port"]} | internet
        for number in () if name.endswith("-migrate") else internet:
            for peer in outgoing.get(number) or []:
                excepted = net["privateRanges" if peer["ipBlock"]["cidr"] == "0.0.0.0/0" else "privateRanges6"]
                if peer["ipBlock"]["except"] != excepted:
                    yield f"{name} reaches private addresses on {number}"
        if set(incoming) != want_in:
            yield f"{name}: in {sorted(incoming)}, expected {sorted(want_in)}"
        if set(outgoing) != want_out:
            yield f"{name}: out {sorted(outgoing)}, expected {sorted(want_out)}"
        if not all(incoming.values()):
            yield f"{name}: a port open to everybody"


def environment_keys(pod):
    for container in pod["containers"]:
        for variable in container["env"]:
            _, section, key = variable["name"].lower().split("__")
            yield variable["name"], f"{section}.{key}"
