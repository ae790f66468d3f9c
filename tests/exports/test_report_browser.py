"""The report in a real browser: opened, searched, pointed at, clicked, and used by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By

from jtel_constructs.clouds import cloud_of
from jtel_constructs.exports.report import report
from jtel_constructs.policy import FromBlock, FromServer, RuleSet
from tests.exports.browser import browser, view
from tests.policy.building import rules, site_rule

EVIL = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">&lt;b&gt;"


@pytest.fixture(scope="module")
def found() -> RuleSet:
    return rules(
        supplements=["database-backend"],
        narrow={"haproxy-web": ["10.1.0.0/16"]},
        site_rules=[site_rule(reason=EVIL), site_rule(name="back", **{"from": "jb", "to": "store"})],
    )


@pytest.fixture(scope="module")
def driven() -> Iterator[Chrome]:
    with browser() as one:
        yield one


@pytest.fixture
def page(driven: Chrome, found: RuleSet, tmp_path: Path) -> Chrome:
    path = tmp_path / "report.html"
    path.write_text(report(found, cloud_of(found.environment).emit(found)), encoding="utf-8")
    view(driven, 1300, 900)
    driven.get(path.as_uri())
    return driven


def one(page: Chrome, query: str) -> Any:
    return page.find_element(By.CSS_SELECTOR, query)


def labelled(page: Chrome, ends: str) -> Any:
    return one(page, f'.panel:not([hidden]) button[aria-label^="{ends}: "]')


def test_it_opens_without_an_error_and_loads_nothing(page: Chrome, found: RuleSet) -> None:
    assert page.title == "acd: security groups of a jtel system"
    assert page.get_log("browser") == []  # type: ignore[no-untyped-call]
    assert page.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert EVIL in one(page, "#remarks").text
    assert one(page, "h1").text == "acd"
    assert "Nothing was proved" in one(page, "#proof").text


def test_the_grid_by_server_says_what_the_demands_say(page: Chrome, found: RuleSet) -> None:
    one(page, "#grid-server-tab").click()
    script = """
        const data = JSON.parse(document.getElementById('data').textContent);
        return [...document.querySelectorAll('#grid-server button')].map((cell) => [
            cell.getAttribute('aria-label').split(': ')[0], data.cells[cell.dataset.c][1]]);
    """
    shown = {
        (ends, protocol, ports, row)
        for ends, entries in page.execute_script(script)
        for protocol, ports, row, *_ in entries
    }
    expected = set()
    for demand in found.demands:
        if isinstance(demand.source, FromServer):
            sources = [demand.source.name]
        elif isinstance(demand.source, FromBlock):
            origin = demand.origin.replace("narrow:", "any, narrowed for ")
            sources = [str(demand.source) if origin.startswith("site:") else origin]
        else:
            sources = [server.name for server in found.servers]
        expected |= {
            (f"{of} to {demand.destination}", demand.protocol, str(demand.ports), demand.row) for of in sources
        }
    assert shown == expected


def test_pointing_shows_the_ports_and_a_click_the_rows(page: Chrome) -> None:
    cell = labelled(page, "ACD-JB to ACD-TEL")
    ActionChains(page).move_to_element(cell).perform()
    assert one(page, "#tip").text == "ACD-JB to ACD-TEL\nudp 20641, 40406"
    cell.click()
    detail = one(page, "#detail").text
    assert "conference-control" in detail
    assert "Ports required Internally, row 17" in detail
    one(page, '#detail a[href="#row-conference-control"]').click()
    assert page.current_url.endswith("#row-conference-control")
    one(page, "#detail .close").click()
    assert not one(page, "#detail").is_displayed()


def test_what_is_not_in_the_document_is_marked(page: Chrome) -> None:
    for ends, mark in {
        "ACD-LB to ACD-DBM": "supplement: database-backend",
        "any, narrowed for haproxy-web to ACD-LB": "narrowed: haproxy-web",
        "192.168.77.0/24 to lb": "site rule: metrics",
    }.items():
        cell = labelled(page, ends)
        assert "marked" in cell.get_attribute("class")
        cell.click()
        assert mark in one(page, "#detail").text
        one(page, "#detail .close").click()
    assert "marked" not in labelled(page, "pbx to ACD-TEL").get_attribute("class")


def test_the_search_finds_words_and_ports_within_ranges(page: Chrome, found: RuleSet) -> None:
    search = one(page, "#search")

    def lines() -> list[str]:
        return [line.text for line in page.find_elements(By.CSS_SELECTOR, "#rule-table tbody tr:not([hidden])")]

    everything = lines()
    search.send_keys("lb 3307")
    assert {line.split()[0] for line in lines()} == {"lb"}
    assert all("3306-3308" in line for line in lines())
    wanted = [rule for rule in found.rules if rule.destination == "lb" and rule.ports.first <= 3307 <= rule.ports.last]
    assert len(lines()) == len(wanted)
    assert one(page, "#count").text == f"{len(wanted)} of {len(everything)} lines"
    search.clear()
    search.send_keys("nobody-has-this")
    assert lines() == []
    search.send_keys(Keys.CONTROL, "a")
    search.send_keys(Keys.BACKSPACE)
    assert lines() == everything


def test_a_servers_name_is_not_broken_at_its_hyphens_where_there_is_room(page: Chrome) -> None:
    script = """
        const name = document.querySelector('#rule-table td b');
        name.textContent = 'NODE-19-of-the-second-site';
        return name.getClientRects().length;
    """
    assert page.execute_script(script) == 1


def test_it_is_used_by_keyboard_alone(page: Chrome) -> None:
    def press(*keys: str) -> Any:
        ActionChains(page).send_keys(*keys).perform()
        return page.switch_to.active_element

    assert press(Keys.TAB).text == "Skip to the content"
    focused = press(Keys.TAB)
    while focused.get_attribute("role") != "tab":
        focused = press(Keys.TAB)
    assert press(Keys.ARROW_RIGHT).get_attribute("id") == "grid-server-tab"
    assert one(page, "#grid-server").is_displayed()
    assert not one(page, "#grid-role").is_displayed()
    press(Keys.TAB)
    first = press(Keys.TAB)
    assert first.get_attribute("aria-label").startswith("jtel-support to chat: ")
    assert one(page, "#tip").text == "jtel-support to chat\ntcp 22"
    second = press(Keys.ARROW_RIGHT)
    assert second.get_attribute("aria-label").startswith("jtel-support to dbm: ")
    press(Keys.ENTER)
    assert "ssh-linux" in one(page, "#detail").text
    assert press(Keys.ESCAPE) == second
    assert not one(page, "#detail").is_displayed()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1600])
def test_it_fits_narrow_and_wide_and_every_text_can_be_read(page: Chrome, width: int, scheme: str) -> None:
    view(page, width, 900, scheme)
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    # WCAG 2.1, 1.4.3: 4.5 to 1 for text of this size
    script = """
        const rgb = (text) => text.match(/[0-9.]+/g).map(Number);
        const light = (colour) => {
            const linear = (v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
            const [r, g, b] = rgb(colour).map((v) => linear(v / 255));
            return .2126 * r + .7152 * g + .0722 * b;
        };
        const ground = (element) => {
            for (let at = element; at; at = at.parentElement) {
                const colour = getComputedStyle(at).backgroundColor;
                if (rgb(colour)[3] !== 0) return colour;
            }
        };
        const poor = [];
        for (const element of document.querySelectorAll('body *:not(svg *, script)')) {
            if (![...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())) continue;
            const [a, b] = [light(getComputedStyle(element).color), light(ground(element))];
            const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
            if (ratio < 4.5) poor.push([element.tagName, element.className, element.textContent.slice(0, 30), ratio]);
        }
        return poor;
    """
    assert page.execute_script(script) == []


def test_on_paper_everything_is_shown(page: Chrome) -> None:
    view(page, 1000, 700, "dark", "print")
    for query in ("#grid-role", "#grid-server", "#diagram-role svg", "#diagram-server svg", "#rule-table"):
        assert one(page, query).is_displayed(), query
    for query in ("nav", "#search", "#tip", "#detail", ".tabs"):
        assert not one(page, query).is_displayed(), query
    assert page.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
