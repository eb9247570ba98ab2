"""The HTML page in Chromium: ``python benchmarks/page.py PAGE.html`` says how long it takes to open, filter and sort.

The browser measures: navigation timing for opening, and from an event until the frame after it for everything else.
Needs selenium, chromium and chromedriver.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import click
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
OPENED = "const told = performance.getEntriesByType('navigation')[0]; return told.loadEventEnd"
# What is typed into the filter: a letter, words, a verdict, nothing that is there, and nothing at all.
TYPED = ("s", "service-12", "item/77", "dropped", "zzz", "")
ACTED = """
const [typed, done] = arguments;
const frame = () => new Promise((next) => requestAnimationFrame(() => setTimeout(next)));
(async () => {
  const input = document.getElementById("filter");
  const told = [];
  for (const word of typed) {
    input.value = word;
    const begin = performance.now();
    input.dispatchEvent(new Event("input"));
    await frame();
    told.push([`filter ${JSON.stringify(word)}`, performance.now() - begin]);
  }
  const begin = performance.now();
  document.querySelector("#call-table thead th:nth-child(3) button").click();
  await frame();
  told.push(["sort", performance.now() - begin]);
  done(told);
})();
"""


def _browser() -> webdriver.Chrome:
    options = Options()
    options.binary_location = shutil.which("chromium") or ""
    for flag in FLAGS:
        options.add_argument(flag)
    return webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))


@click.command()
@click.argument("page", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--runs", default=3, show_default=True)
def main(page: Path, runs: int) -> None:
    """Measure PAGE; of several runs the slowest counts."""
    browser = _browser()
    try:
        browser.set_window_size(1280, 900)
        slowest: dict[str, float] = {}
        for _ in range(runs):
            browser.get("about:blank")
            browser.get(page.resolve().as_uri())
            told = [["open", browser.execute_script(OPENED)], *browser.execute_async_script(ACTED, TYPED)]
            for name, taken in told:
                slowest[name] = max(slowest.get(name, 0.0), taken)
    finally:
        browser.quit()
    click.echo(f"{page.name}: {page.stat().st_size / 1e6:.1f} MB")
    for name, taken in slowest.items():
        click.echo(f"  {name:<24}{taken:8.1f} ms")


if __name__ == "__main__":
    main()
