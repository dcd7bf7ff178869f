"""What docs/deploy.md offers fits the server: flags, extras, health service; and systemd accepts the unit."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import REPOSITORY
from tfstyle_server.servicer import SERVICE

DEPLOY = REPOSITORY / "docs/deploy"
UNIT = DEPLOY / "tfstyle.service"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))


@pytest.fixture(scope="module")
def flags() -> set[str]:
    """The variables that set the server's flags, from its help."""
    command = [sys.executable, "-m", "tfstyle_server", "--help"]
    text = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    return set(re.findall(r"TFSTYLE_[A-Z_]+", text))


def documents(*paths: Path) -> list[dict[str, Any]]:
    return [document for path in paths for document in yaml.safe_load_all(path.read_text())]


def test_every_variable_is_a_flag_of_the_server(flags: set[str]) -> None:
    assert "TFSTYLE_LISTEN" in flags
    for path in [UNIT, DEPLOY / "Containerfile", REPOSITORY / "docs/deploy.md", *MANIFESTS]:
        used = set(re.findall(r"TFSTYLE_[A-Z_]+", path.read_text()))
        assert used <= flags, path
        assert used or path.name == "raycluster.yaml"


def test_the_images_take_extras_that_there_are() -> None:
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    targets = re.findall(r"AS (\w+)\nRUN pip install .*\)\[([\w,-]+)\]", (DEPLOY / "Containerfile").read_text())
    assert [name for name, _ in targets] == ["front", "cpu", "gpu"]
    for _, names in targets:
        assert set(names.split(",")) <= set(extras)


def test_the_front_has_no_tensorflow() -> None:
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]

    def packages(extra: str) -> set[str]:
        found = set()
        for requirement in extras[extra]:
            if inner := re.fullmatch(r"tfstyle\[([\w,-]+)\]", requirement):
                found |= {package for each in inner[1].split(",") for package in packages(each)}
            else:
                found.add(re.split(r"[^\w.-]", requirement)[0])
        return found

    assert {"tensorflow", "tensorflow-cpu", "numpy", "imagecodecs"}.isdisjoint(packages("front"))
    assert "psutil" in packages("front")


def test_probes_ask_for_services_of_the_health_service() -> None:
    (front,) = [each for each in documents(*MANIFESTS) if each["kind"] == "Deployment"]
    (container,) = front["spec"]["template"]["spec"]["containers"]
    ports = {port["containerPort"] for port in container["ports"]}
    assert container["livenessProbe"]["grpc"].get("service", "") == ""
    assert container["readinessProbe"]["grpc"]["service"] == SERVICE
    assert {container[name]["grpc"]["port"] for name in ("startupProbe", "livenessProbe", "readinessProbe")} <= ports
    assert front["spec"]["replicas"] == 1
    assert front["spec"]["strategy"] == {"type": "Recreate"}


def test_the_front_finds_the_ray_cluster() -> None:
    (front,) = [each for each in documents(*MANIFESTS) if each["kind"] == "Deployment"]
    (cluster,) = [each for each in documents(*MANIFESTS) if each["kind"] == "RayCluster"]
    (container,) = front["spec"]["template"]["spec"]["containers"]
    environment = {variable["name"]: variable["value"] for variable in container["env"]}
    head = f"{cluster['metadata']['name']}-head-svc:6379"
    assert environment["TFSTYLE_RAY_ADDRESS"] == head
    assert f"--address={head} " in container["args"][0]
    (group,) = [each for each in cluster["spec"]["workerGroupSpecs"] if each["groupName"] == "cpu"]
    (worker,) = group["template"]["spec"]["containers"]
    assert environment["TFSTYLE_RAY_CPUS"] == worker["resources"]["limits"]["cpu"], "an actor takes a whole pod"
    assert environment["TFSTYLE_RAY_ACTORS"] == f"{group['minReplicas']}:{group['maxReplicas']}"
    policies = [each for each in documents(*MANIFESTS) if each["kind"] == "NetworkPolicy"]
    ray = {"ray.io/cluster": cluster["metadata"]["name"]}
    assert ray in [each["spec"]["podSelector"]["matchLabels"] for each in policies]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze, of the package systemd")
def test_systemd_accepts_the_unit_and_finds_it_safe(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/tfstyle/bin/tfstyle-server", sys.executable))
    verified = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60)
    assert (verified.returncode, verified.stderr) == (0, "")
    # The threshold is ten times the exposure that is accepted.
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", unit]
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 0
