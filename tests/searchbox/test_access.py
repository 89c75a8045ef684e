"""What axe finds fault with, which is nothing in any state, and what somebody hears who does not look."""

from __future__ import annotations

from typing import Any

import pytest

LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "forced colours": {"forced_colors": "active"},
    "forced colours, dark": {"forced_colors": "active", "color_scheme": "dark"},
    "narrow": {"viewport": {"width": 320, "height": 640}},
    "less motion": {"reduced_motion": "reduce"},
}


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_in_any_state(make_box: Any, look: str) -> None:
    box = make_box("form", **LOOKS[look])
    assert box.axe() == []
    box.type("parent_status = in_progress and owner.email ~ a% and created_at > now-7d or title = 3 ")
    assert box.expanded
    assert box.axe() == []
    box.press("ArrowDown")
    assert box.active
    assert box.axe() == []
    box.press("Escape")
    box.wait("root.querySelector('.fix')")  # a warning
    assert box.axe() == []
    box.type("and owner.emial = b and status = = c")
    box.press("Escape")
    box.wait("root.querySelector('.message .error')")
    assert box.axe() == []
    box.get("box.toggleAttribute('disabled')")
    assert box.axe() == []
    box.get("box.toggleAttribute('disabled')")
    box.input.fill("not archived")
    box.press("Escape")
    box.wait("root.querySelector('.preview').textContent")
    assert box.axe() == []


def test_the_roles_are_those_of_an_editable_combobox(box: Any) -> None:
    tree = box.host.aria_snapshot()
    assert 'combobox "Find cases"' in tree
    box.type("parent_status = ")
    attributes = {
        name: box.input.get_attribute(name)
        for name in ("role", "aria-autocomplete", "aria-expanded", "aria-controls", "aria-describedby")
    }
    assert attributes == {
        "role": "combobox",
        "aria-autocomplete": "list",
        "aria-expanded": "true",
        "aria-controls": "list",
        "aria-describedby": "message note",
    }
    assert box.get("input.type") == "text"
    assert box.get("root.getElementById('list').role") == "listbox"
    assert box.input.get_attribute("aria-activedescendant") is None
    box.press("ArrowDown")
    assert box.input.get_attribute("aria-activedescendant") == "o0"
    assert 'option "draft in preparation" [selected]' in box.host.aria_snapshot()
    box.press("ArrowLeft")
    assert box.input.get_attribute("aria-activedescendant") is None  # the caret went away


def test_what_is_found_and_what_is_wrong_is_said_when_the_typing_rests(box: Any) -> None:
    status = box.host.locator("[role=status]")
    box.type("parent_status = ")
    assert status.text_content() == ""  # nobody is talked over
    box.wait("root.querySelector('.status').textContent")
    assert status.text_content() == "4 suggestions"
    box.type("drft ")
    box.press("Escape")
    box.wait("root.querySelector('.status').textContent.includes('no value')")
    assert status.text_content() == "parent_status has no value drft. Alt+Enter to fix"
    box.press("Alt+Enter")
    box.wait("root.querySelector('.status').textContent === 'makes 1 request'")


@pytest.mark.parametrize(
    ("attribute", "name"), [('label="Cases"', "Cases"), ("", "Search"), ('id="named"', "A label somewhere")]
)
def test_the_box_has_a_name(make_box: Any, attribute: str, name: str) -> None:
    box = make_box("form")
    named = box.page.evaluate(
        """attribute => {
            const [key, value] = attribute.split('=');
            const label = document.createElement('label');
            label.htmlFor = 'named';
            label.textContent = ' A label somewhere ';
            const made = document.createElement('pql-search');
            if (key) made.setAttribute(key, value.slice(1, -1));
            document.querySelector('main').append(label, made);
            return made.shadowRoot.querySelector('input').getAttribute('aria-label');
        }""",
        attribute,
    )
    assert named == name


@pytest.mark.parametrize("look", ["light", "dark", "forced colours"])
def test_axe_finds_nothing_where_something_is_missing(make_box: Any, look: str) -> None:
    box = make_box("required", **LOOKS[look])
    assert box.axe() == []
    box.focus()
    box.press("Enter")
    assert box.message.text_content() == "Fill in this field"
    assert box.axe() == []
    box.type("owner.emial = a and title = ")
    session = box.page.context.new_cdp_session(box.page)
    session.send("Input.imeSetComposition", {"text": "に", "selectionStart": 1, "selectionEnd": 1})
    assert box.axe() == []
    box = make_box("unknown", **LOOKS[look])
    box.wait("root.querySelector('.message').textContent")
    assert box.axe() == []
    box.said.clear()  # that there is no such endpoint
    box = make_box("lost", **LOOKS[look])
    box.type("parent_status = = draft ")
    box.press("Escape")
    assert box.axe() == []


def test_an_empty_box_that_has_to_be_filled_says_so(make_box: Any) -> None:
    box = make_box("required")
    assert box.input.get_attribute("aria-required") == "true"
    assert box.input.get_attribute("aria-invalid") == "false"  # nobody has tried to send it
    assert box.message.text_content() == ""
    box.focus()
    box.press("Enter")
    assert box.input.get_attribute("aria-invalid") == "true"
    assert box.message.text_content() == "Fill in this field"
    box.wait("root.querySelector('.status').textContent === 'Fill in this field'")
    box.type("archived")
    assert (box.input.get_attribute("aria-invalid"), box.message.text_content()) == ("false", "")
    box.input.fill("")
    assert box.message.text_content() == ""  # until it is tried again
    box.get("box.form.requestSubmit()")
    assert box.message.text_content() == "Fill in this field"
    box.get("box.required = false")
    assert box.input.get_attribute("aria-required") == "false"
    assert (box.input.get_attribute("aria-invalid"), box.message.text_content()) == ("false", "")


def test_the_page_names_and_describes_the_box_as_it_does_any_field(make_box: Any) -> None:
    box = make_box("form")
    named = 'combobox "{}"'
    description = "root.getElementById('note').textContent"
    assert named.format("Find cases") in box.host.aria_snapshot()
    box.get("document.querySelector('label').firstChild.data = 'Look for cases', 0")
    box.wait("input.ariaLabel === 'Look for cases'")  # at once: nobody has come to the box since
    box.get("document.querySelector('label').append(' now'), 0")
    box.wait("input.ariaLabel === 'Look for cases now'")
    box.get("box.setAttribute('aria-label', 'Cases'), 0")
    assert box.input.get_attribute("aria-label") == "Cases"
    box.page.evaluate(
        """() => {
            for (const [id, text] of [["one", "Cases"], ["two", "to find"], ["three", "Ask for help"]]) {
                const made = document.createElement("p");
                made.id = id;
                made.textContent = text;
                document.querySelector("main").append(made);
            }
        }"""
    )
    box.get("box.setAttribute('aria-labelledby', 'one two nobody'), box.setAttribute('aria-describedby', 'three'), 0")
    assert box.input.get_attribute("aria-label") == "Cases to find"
    assert box.get(description) == "Ask for help"
    assert "note" in str(box.input.get_attribute("aria-describedby")).split()
    box.get("document.getElementById('three').textContent = 'Ask Ann'")
    box.wait(f"{description} === 'Ask Ann'")
    assert named.format("Cases to find") in box.host.aria_snapshot()
    assert box.axe() == []
    for name in ("aria-label", "aria-labelledby", "aria-describedby"):
        box.get(f"box.removeAttribute('{name}')")
    assert box.input.get_attribute("aria-label") == "Look for cases now"
    assert box.get(description) == ""


def test_forced_colours_show_the_text_itself(make_box: Any) -> None:
    box = make_box("alone", forced_colors="active")
    box.type("owner.emial = a ")
    box.press("Escape")
    box.wait("root.querySelector('.problem')")
    shown = box.get("getComputedStyle(input).color")
    assert shown not in ("transparent", "rgba(0, 0, 0, 0)")
    assert box.get("getComputedStyle(root.querySelector('.run')).color") == "rgba(0, 0, 0, 0)"
    assert box.get("getComputedStyle(root.querySelector('.run'), '::highlight(pql-field)').color") == "rgba(0, 0, 0, 0)"
    assert box.get("getComputedStyle(root.querySelector('.problem'), '::after').textDecorationLine") == "underline"


def test_nothing_moves_for_who_wants_no_motion(make_box: Any) -> None:
    box = make_box("alone", reduced_motion="reduce")
    assert box.get("getComputedStyle(root.querySelector('.box')).transitionDuration") == "0s"


def test_colours_are_underline_and_colour_alone(box: Any) -> None:
    """Bold or slanted letters would leave the caret behind."""
    box.type('parent_status = draft and title = "a" and created_at > now-7d order by title')
    fonts = box.get(
        "[...new Set([...root.querySelectorAll('.run span'), input].map(each => getComputedStyle(each))"
        ".map(style => [style.font, style.letterSpacing, style.whiteSpace, style.wordSpacing].join()))]"
    )
    assert len(fonts) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_decides_between_light_and_dark(make_box: Any, scheme: str) -> None:
    box = make_box("alone", color_scheme=scheme)
    surface = box.get("getComputedStyle(root.querySelector('.box')).backgroundColor")
    assert surface == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 29)"}[scheme]
    box.get("document.documentElement.style.colorScheme = 'light', 0")
    box.wait("getComputedStyle(root.querySelector('.box')).backgroundColor === 'rgb(255, 255, 255)'")
