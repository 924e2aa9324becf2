"""The report in a browser: on paper, and on a narrow screen."""

import re
import shutil
import subprocess

import pytest
from small import raw_bytes

from rawback import RenderOptions
from rawback.evaluate import evaluate, methods, report, report_tables

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
METHODS, QUALITIES = ("rawback", "classical", "open"), (75, 85, 87, 90, 95)
PAPER = 794 - 2 * 53
"""CSS pixels across A4 between margins of 14 mm; letter is wider."""
COUNT = "<script>document.title = [...document.querySelectorAll('{what}')].filter(e => {test}).length</script></body>"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed to look at the page with")


def chromium(*arguments, folder):
    line = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}", *arguments]
    done = subprocess.run(line, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """The report of two files: five qualities by three methods are as many rows as readers ask for."""
    pictures, rows = report.Pictures(87), []
    for seed in (1, 2):
        source = tmp_path_factory.mktemp("raw") / f"a_photograph_with_a_long_name_{seed}.dng"
        source.write_bytes(raw_bytes(seed, 256, 192))
        found = evaluate.evaluate(source, RenderOptions(exposure=0.0), [87], METHODS, on_trip=pictures.add)
        rows += [row | {"quality": quality} for row in found for quality in QUALITIES]
    return report.build(rows, pictures, {name: methods.described(name) for name in METHODS}, "--report out.html")


def counted(text, folder, what, test, width):
    """How many elements a test in JavaScript holds for, in a window of that width."""
    path = folder / "counted.html"
    path.write_text(text.replace("</body>", COUNT.format(what=what, test=test)))
    found = chromium(f"--window-size={width},900", "--dump-dom", path.as_uri(), folder=folder)
    return int(re.search(r"<title>(\d+)</title>", found)[1])


def test_the_report_prints_on_a_few_pages(text, tmp_path):
    (tmp_path / "out.html").write_text(text)
    printed = tmp_path / "out.pdf"
    chromium(f"--print-to-pdf={printed}", (tmp_path / "out.html").as_uri(), folder=tmp_path)
    pages = len(re.findall(rb"/Type\s*/Page\b", printed.read_bytes()))
    assert 5 <= pages <= 9  # figures and curves take two or three, each file two, methods go along or take one


def test_no_table_is_wider_than_the_paper(text, tmp_path):
    on_paper = text.replace("@media print", "@media all")
    wide = "e.getBoundingClientRect().right > document.body.getBoundingClientRect().right + 1"
    assert counted(on_paper, tmp_path, "table, img, svg", "e.getBoundingClientRect().width > 20", PAPER) > 12
    assert counted(on_paper, tmp_path, "table, img, svg, code", wide, PAPER) == 0
    assert counted(on_paper.replace("7.5pt", "18pt"), tmp_path, "table", wide, PAPER) > 0  # the test can fail


def test_paper_is_white(text, tmp_path):
    on_paper = text.replace("@media print", "@media all").replace("@media (prefers-color-scheme: dark)", "@media all")
    assert counted(on_paper, tmp_path, "body", "getComputedStyle(e).backgroundColor == 'rgb(255, 255, 255)'", PAPER) == 1


def test_the_page_never_scrolls_sideways_on_a_phone(text, tmp_path):
    """Tables do, in frames of their own that the keyboard reaches."""
    assert counted(text, tmp_path, "html", "e.scrollWidth > innerWidth", 500) == 0
    assert counted(text, tmp_path, ".wide[tabindex]", "e.scrollWidth > e.clientWidth", 500) > 0


def test_each_figure_of_the_shadows_has_its_column(text):
    for title in ("noise kept</th>", "black is off, DN</th>", ">+4 EV</th>"):
        assert text.count(title) == 3  # the means, and each file
    assert all("scope=" in tag for tag in re.findall(r"<th\b[^>]*>", text))
    names = {name for columns in dict(report_tables.TABLES).values() for name in columns}
    assert {"noise_black", "noise_shadows", "noise_midtones", "noise_highlights"} <= names
    assert {"bias_red_dn", "bias_green_dn", "bias_blue_dn", "edit_+4ev_db"} <= names
