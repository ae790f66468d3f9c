"""The pictures of the documentation: `make pictures`, or .venv/bin/python -m tests.pictures.

Terminals are drawn by rich from what `jtel` writes to a terminal of that width; the report is opened in chromium. They
are made by hand, not by CI: fonts differ between machines.
"""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By

from tests.exports.browser import browser, view

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs/images"
JTEL = (sys.executable, "-c", "import sys; from jtel_constructs.cli import main; sys.exit(main())")
# name: width of the terminal, arguments
TERMINALS: dict[str, tuple[int, tuple[str, ...]]] = {
    "rules": (118, ("rules", "demo-aws", "--to", "jb")),
    "explain": (118, ("explain", "demo-aws", "--from", "pbx", "--to", "tel", "--port", "5061/tcp")),
}
# rich's own, without the font that it would load from the network
FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "Liberation Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: system-ui, Arial, sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def terminal(name: str, columns: int, arguments: tuple[str, ...]) -> None:
    """Draw what a command writes to a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 60, columns, 0, 0))
    environ = {key: value for key, value in os.environ.items() if key != "COLUMNS"} | {"TERM": "xterm-256color"}
    written = b""
    with subprocess.Popen((*JTEL, *arguments), cwd=ROOT, env=environ, stdout=theirs, stderr=theirs):
        os.close(theirs)
        try:
            while some := os.read(ours, 65536):
                written += some
        except OSError:  # how Linux says that the other end is closed
            pass
    os.close(ours)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=columns, file=nowhere)
        console.print(Text.from_ansi(written.decode().replace("\r\n", "\n").rstrip()))
        drawn = console.export_svg(
            title=f"jtel {' '.join(arguments)}", theme=DIMMED_MONOKAI, code_format=FORMAT, unique_id=f"jtel-{name}"
        )
    (IMAGES / f"{name}.svg").write_text(
        "\n".join(line.rstrip() for line in drawn.splitlines()) + "\n", encoding="utf-8"
    )


def report() -> None:
    """Take pictures of the report of a proved stack."""
    with tempfile.TemporaryDirectory() as name, browser() as driven:
        folder = Path(name)
        subprocess.run((*JTEL, "synth", "demo-aws", "--out", folder / "out"), cwd=ROOT, check=True)
        stack = Path("out/stacks/demo-aws/cdk.tf.json")
        (folder / "demo-aws.yaml").write_bytes((ROOT / "stacks/environments/demo-aws.yaml").read_bytes())
        arguments = ("report", "demo-aws.yaml", "--stack", stack, "-o", "report.html")
        subprocess.run((*JTEL, *arguments), cwd=folder, check=True)
        url = (folder / "report.html").as_uri()
        shoot(driven, url, "report", "light", 860)
        driven.get(url)
        driven.find_element(By.ID, "grid-server-tab").click()
        driven.execute_script("document.getElementById('grid').scrollIntoView()")
        cell = driven.find_element(By.CSS_SELECTOR, '#grid-server button[aria-label^="jb to tel: "]')
        cell.click()
        ActionChains(driven).move_to_element(
            driven.find_element(By.CSS_SELECTOR, '#grid-server button[aria-label^="lb to dbm: "]')
        ).perform()
        shoot(driven, "", "report-grid", "dark", 1100)


def shoot(driven: Chrome, url: str, name: str, scheme: str, height: int) -> None:
    """Save a picture of a page, or of what is open."""
    view(driven, 1180, height, scheme)
    if url:
        driven.get(url)
    time.sleep(0.3)
    driven.save_screenshot(str(IMAGES / f"{name}.png"))


def main() -> None:
    """Make all of them."""
    IMAGES.mkdir(exist_ok=True)
    for name, (columns, arguments) in TERMINALS.items():
        terminal(name, columns, arguments)
    for by in ("role", "server"):
        path = IMAGES / f"diagram-by-{by}.svg"
        subprocess.run((*JTEL, "diagram", "demo-aws", "--by", by, "-o", path), cwd=ROOT, check=True)
    report()


if __name__ == "__main__":
    main()
