"""What the deployment files name is there: commands, roles, settings, ports, ways in; engines found here read them."""

import importlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from hub.cli import app as command_line
from hub.doors import PAGE_DOORS, REST_DOORS
from hub.settings import ROLES, Settings, read_settings
from tests.support import nginx
from tests.support.sources import ROOT

DEPLOY = ROOT / "deploy"
UNITS = DEPLOY / "systemd"
_FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file() and "monitoring" not in path.parts)
_VARIABLE = re.compile(r"\bSANJI_([A-Z_]+)\b")


def _objects() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8")))


def _of_kind(kind: str) -> list[dict[str, Any]]:
    return [item for item in _objects() if item["kind"] == kind]


def _containers() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for item in _of_kind("StatefulSet"):
        template = item["spec"]["template"]
        for container in template["spec"]["containers"]:
            yield item["metadata"]["name"], template, container


def _services() -> dict[str, dict[str, Any]]:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    return {name: service for name, service in services.items() if service["image"] == "sanji"}


def _commands() -> list[list[str]]:
    """Every ``serve`` that some file starts, without the program's name."""
    unit = (UNITS / "sanji@.service").read_text(encoding="utf-8")
    (start,) = re.findall(r"^ExecStart=\S+/sanji (.*)$", unit, re.MULTILINE)
    found = [start.replace("${ROLES}", roles).split() for roles in _unit_roles()]
    found += [container["args"] for _, _, container in _containers()]
    return found + [service["command"] for service in _services().values()]


def _unit_roles() -> list[str]:
    files = sorted((UNITS / "processes").glob("*.env"))
    return [file.read_text(encoding="utf-8").strip().removeprefix("ROLES=") for file in files]


def test_every_command_is_one_of_ours_with_known_options_and_roles() -> None:
    importlib.import_module("hub.cli.serve")
    group: Any = typer.main.get_command(command_line.app)
    options = {name for parameter in group.commands["serve"].params for name in parameter.opts}
    assert _commands()
    for words in _commands():
        assert words[0] == "serve"
        named = dict(zip(words[1::2], words[2::2], strict=True))
        assert set(named) <= options
        assert set(named["--roles"].split(",")) <= set(ROLES)


def test_every_role_runs_twice_where_nobody_may_notice_a_restart() -> None:
    of_units = [set(roles.split(",")) for roles in _unit_roles()]
    assert all(sum(role in roles for roles in of_units) >= 2 for role in ROLES)
    assert all(item["spec"]["replicas"] >= 2 for item in _of_kind("StatefulSet"))


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.name)
def test_every_variable_is_a_setting(path: Path) -> None:
    for name in _VARIABLE.findall(path.read_text(encoding="utf-8")):
        section, _, field = name.lower().partition("__")
        part = Settings.model_fields[section].annotation
        assert part is not None
        assert field in part.model_fields, name


def test_the_settings_are_read(tmp_path: Path) -> None:
    (text,) = [item["data"]["sanji.toml"] for item in _of_kind("ConfigMap")]
    (tmp_path / "sanji.toml").write_text(text, encoding="utf-8")
    shared = read_settings(DEPLOY / "sanji.toml")
    assert shared.listen.shares_port
    assert read_settings(tmp_path / "sanji.toml").rest.listen.endswith(":7444")


def test_ports_are_those_that_are_listened_on() -> None:
    settings = read_settings(DEPLOY / "sanji.toml")
    ports = {settings.listen.port, settings.console.port, 7444}
    for name, _, container in _containers():
        assert {port["containerPort"] for port in container.get("ports", ())} <= ports, name
    exposed = re.search(r"^EXPOSE (.*)$", (DEPLOY / "Containerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert exposed is not None
    assert {int(port) for port in exposed[1].split()} == ports
    conf = "".join(file.read_text(encoding="utf-8") for file in nginx.FILES.glob("*.conf"))
    assert {int(port) for port in re.findall(r"server 127\.0\.0\.1:(\d+)", conf)} <= ports


def test_probes_ask_what_is_served() -> None:
    for name, template, container in _containers():
        probes = {key: probe for key, probe in container.items() if key.endswith("Probe")}
        assert "readinessProbe" in probes, name
        for probe in probes.values():
            if "httpGet" in probe:
                assert f"GET {probe['httpGet']['path']}" in REST_DOORS
            else:
                assert "/healthz" in probe["exec"]["command"][-1]
                compile(probe["exec"]["command"][-1], name, "exec")
        # What is under way is answered before the pod is killed.
        assert template["spec"]["terminationGracePeriodSeconds"] > 20
    assert "GET /healthz" in PAGE_DOORS


def test_pods_are_selected_kept_and_mount_what_they_declare() -> None:
    budgets = [item["spec"]["selector"]["matchLabels"] for item in _of_kind("PodDisruptionBudget")]
    for name, template, container in _containers():
        assert template["metadata"]["labels"] in budgets, name
        declared = {volume["name"] for volume in template["spec"]["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == declared
        assert template["spec"]["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
    (front,) = [item for item in _of_kind("Service") if item["spec"].get("type") == "LoadBalancer"]
    assert front["spec"]["selector"] in budgets


def test_compose_runs_hubs_that_may_write_nothing_but_their_state() -> None:
    whole = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    for service in _services().values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        named = {volume.partition(":")[0] for volume in service["volumes"] if not volume.startswith("./")}
        assert named <= set(whole["volumes"])


def test_the_image_is_made_without_a_network_and_runs_as_nobody() -> None:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    assert "--no-index" in text
    assert not re.search(r"\b(apt|apt-get|curl|wget|git)\b", text)
    (user,) = re.findall(r"^USER (\d+)", text, re.MULTILINE)
    assert int(user) > 0


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_reads_the_units(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("sanji")
    for file in UNITS.glob("sanji*"):
        text = file.read_text(encoding="utf-8").replace("/opt/sanji/bin/sanji", str(program))
        (tmp_path / file.name.replace("@", "@intake-1")).write_text(text, encoding="utf-8")
    units = sorted(str(path) for path in tmp_path.iterdir())
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "sanji" in line]
    assert ours == []


@pytest.mark.skipif(nginx.NGINX is None, reason="needs nginx")
def test_nginx_reads_its_files(tmp_path: Path) -> None:
    assert nginx.NGINX is not None
    whole = nginx.configuration(tmp_path, nginx.Ports(7443, 7480))
    command = [nginx.NGINX, "-t", "-p", str(tmp_path), "-c", str(whole)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr


def test_the_scripts_are_sound() -> None:
    for script in (UNITS / "rolling-restart", DEPLOY / "install.sh"):
        subprocess.run(["sh", "-n", str(script)], check=True)
        assert script.stat().st_mode & 0o100
