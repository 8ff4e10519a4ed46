"""Renders deploy/kubernetes and judges what comes out: its fields (schema.json), what its parts say of each other, and
what the design asks for. usage: check.py DEPLOY/KUBERNETES BUNDLESYNC. Ends with 77 where it cannot be tried here."""

import copy
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SKIPPED = 77
HERE = pathlib.Path(__file__).resolve().parent
KUBERNETES, PROGRAM = pathlib.Path(sys.argv[1]), sys.argv[2]
EXAMPLES = ["sidecar", "once", "job", "daemonset-app"]
UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"SKIPPED kubernetes: {missing} (Debian: python3-jsonschema, python3-yaml)")
    sys.exit(SKIPPED)


def render(directory):
    done = subprocess.run(["kubectl", "kustomize", str(directory)], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return list(yaml.safe_load_all(done.stdout))


if shutil.which("kubectl") is None:
    print("SKIPPED kubernetes: there is no kubectl here")
    sys.exit(SKIPPED)
try:
    render(KUBERNETES / "examples" / "once")
except AssertionError as error:
    if "Component" not in str(error):
        raise
    print("SKIPPED kubernetes: this kubectl is older than 1.21 and knows no components")
    sys.exit(SKIPPED)

VALIDATOR = jsonschema.Draft7Validator(json.loads((HERE / "schema.json").read_text()))


def byte_count(quantity):
    number, unit = re.fullmatch(r"(\d+)([A-Za-z]*)", quantity).groups()
    return int(number) * UNITS[unit]


class Rendered:
    """One example as kubectl would apply it."""

    def __init__(self, name):
        self.documents = render(KUBERNETES / "examples" / name)

    def kind(self, kind):
        return [d for d in self.documents if d["kind"] == kind]

    def pods(self):
        return [d["spec"]["template"]["spec"] for d in self.documents if "template" in d.get("spec", {})]

    def containers(self):
        for pod in self.pods():
            for container in pod.get("initContainers", []) + pod["containers"]:
                yield pod, container

    def agents(self):
        return [(pod, c) for pod, c in self.containers() if c["name"] == "bundlesync"]

    def settings(self):
        for document in self.kind("ConfigMap"):
            if "agent.yaml" in document["data"]:
                return document["data"]["agent.yaml"]
        raise AssertionError("no agent.yaml")


class Manifests(unittest.TestCase):
    def each(self):
        for name in EXAMPLES:
            with self.subTest(example=name):
                yield Rendered(name)

    def test_have_no_field_that_an_api_server_would_refuse(self):
        for rendered in self.each():
            for document in rendered.documents:
                self.assertEqual([], [e.message for e in VALIDATOR.iter_errors(document)], document["kind"])

    def test_the_schema_sees_what_is_wrong(self):
        good = Rendered("sidecar").kind("Deployment")[0]
        pod = ["spec", "template", "spec"]
        for path, value in [
            (pod + ["initContainers", 1, "readinesProbe"], {}),
            (pod + ["initContainers", 1, "restartPolicy"], "Never"),
            (pod + ["initContainers", 1, "securityContext", "runAsUser"], "65532"),
            (pod + ["initContainers", 1, "livenessProbe", "exec", "command"], "health"),
            (pod + ["containers", 0, "volumeMounts", 0, "mountPath"], "prompts"),
            (pod + ["volumes", 0, "emptyDir"], {"sizeLimit": "a lot"}),
            (pod + ["volumes", 0, "emptydir"], {}),
            (["spec", "template", "metadata", "labels", "prompts"], True),
            (["metadata", "name"], "Assistant"),
            (["apiVersion"], "extensions/v1beta1"),
        ]:
            with self.subTest(path=path):
                bad = copy.deepcopy(good)
                place = bad
                for key in path[:-1]:
                    place = place[key]
                place[path[-1]] = value
                self.assertFalse(VALIDATOR.is_valid(bad))

    def test_mount_only_volumes_and_name_only_config_maps_that_are_there(self):
        for rendered in self.each():
            maps = {d["metadata"]["name"] for d in rendered.kind("ConfigMap")}
            for pod, container in rendered.containers():
                volumes = {v["name"] for v in pod.get("volumes", [])}
                self.assertEqual(set(), {m["name"] for m in container.get("volumeMounts", [])} - volumes)
            for pod in rendered.pods():
                named = {v["configMap"]["name"] for v in pod.get("volumes", []) if "configMap" in v}
                self.assertEqual(set(), named - maps)

    def test_select_the_pods_they_make(self):
        for rendered in self.each():
            for document in rendered.kind("Deployment") + rendered.kind("DaemonSet"):
                wanted = document["spec"]["selector"]["matchLabels"].items()
                self.assertLessEqual(wanted, document["spec"]["template"]["metadata"]["labels"].items())
            labels = [d["spec"]["template"]["metadata"]["labels"].items() for d in rendered.documents if "template" in d.get("spec", {})]
            for policy in rendered.kind("NetworkPolicy"):
                wanted = policy["spec"]["podSelector"]["matchLabels"].items()
                self.assertTrue(any(wanted <= of for of in labels), "a policy of nobody")

    def test_name_a_tag_of_every_image(self):
        for rendered in self.each():
            for _, container in rendered.containers():
                self.assertRegex(container["image"], r"^registry\.example\.org/[a-z]+:[\w.]+$")


class Agents(unittest.TestCase):
    each = Manifests.each

    def test_there_is_one_in_every_example(self):
        for rendered in self.each():
            self.assertEqual(1, len(rendered.agents()))

    def test_have_nothing_that_they_do_not_need(self):
        for rendered in self.each():
            for pod, agent in rendered.agents():
                context = agent["securityContext"]
                self.assertIs(pod["automountServiceAccountToken"], False)
                self.assertIs(context["readOnlyRootFilesystem"], True)
                self.assertIs(context["allowPrivilegeEscalation"], False)
                self.assertEqual(context["capabilities"], {"drop": ["ALL"]})
                self.assertEqual(context["seccompProfile"], {"type": "RuntimeDefault"})
                self.assertIn("memory", agent["resources"]["limits"])

    def test_get_their_secrets_as_files(self):
        for rendered in self.each():
            for pod, agent in rendered.agents():
                for variable in agent["env"]:
                    self.assertNotRegex(variable["name"], r"(URL|KEY)$")
                secret = next(v["name"] for v in pod["volumes"] if "secret" in v)
                mount = next(m for m in agent["volumeMounts"] if m["name"] == secret)
                self.assertIs(mount["readOnly"], True)
                self.assertIn("_file: " + mount["mountPath"] + "/", rendered.settings())

    def test_stay_below_the_volume_that_they_fill(self):
        for rendered in self.each():
            budget = byte_count(yaml.safe_load(rendered.settings())["disk.max_bytes"])
            for pod, _ in rendered.agents():
                for volume in pod["volumes"]:
                    if volume["name"] == "prompts":
                        self.assertGreater(byte_count(volume["emptyDir"]["sizeLimit"]), budget)

    def test_are_probed_by_health_and_never_for_the_readiness_of_an_apps_pod(self):
        for name in ["sidecar", "once", "job"]:
            for _, agent in Rendered(name).agents():
                self.assertNotIn("readinessProbe", agent)
        _, sidecar = Rendered("sidecar").agents()[0]
        self.assertEqual(sidecar["restartPolicy"], "Always")
        self.assertEqual(sidecar["startupProbe"]["exec"]["command"], ["/usr/bin/bundlesync", "health", "--ready"])
        self.assertEqual(sidecar["livenessProbe"]["exec"]["command"], ["/usr/bin/bundlesync", "health"])
        for name in ["once", "job"]:
            _, once = Rendered(name).agents()[0]
            self.assertIn("--once", once["args"])
            self.assertNotIn("restartPolicy", once)

    def test_are_asked_for_what_their_program_knows(self):
        for rendered in self.each():
            for _, agent in rendered.agents():
                for command in [agent["args"]] + [agent[p]["exec"]["command"][1:] for p in ["startupProbe", "livenessProbe"] if p in agent]:
                    known = subprocess.run([PROGRAM, *command, "--help"], capture_output=True, text=True, timeout=30)
                    self.assertEqual(0, known.returncode, known.stderr)

    def test_have_settings_that_their_program_takes(self):
        for rendered in self.each():
            for pod, agent in rendered.agents():
                with tempfile.TemporaryDirectory() as directory:
                    secrets = pathlib.Path(directory) / "secrets"
                    secrets.mkdir()
                    (secrets / "database.url").write_text("postgres://agent@db.example.org/prompts\n")
                    (secrets / "storage.key").write_text("sb_secret_of_nobody\n")
                    settings = pathlib.Path(directory) / "agent.yaml"
                    settings.write_text(rendered.settings().replace("/run/secrets/bundlesync", str(secrets)))
                    environment = {v["name"]: v["value"] for v in agent["env"]}
                    environment["BUNDLESYNC_CONFIG"] = str(settings)
                    checked = subprocess.run([PROGRAM, "config", "check"], capture_output=True, text=True, env=environment, timeout=30)
                    self.assertEqual(0, checked.returncode, checked.stderr)
                    written = {m["mountPath"] for m in agent["volumeMounts"] if not m.get("readOnly")}
                    printed = yaml.safe_load(rendered.settings())
                    targets = {printed["target"]} if "target" in printed else {t["path"] for t in printed["targets"]}
                    self.assertEqual(written, targets, "it may write where it must, and nowhere else")


class Apps(unittest.TestCase):
    each = Manifests.each

    def test_read_the_whole_volume_and_cannot_write_it(self):
        for rendered in self.each():
            mounts = [m for _, c in rendered.containers() if c["name"] == "app" for m in c.get("volumeMounts", [])]
            prompts = [m for m in mounts if m["mountPath"] == "/prompts"]
            self.assertEqual(1, len(prompts))
            self.assertIs(prompts[0]["readOnly"], True)
            self.assertNotIn("subPath", prompts[0])

    def test_of_one_team_see_no_other_teams_directory(self):
        rendered = Rendered("daemonset-app")
        paths = {v["hostPath"]["path"] for p in rendered.pods() for v in p.get("volumes", []) if "hostPath" in v and p["containers"][0]["name"] == "app"}
        self.assertEqual(paths, {"/var/lib/bundlesync/med"})

    def test_may_be_a_stateful_set(self):
        with tempfile.TemporaryDirectory() as directory:
            home = pathlib.Path(directory).resolve()
            app = yaml.safe_load((KUBERNETES / "examples" / "app" / "deployment.yaml").read_text())
            app["kind"] = "StatefulSet"
            (home / "app.yaml").write_text(yaml.safe_dump(app))
            component = os.path.relpath(KUBERNETES.resolve() / "sidecar", home)
            (home / "kustomization.yaml").write_text(yaml.safe_dump({"resources": ["app.yaml"], "components": [component]}))
            pod = next(d for d in render(home) if d["kind"] == "StatefulSet")["spec"]["template"]["spec"]
        self.assertEqual([c["name"] for c in pod["initContainers"]], ["bundlesync"])
        mounts = next(c for c in pod["containers"] if c["name"] == "app")["volumeMounts"]
        self.assertIn({"name": "prompts", "mountPath": "/prompts", "readOnly": True}, mounts)

    def test_wait_for_the_agent_of_their_node(self):
        pods = [p for p in Rendered("daemonset-app").pods() if p["containers"][0]["name"] == "app"]
        self.assertEqual([p["initContainers"][0]["args"][0] for p in pods], ["wait"])

    def test_copy_their_fallback_before_the_agent_starts(self):
        pod = Rendered("sidecar").pods()[0]
        self.assertEqual([c["name"] for c in pod["initContainers"]], ["fallback", "bundlesync"])


unittest.main(argv=[sys.argv[0], "--verbose"])
