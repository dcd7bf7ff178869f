"""The recipe of docs/dashboards.md for Jupyter, as it stands there."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

from conftest import Server
from documents import code_block
from tfstyle_client import Client

DISPLAY = """
import json, os

def clear_output(wait=False):
    assert wait, "else the figure flickers"

def display(figure):
    (line,) = figure.axes[0].get_lines()
    with open(os.environ["SHOWN"], "a") as file:
        file.write(json.dumps([figure.axes[0].get_yscale(), line.get_xydata().tolist()]) + "\\n")
"""


def test_the_recipe_draws_every_evaluation(tmp_path: Path, server: Server, landscape: bytes) -> None:
    with Client(server.address) as client:
        job = client.create(landscape, landscape, size=48, steps=20, coarsest_scale="none", style_loss="gram")
    recipe = code_block("dashboards.md", "python", "clear_output")
    for placeholder, own in (("127.0.0.1:50051", server.address), ("jobs/3f0c9d2e5b7a8146", job.name)):
        assert recipe.count(placeholder) == 1
        recipe = recipe.replace(placeholder, own)
    path = os.environ.get("PYTHONPATH", "")
    has_ipython = importlib.util.find_spec("IPython") is not None
    if not has_ipython:
        (tmp_path / "IPython").mkdir()
        # What Matplotlib asks for.
        (tmp_path / "IPython" / "__init__.py").write_text("version_info = (9, 0)\nget_ipython = lambda: None\n")
        (tmp_path / "IPython" / "display.py").write_text(DISPLAY)
        path = os.pathsep.join(filter(None, [str(tmp_path), path]))
    environment = {**os.environ, "PYTHONPATH": path, "MPLBACKEND": "agg", "SHOWN": str(tmp_path / "shown")}
    run = [sys.executable, "-W", "error", "-c", recipe]
    ended = subprocess.run(run, env=environment, capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stderr) == (0, "")
    if has_ipython:
        assert "Figure(" in ended.stdout
        return
    scale, points = json.loads((tmp_path / "shown").read_text().splitlines()[-1])
    assert scale == "log"
    assert [evaluation for evaluation, _ in points] == list(range(1, 21))
    assert all(loss > 0 for _, loss in points)
