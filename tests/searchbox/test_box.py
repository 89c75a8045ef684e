"""What hands do with the box, in Chromium: typing, choosing, mending, sending, undoing."""

from __future__ import annotations

from typing import Any

import pytest

from pqlang import PENBOX

FIELDS = [field.name for field in PENBOX.endpoint("cases").fields]
URL = "https://connect.penbox.io/v1/cases?archived=false&parent_status=draft"


# Typing


def test_typing_is_coloured_and_completed_at_once(box: Any) -> None:
    box.page.route("**/pql/plan", lambda route: route.abort())  # nothing of this comes from the service
    box.page.route("**/pql/complete", lambda route: route.abort())
    box.type("parent_st")
    assert box.labels == ["parent_status"]
    assert box.drawn() == [("field", "parent_st")]
    box.type("atus = draft and archived")
    assert [piece for piece in box.drawn() if piece[1].strip()] == [
        ("field", "parent_status"),
        ("operator", "="),
        ("word", "draft"),
        ("keyword", "and"),
        ("field", "archived"),
    ]
    assert "".join(text for _, text in box.drawn()) == box.value
    box.said.clear()  # what was refused above


def test_the_list_offers_fields_operators_and_values(box: Any) -> None:
    box.focus()
    box.input.click()
    assert box.labels[: len(FIELDS)] == FIELDS
    box.type("parent_status ")
    assert box.labels[0] == "="
    box.type("= ")
    assert box.labels == ["draft", "pending", "in_progress", "closed"]
    assert box.options.first.text_content() == "draft in preparation"


def test_values_that_only_the_host_knows_come_from_the_service(box: Any) -> None:
    box.type("owner.email = ")
    box.wait("root.querySelector('.option-label')?.textContent === 'ann@acme.com' || root.textContent.includes('jo@')")
    assert {"ann@acme.com", "jo@acme.com"} <= set(box.labels)
    box.type("jo")
    box.wait("root.querySelectorAll('[role=option]').length === 1")
    assert box.labels == ["jo@acme.com"]
    box.press("ArrowDown", "Enter")
    assert box.value == "owner.email = jo@acme.com"


def test_what_somebody_chooses_from_keeps_its_order(make_box: Any) -> None:
    box = make_box("slow")
    box.type("owner.email = ")
    box.press("ArrowDown")
    assert box.active == "null"
    box.wait("root.querySelectorAll('[role=option]').length === 3")
    assert box.labels == ["null", "ann@acme.com", "jo@acme.com"]
    assert box.active == "null"


def test_a_mistake_is_underlined_and_explained_when_the_typing_rests(box: Any) -> None:
    box.type("owner.emial = ann ")
    box.press("Escape")
    box.wait("root.querySelector('.message').textContent")
    assert box.underlined() == [("error", "owner.emial")]
    assert box.message.inner_text().startswith("cases has no field owner.emial")
    assert box.input.get_attribute("aria-invalid") == "true"
    assert box.get("box.diagnostics[0].code") == "unknown-field"


def test_a_mistake_of_syntax_needs_no_service(make_box: Any) -> None:
    box = make_box("dead")
    box.type("status = = draft and archived")
    assert box.underlined()[0][0] == "error"
    assert box.get("box.validity.customError") is True
    box.wait("root.querySelector('.message').textContent")
    box.said[:] = [line for line in box.said if "404 (Not Found)" not in line]


def test_a_mistake_under_the_caret_waits(box: Any) -> None:
    box.type("parent_status = ")
    assert box.get("box.validity.valid") is False  # known at once
    assert box.underlined() == []
    box.page.wait_for_timeout(600)
    assert box.underlined() == []  # while there is a list to choose from
    box.press("Escape")
    assert box.underlined() == [("error", "\xa0")]


def test_a_line_under_a_mistake_has_a_colour_of_its_own(box: Any) -> None:
    line = "getComputedStyle(root.querySelector('.problem'), '::after').textDecoration"
    box.type("owner.emial = a ")
    box.press("Escape")
    box.wait("root.querySelector('.problem')")
    assert box.get(line) == "underline wavy rgb(180, 35, 24)"  # not that of the letters
    assert box.drawn()[0] == ("field problem error", "owner.emial")


def test_problems_stay_where_they_are_while_one_types_on(box: Any) -> None:
    box.type("archived and owner.emial = ann ")
    box.press("Escape")
    box.wait("root.querySelector('.problem')")
    box.page.route("**/pql/plan", lambda route: None)  # no more answers
    for key in "and not archived":
        box.press("Space" if key == " " else key)
        assert box.underlined() == [("error", "owner.emial")]
    box.press("Home", "-")
    assert box.underlined() == [("error", "owner.emial")]  # it has moved along
    assert [each["start"] for each in box.get("box.diagnostics")] == [len("-archived and ")]


def test_the_plan_is_previewed(box: Any) -> None:
    box.type("not archived and (parent_status = draft or owner.email = ann@acme.com)")
    box.wait("root.querySelector('.preview').textContent")
    assert box.preview.text_content() == "makes 2 requests"
    asked = [each["detail"] for each in box.events if each["type"] == "pql-request"][-1]
    assert asked["ok"]
    assert len(asked["requests"]) == 2
    box.type(" and title not contains test")
    box.wait("root.querySelector('.preview').textContent.includes('tests')")
    assert box.preview.text_content() == "makes 2 requests, then tests each record"


def test_scope_is_sent_along(make_box: Any) -> None:
    box = make_box("active")
    with box.page.expect_request("**/plan") as asked:
        box.type("parent_status = draft")
    assert asked.value.post_data_json["scope"] == "active"
    box.wait("root.querySelector('.preview').textContent")
    request = [each["detail"] for each in box.events if each["type"] == "pql-request"][-1]["requests"][0]
    assert request["params"] == {"parent_status": "draft", "archived": "false"}


# Keys


def test_by_keyboard_alone(make_box: Any) -> None:
    box = make_box("form")
    box.press("Tab")
    assert box.get("root.activeElement === input")
    box.wait("root.querySelector('.popup')")  # what completes comes with the focus
    box.press(*"par", "ArrowDown")
    assert box.active == "parent_status"
    assert box.options.first.get_attribute("aria-selected") == "true"
    box.press("Tab")  # an option is active, so that Tab takes it
    assert box.value == "parent_status "
    assert box.get("root.activeElement === input")
    assert box.expanded
    assert box.active is None  # manual selection: nothing is chosen for anybody
    box.press("ArrowDown", "Enter", "ArrowUp")
    assert box.active == "closed"
    box.press("ArrowDown")
    assert box.active == "draft"  # round and round
    box.press("Enter")
    assert box.value == "parent_status = draft"
    assert not box.expanded
    with box.page.expect_navigation():
        box.press("Enter")
    assert box.page.evaluate("JSON.parse(document.body.textContent)") == [
        ["q", "parent_status = draft"],
        ["by", "button"],
    ]


def test_tab_moves_on_where_no_option_is_active(make_box: Any) -> None:
    box = make_box("form")
    box.type("archived")  # which is right, so that no fix stands between
    assert box.expanded
    box.press("Tab")
    assert box.value == "archived"
    assert not box.expanded
    assert box.page.evaluate("document.activeElement.textContent") == "Search"
    box.press("Shift+Tab")
    assert box.get("root.activeElement === input")


def test_fixes_stand_in_the_order_of_tab(make_box: Any) -> None:
    box = make_box("form")
    box.type("archved ")
    box.press("Escape")
    box.wait("root.querySelector('.fix')")
    box.press("Tab")
    assert box.get("root.activeElement.className") == "fix"
    box.press("Enter")
    assert box.value == "archived "
    assert box.get("root.activeElement === input")


def test_escape_closes_the_list_and_leaves_the_text(make_box: Any) -> None:
    box = make_box("dialog")
    box.get("document.querySelector('dialog').showModal()")
    box.type("parent_status = ")
    assert box.expanded
    box.press("Escape")
    assert (box.expanded, box.value) == (False, "parent_status = ")
    assert box.get("document.querySelector('dialog').open")
    box.press("Escape")  # which is for the dialog
    assert not box.get("document.querySelector('dialog').open")
    assert (box.expanded, box.value) == (False, "parent_status = ")


def test_the_button_empties_the_box_and_undo_brings_back(box: Any) -> None:
    box.type("parent_status = ")
    box.host.locator(".clear").click()
    assert (box.expanded, box.value) == (False, "")
    assert box.get("root.activeElement === input")
    box.page.wait_for_timeout(600)  # nor do answers open it
    assert not box.expanded
    box.press("Control+z")
    assert box.value == "parent_status = "


def test_the_list_opens_by_key_and_closes_by_key(box: Any) -> None:
    box.focus()
    assert not box.expanded
    for opening in ("Control+Space", "Alt+ArrowDown"):
        box.press(opening)
        assert box.expanded
        assert box.active is None
        box.press("Alt+ArrowUp")
        assert not box.expanded
    box.press("ArrowUp")
    assert box.active == box.labels[-1]


def test_moving_the_caret_offers_what_fits_there(box: Any) -> None:
    box.type("parent_status = draft and archived")
    box.press("Home")
    for _ in range(len("parent_status = dr")):
        box.press("ArrowRight")
    box.press("Control+Space")
    assert box.labels[0] == "draft" or "draft" not in box.labels
    box.press("Home")
    assert box.labels[:2] == FIELDS[:2] or box.active is None


def test_alt_enter_applies_the_first_fix_and_undo_takes_it_back(box: Any) -> None:
    box.type("owner.emial = ann@acme.com ")
    box.press("Escape")
    box.wait("root.querySelector('.fix')")
    box.press("Alt+Enter")
    assert box.value == "owner.email = ann@acme.com "
    box.press("Control+z")
    assert box.value == "owner.emial = ann@acme.com "
    box.press("Control+Shift+z")
    assert box.value == "owner.email = ann@acme.com "


def test_alt_enter_applies_the_first_fix_while_the_list_is_open(box: Any) -> None:
    box.type("parent_status = drft")
    box.wait("box.diagnostics.length && box.diagnostics[0].suggestions.length")
    box.press("Control+Space")
    assert box.expanded
    box.press("Alt+Enter")
    assert (box.value, box.expanded) == ("parent_status = draft", False)
    box.press("Control+z")
    assert box.value == "parent_status = drft"


def test_what_is_unfinished_is_no_mistake_while_one_goes_on(box: Any) -> None:
    box.type("par")
    box.press("ArrowDown", "Enter")
    assert (box.value, box.expanded) == ("parent_status ", True)
    box.wait("box.diagnostics.length")  # the form knows of it
    box.page.wait_for_timeout(1000)
    assert box.underlined() == []
    assert box.message.text_content() == ""
    assert box.input.get_attribute("aria-invalid") == "false"
    box.type("= draft and own")
    box.press("ArrowDown", "Enter")
    assert box.expanded
    box.wait("box.diagnostics.length")
    box.page.wait_for_timeout(1000)
    assert (box.underlined(), box.message.text_content()) == ([], "")
    box.page.locator("h1").click()  # now it is
    assert box.underlined() != []
    assert box.message.text_content() != ""


def test_a_fix_by_mouse(box: Any) -> None:
    box.type("parent_status = drft ")
    box.press("Escape")
    box.wait("root.querySelector('.fix')")
    box.host.locator(".fix").first.click()
    assert box.value == "parent_status = draft "
    assert box.get("root.activeElement === input")


def test_an_option_by_mouse_and_undo(box: Any) -> None:
    box.type("par")
    box.options.first.click()
    assert box.value == "parent_status "
    assert box.get("root.activeElement === input")
    box.press("Control+z")
    assert box.value == "par"


def test_the_list_closes_when_the_box_is_left(box: Any) -> None:
    box.type("par")
    assert box.expanded
    box.page.locator("h1").click()
    assert not box.expanded


# Pasting


def paste(box: Any, text: str) -> None:
    box.input.evaluate(
        """(input, text) => {
            const data = new DataTransfer();
            data.setData("text/plain", text);
            const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
            if (input.dispatchEvent(event)) document.execCommand("insertText", false, text);
        }""",
        text,
    )


def test_a_pasted_url_becomes_the_query_and_undo_brings_it_back(box: Any) -> None:
    box.focus()
    paste(box, URL)
    box.wait("!box.value.startsWith('https')")
    assert box.value == "archived = false and parent_status = draft"
    box.press("Control+z")
    assert box.value == URL
    box.press("Control+Shift+z")
    assert box.value == "archived = false and parent_status = draft"


def test_a_pasted_filter_becomes_the_query(box: Any) -> None:
    box.focus()
    paste(box, '{\n  "attributes": {\n    "title": {"$eq": "a"}\n  }\n}\n')
    box.wait("box.value.startsWith('title')")
    assert box.value == "title = a"


def test_a_pasted_url_of_something_else_is_explained(box: Any) -> None:
    box.focus()
    paste(box, "https://connect.penbox.io/v1/forms?status=pending")
    box.wait("root.querySelector('.message').textContent")
    assert box.get("box.diagnostics[0].code") == "unknown-endpoint"


@pytest.mark.parametrize("text", ["https://connect.penbox.io/v1/forms?status=pending", '{"a": {"$nothing": 1}}'])
def test_what_cannot_be_read_back_keeps_its_explanation(box: Any, text: str) -> None:
    box.focus()
    paste(box, text)
    box.wait("root.querySelector('.message').textContent")
    said, code = box.message.text_content(), box.get("box.diagnostics[0].code")
    assert code != "syntax"
    box.page.wait_for_timeout(1000)
    assert (box.message.text_content(), box.get("box.diagnostics[0].code")) == (said, code)
    box.type("x")  # another text is read as a query, and this one again as what it is
    assert box.get("box.diagnostics[0].code") == "syntax"
    box.press("Backspace")
    box.page.wait_for_timeout(1000)
    assert (box.message.text_content(), box.get("box.diagnostics[0].code")) == (said, code)


def test_while_a_request_is_read_back_nothing_is_wrong_with_it(make_box: Any) -> None:
    box = make_box("slow")
    box.focus()
    paste(box, URL)
    box.page.wait_for_timeout(1000)
    assert (box.value, box.get("box.diagnostics"), box.message.text_content()) == (URL, [], "")
    box.wait("!box.value.startsWith('https')")
    assert box.value == "archived = false and parent_status = draft"


def test_a_request_that_nobody_reads_back_is_a_query_with_a_mistake(box: Any) -> None:
    box.page.route("**/decompile", lambda route: route.fulfill(json={}))
    box.focus()
    paste(box, URL)
    box.wait("root.querySelector('.message').textContent")
    assert box.get("box.diagnostics[0].code") == "syntax"


def test_line_breaks_that_are_dropped_are_blanks(box: Any) -> None:
    box.focus()
    box.get("box.value = 'title = a  and archived'")
    at = len("title = a ")
    drop = """(input, [text, at]) => {
        const data = new DataTransfer();
        data.setData("text/plain", text);
        const { left, top, height } = input.getBoundingClientRect();
        const clientX = left + at * input.scrollWidth / input.value.length;
        const where = { clientX, clientY: top + height / 2 };
        const event = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true, ...where });
        return input.dispatchEvent(event);
    }"""
    width = box.get(
        "root.querySelector('.run').firstChild && (() => { const range = new Range(); "
        "range.selectNodeContents(root.querySelector('.run')); return range.getBoundingClientRect().width })()"
    )
    letter = width / len("title = a  and archived")
    x = box.input.bounding_box()["x"] + at * letter
    script = drop.replace("left + at * input.scrollWidth / input.value.length", "at")
    assert box.input.evaluate(script, ["and parent_status\n= draft\n", x]) is False
    assert box.value == "title = a and parent_status = draft and archived"
    box.press("Control+z")
    assert box.value == "title = a  and archived"
    assert box.input.evaluate(script, ["of one line", x]) is True  # which the browser drops


def test_a_line_break_that_is_pasted_is_a_blank(box: Any) -> None:
    box.focus()
    paste(box, "archived\r\nand parent_status = draft\n")
    assert box.value == "archived and parent_status = draft"
    box.get("box.value = 'a\\nb'")
    assert box.value == "a b"


def test_a_no_break_space_is_a_blank(box: Any) -> None:
    box.focus()
    paste(box, "parent_status\xa0=\xa0draft")
    box.wait("root.querySelector('.preview').textContent")
    assert box.get("box.validity.valid")
    assert box.underlined() == []


def test_paste_replaces_what_is_selected(box: Any) -> None:
    box.type("archived")
    box.press("Control+a")
    paste(box, "title = x")
    assert box.value == "title = x"


# Input methods


def test_an_input_method_is_left_alone(box: Any) -> None:
    box.type("title = ")
    session = box.page.context.new_cdp_session(box.page)
    session.send("Input.imeSetComposition", {"text": "に", "selectionStart": 1, "selectionEnd": 1})
    assert box.value == "title = に"
    assert box.get("!root.querySelector('.box').classList.contains('live')")  # the browser draws what is composed
    before = len(box.events)
    box.input.evaluate(
        "input => input.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true }))"
    )
    assert not [each for each in box.events[before:] if each["type"] == "pql-submit"]
    session.send("Input.imeSetComposition", {"text": "日本", "selectionStart": 2, "selectionEnd": 2})
    session.send("Input.insertText", {"text": "日本"})
    assert box.value == "title = 日本"
    assert box.drawn()[-1] == ("word", "日本")
    assert box.get("root.querySelector('.box').classList.contains('live')")
    assert box.events[-1]["type"] in ("pql-input", "pql-diagnostics")


def compose(box: Any, text: str) -> None:
    session = box.page.context.new_cdp_session(box.page)
    session.send("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)})


def assert_quiet(box: Any) -> None:
    """The browser's own text is seen, and the box says nothing."""
    assert box.get("!root.querySelector('.box').classList.contains('live')")
    assert box.get("getComputedStyle(input).color") != "rgba(0, 0, 0, 0)"
    assert box.get("getComputedStyle(root.querySelector('.highlight')).visibility") == "hidden"
    assert (box.expanded, box.message.text_content(), box.preview.text_content()) == (False, "", "")
    assert box.input.get_attribute("aria-invalid") == "false"


def test_while_somebody_composes_nothing_is_drawn_over_it(make_box: Any) -> None:
    box = make_box("form")
    box.type("owner.emial = a and title = ")
    compose(box, "に")  # before the typing has rested, and before the service has said a word
    for text in ("にほ", "にほん", "日本"):
        assert_quiet(box)
        box.page.wait_for_timeout(400)
        compose(box, text)
        assert box.get("new FormData(box.form).get('q')") == f"owner.emial = a and title = {text}"
    box.page.wait_for_timeout(800)
    assert_quiet(box)
    assert box.host.locator("[role=status]").text_content() == ""
    box.page.context.new_cdp_session(box.page).send("Input.insertText", {"text": "日本"})
    box.press("Space")
    assert box.value == "owner.emial = a and title = 日本 "
    assert box.get("root.querySelector('.box').classList.contains('live')")
    box.wait("root.querySelector('.problem')")
    assert box.underlined() == [("error", "owner.emial")]


def test_an_answer_that_comes_while_somebody_composes_waits(make_box: Any) -> None:
    box = make_box("slow")
    box.type("owner.emial = a and title = ")
    with box.page.expect_response("**/plan", timeout=5000):
        box.page.wait_for_timeout(400)  # it is asked
        compose(box, "に")
    box.page.wait_for_timeout(200)
    assert_quiet(box)
    assert box.value == "owner.emial = a and title = に"


def test_the_list_closes_where_somebody_begins_to_compose(box: Any) -> None:
    box.type("parent_st")
    assert box.labels == ["parent_status"]
    compose(box, "に")
    assert_quiet(box)
    box.page.wait_for_timeout(1000)
    assert_quiet(box)


def test_keys_of_a_composition_choose_nothing(box: Any) -> None:
    box.type("par")
    box.input.evaluate(
        "input => input.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown', isComposing: true }))"
    )
    assert box.active is None


# Forms


def test_the_form_has_the_text_and_its_validity(make_box: Any) -> None:
    box = make_box("form")
    box.type("parent_status = = draft ")
    assert box.get("new FormData(box.form).get('q')") == "parent_status = = draft "
    assert box.get("box.form.checkValidity()") is False
    assert box.get("box.validationMessage === box.diagnostics[0].message")
    box.press("Escape")
    url = box.page.url
    box.press("Enter")
    assert box.page.url == url  # what is wrong is not sent
    assert not [each for each in box.events if each["type"] == "pql-submit"]


def wait_for_the_answer(box: Any) -> list[Any]:
    return box.page.evaluate("JSON.parse(document.body.textContent)")


def test_enter_waits_for_what_the_service_says(make_box: Any) -> None:
    box = make_box("slow-form")
    box.type("owner.emial = a")
    box.press("Enter")
    assert box.preview.text_content() == "checking …"
    box.wait("root.querySelector('.fix')")
    assert "/pages/slow-form" in box.page.url  # what is wrong is not sent
    assert box.preview.text_content() == ""
    assert not [each for each in box.events if each["type"] == "pql-submit"]
    box.input.fill("archived")
    with box.page.expect_navigation():
        box.press("Enter")
    assert wait_for_the_answer(box) == [["q", "archived"]]


def test_a_second_enter_waits_no_longer(make_box: Any) -> None:
    box = make_box("slow-form")
    box.get("box.form.addEventListener('submit', event => event.preventDefault())")
    box.type("archived")
    box.press("Enter")
    box.page.wait_for_timeout(300)
    assert not [each for each in box.events if each["type"] == "pql-submit"]
    box.press("Enter")
    box.wait("globalThis.heard.some(each => each.type === 'pql-submit')")
    box.page.wait_for_timeout(2500)
    assert len([each for each in box.events if each["type"] == "pql-submit"]) == 1  # not again when the answer is there


def test_who_types_on_has_not_sent_it(make_box: Any) -> None:
    box = make_box("slow-form")
    box.type("archived")
    box.press("Enter")
    box.type(" and title = a")
    box.page.wait_for_timeout(2600)
    assert "/pages/slow-form" in box.page.url
    assert not [each for each in box.events if each["type"] == "pql-submit"]
    assert box.preview.text_content() != "checking …"


def test_enter_does_not_wait_for_ever(make_box: Any) -> None:
    box = make_box("form")
    box.get("box.provider = { plan: () => new Promise(() => {}) }, 0")  # who does not heed the signal either
    box.type("archived")
    with box.page.expect_navigation(timeout=8000):
        box.press("Enter")
    assert wait_for_the_answer(box)[0] == ["q", "archived"]


def test_a_form_without_validation_sends_at_once(make_box: Any) -> None:
    box = make_box("slow-form")
    box.get("box.form.noValidate = true")
    box.type("owner.emial = = a")
    with box.page.expect_navigation(timeout=1500):
        box.press("Enter")
    assert wait_for_the_answer(box) == [["q", "owner.emial = = a"]]


def test_change_is_heard_when_the_text_is_sent_or_left(make_box: Any) -> None:
    box = make_box("form")
    box.page.evaluate("document.addEventListener('pql-submit', event => event.preventDefault())")

    def heard() -> list[str]:
        return [each["value"] for each in box.events if each["type"] == "change" and each["target"] == "pql-search"]

    box.type("archived")
    assert heard() == []
    box.press("Enter")
    assert heard() == ["archived"]
    box.wait("globalThis.heard.some(each => each.type === 'pql-submit')")
    assert [each["type"] for each in box.events if each["type"] in ("change", "pql-submit")] == ["change", "pql-submit"]
    box.page.locator("h1").click()
    assert heard() == ["archived"]  # not twice
    box.input.click()
    box.type(" ")
    box.host.locator(".clear").click()  # which is a part of the box
    assert heard() == ["archived"]
    box.page.locator("h1").click()
    assert heard() == ["archived", ""]
    box.get("box.value = 'title = a'")  # by a script
    box.input.click()
    box.page.locator("h1").click()
    assert heard() == ["archived", ""]


def test_a_page_may_send_the_query_itself(make_box: Any) -> None:
    box = make_box("form")
    box.page.evaluate("document.addEventListener('pql-submit', event => event.preventDefault())")
    box.type("archived")
    box.press("Escape", "Enter")
    box.page.wait_for_timeout(100)
    assert "/pages/form" in box.page.url
    (sent,) = [each for each in box.events if each["type"] == "pql-submit"]
    assert (sent["target"], sent["detail"]["value"], sent["detail"]["endpoint"]) == ("pql-search", "archived", "cases")


def test_reset_required_and_the_first_value(make_box: Any) -> None:
    box = make_box("filled")
    assert box.value == "not archived"
    box.input.fill("")
    assert box.get("box.validity.valueMissing")
    assert box.get("box.validationMessage") == "Fill in this field"
    box.press("Escape")  # the list lies above the button
    box.page.get_by_role("button", name="Reset").click()
    assert box.value == "not archived"
    assert box.get("box.validity.valid")
    box.get("box.setAttribute('value', 'archived')")
    assert box.value == "archived"  # until somebody types
    box.get("box.value = 'title = a'")
    box.get("box.setAttribute('value', 'x')")
    assert box.value == "title = a"


def test_a_disabled_fieldset_disables_the_box(make_box: Any) -> None:
    box = make_box("fieldset")
    assert box.input.is_disabled()
    assert box.get("new FormData(box.form).has('q')") is False
    assert box.get("box.willValidate") is False
    box.get("document.querySelector('fieldset').disabled = false")
    assert box.input.is_enabled()


def test_a_read_only_box_is_not_changed(box: Any) -> None:
    box.get("box.setAttribute('readonly', '')")
    box.get("box.value = 'owner.emial = a'")
    box.wait("root.querySelector('.fix')")
    box.input.click()
    box.press("Alt+Enter", "ArrowDown", "Escape")
    assert box.value == "owner.emial = a"
    assert not box.expanded


def test_the_state_is_restored(make_box: Any) -> None:
    box = make_box("form")
    box.type("archived and title = a")
    box.page.goto(f"{box.server}/pages/alone")
    box.page.go_back()
    box.wait("box.value === 'archived and title = a'")


def test_a_plain_input_inside_hands_over(make_box: Any) -> None:
    box = make_box("plain")
    assert box.value == "archived"
    assert box.input.get_attribute("placeholder") == "a query"
    assert box.get("box.querySelector('input').disabled")
    assert box.get("box.labels[0].textContent") == "Find cases"
    assert box.input.get_attribute("aria-label") == "Find cases"
    box.page.locator("label").click()
    assert box.get("root.activeElement === input")
    assert box.get("[...new FormData(box.form)]") == [["q", "archived"]]


def test_without_scripts_the_plain_input_is_there(make_box: Any, chromium: Any, server: str) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server}/pages/plain")
    page.get_by_label("Find cases").fill("not archived")
    page.get_by_role("button").click()
    assert '["q","not archived"]' in page.content()
    context.close()


# What a page hears and sets


def test_events_bubble_out_of_the_box(box: Any) -> None:
    box.type("ar")
    heard = [(each["type"], each["target"]) for each in box.events]
    assert ("pql-input", "pql-search") in heard
    assert ("input", "pql-search") in heard
    box.page.locator("h1").click()
    assert box.events[-1]["type"] == "change"
    assert [each["detail"]["value"] for each in box.events if each["type"] == "pql-input"] == ["a", "ar"]


def test_a_provider_takes_the_place_of_the_service(box: Any) -> None:
    asked: list[str] = []
    box.page.on("request", lambda request: "/static" in request.url or asked.append(request.url))
    box.get(
        """box.provider = {
            schema: async endpoint => ({ name: endpoint, description: '', search: null, examples: [], fields: [
                { name: 'colour', type: 'enum', description: 'of it', nullable: false, values: ['red', 'blue'],
                  meanings: ['', ''], sortable: false, many: false }] }),
            plan: async ({ query }) => ({ ok: query.includes('red'), requests: [{}], diagnostics: query.includes('red')
                ? [] : [{ code: 'dull', severity: 'warning', message: 'dull', utf16: { start: 0, end: 3 } }] }),
        }, 0"""
    )
    box.page.wait_for_timeout(50)
    box.type("colour = ")
    assert box.labels == ["red", "blue"]
    box.type("blue ")
    box.press("Escape")
    box.wait("box.diagnostics.length")
    assert box.get("box.diagnostics[0].code") == "dull"
    box.input.fill("colour = red")
    box.wait("root.querySelector('.preview').textContent")
    assert asked == []


def test_a_provider_that_fails_or_never_answers_stops_nothing(box: Any) -> None:
    box.get("box.provider = { schema: () => { throw new Error('no') }, plan: () => new Promise(() => {}) }, 0")
    box.type("status = = draft and x")
    assert box.underlined()
    box.get("box.provider = { schema: async () => { throw new Error('no') }, check: async () => null }, 0")
    box.page.wait_for_timeout(300)
    box.type(" and archived")
    assert box.drawn()[-1] == ("field", "archived")


WRONG = [
    "{}", "[]", "1", "null", '"text"', '{"ok": true}', '{"ok": false}', '{"ok": true, "requests": "abc"}',
    '{"ok": true, "requests": [null]}', '{"fields": "x"}', '{"fields": [{}]}', '{"fields": [{"name": "a"}]}',
    '{"fields": [{"name": "a", "type": "enum", "values": [1]}]}', '{"completions": [{}]}', '{"completions": "abc"}',
    '{"fields": [], "examples": "abc"}', '{"ok": false, "diagnostics": "abc"}',
    '{"ok": false, "diagnostics": [{}]}', '{"ok": true, "query": 1}',
    '{"ok": false, "diagnostics": [{"severity": "error", "message": "no", "utf16": {"start": -1, "end": 1e9}}]}',
    '{"ok": false, "diagnostics": [{"severity": "toString", "message": "no", "utf16": {"start": 0, "end": 1}}]}',
    '{"ok": false, "diagnostics": [{"severity": "error", "message": "no", "utf16": {"start": 0, "end": 1}, '
    '"suggestions": [{"message": "yes"}]}]}',
]  # fmt: skip


@pytest.mark.parametrize("answer", WRONG)
def test_an_answer_of_another_shape_is_none(make_box: Any, answer: str) -> None:
    box = make_box("alone")
    box.page.route("**/pql/*", lambda route: route.fulfill(body=answer, content_type="application/json"))
    box.type("status = = draft and archived ")
    box.page.wait_for_timeout(400)
    assert box.get("box.diagnostics.map(each => each.code)") == ["syntax"]  # what the browser knows
    assert box.underlined()[0][0] == "error"
    box.press("Escape")
    assert box.message.text_content() != ""
    box.input.fill("")
    paste(box, URL)
    box.page.wait_for_timeout(300)
    assert box.value == URL
    assert box.get("box.diagnostics[0].code") == "syntax"


@pytest.mark.parametrize("answer", [each for each in WRONG if each != "null"])  # which says that there is none
def test_an_endpoint_of_another_shape_is_none(box: Any, answer: str) -> None:
    box.get(f"box.provider = {{ schema: async () => ({answer}), complete: async () => ({answer}) }}, 0")
    box.page.wait_for_timeout(50)
    box.type("status = = draft and a")
    box.page.wait_for_timeout(300)
    assert box.get("box.diagnostics.map(each => each.code)") == ["syntax"]
    assert not box.expanded


def test_a_type_that_nobody_knows_is_offered_every_operator(box: Any) -> None:
    fields = '[{ name: "a", type: "constructor", values: [], meanings: [] }]'
    box.get(f"box.provider = {{ schema: async () => ({{ fields: {fields} }}) }}, 0")
    box.page.wait_for_timeout(50)
    box.type("a ")
    assert {"=", "contains", "between"} <= set(box.labels)
    box.type("= now-")
    assert not box.expanded


@pytest.mark.parametrize("provider", ["1", "'text'", "[]", "{ plan: 3, schema: null }", "Object.create(null)"])
def test_a_provider_that_is_none(box: Any, provider: str) -> None:
    box.get(f"box.provider = {provider}, 0")
    box.type("status = = draft and a")
    box.page.wait_for_timeout(300)
    assert box.get("box.diagnostics.map(each => each.code)") == ["syntax"]


def test_an_address_that_is_none_leaves_what_the_browser_knows(make_box: Any) -> None:
    box = make_box("lost")
    box.type("parent_status = = a and archived")
    box.page.wait_for_timeout(300)
    assert box.get("box.diagnostics.map(each => each.code)") == ["syntax"]
    box.input.fill("parent_status = draft")
    with box.page.expect_navigation():
        box.press("Enter")
    assert wait_for_the_answer(box) == [["q", "parent_status = draft"]]


def test_an_endpoint_that_there_is_not_is_said_once(make_box: Any) -> None:
    box = make_box("unknown")
    box.wait("root.querySelector('.message').textContent")
    assert box.message.text_content() == "there is no endpoint casez"
    asked: list[str] = []
    box.page.on("request", lambda request: asked.append(request.url))
    box.type("archived and title = a")
    box.page.locator("h1").click()
    box.input.click()
    box.page.wait_for_timeout(300)
    assert box.message.text_content() == "there is no endpoint casez"
    assert not [url for url in asked if "/plan" in url]
    assert box.get("box.validity.valid")  # the query is right, as far as anybody knows
    warnings = [line for line in box.said if line.startswith("warning")]
    assert warnings == ["warning: pql-search: there is no endpoint `casez`"]
    box.get("box.endpoint = 'cases'")
    box.wait("!root.querySelector('.message').textContent && root.querySelector('.preview').textContent")
    box.get("box.endpoint = 'formz'")
    box.wait("root.querySelector('.message').textContent")
    assert box.preview.text_content() == ""  # what was asked of another endpoint
    warnings.append("warning: pql-search: there is no endpoint `formz`")
    box.said[:] = [line for line in box.said if line not in warnings and "404 (Not Found)" not in line]


REFLECTED = {
    "name": "name", "label": "label", "endpoint": "endpoint", "src": "src", "scope": "scope",
    "placeholder": "placeholder", "defaultValue": "value",
}  # fmt: skip


def test_properties_are_attributes_by_another_way(box: Any) -> None:
    box.get("(globalThis.made = document.createElement('pql-search'), 0)")
    for name, attribute in REFLECTED.items():
        assert box.get(f"made.{name}") == ""
        box.get(f"made.{name} = 'a'")
        assert box.get(f"[made.{name}, made.getAttribute('{attribute}')]") == ["a", "a"]
        box.get(f"made.setAttribute('{attribute}', 'b')")
        assert box.get(f"made.{name}") == "b"
        box.get(f"made.{name} = null")  # as React takes a prop away
        assert box.get(f"made.hasAttribute('{attribute}')") is False
    for name in ("disabled", "required", "readOnly"):
        assert box.get(f"made.{name}") is False
        box.get(f"made.{name} = true")
        assert box.get(f"[made.{name}, made.hasAttribute('{name.lower()}')]") == [True, True]
        box.get(f"made.{name} = false")
        assert box.get(f"made.hasAttribute('{name.lower()}')") is False
    assert box.get("made.type") == "pql-search"


def test_a_property_does_what_its_attribute_does(make_box: Any) -> None:
    box = make_box("form")
    box.get("(box.disabled = true, box.placeholder = 'an example', box.name = 'other', box.defaultValue = 'archived')")
    assert box.input.is_disabled()
    assert box.input.get_attribute("placeholder") == "an example"
    assert box.value == "archived"
    box.get("box.disabled = false")
    assert box.get("new FormData(box.form).get('other')") == "archived"
    assert box.get("[...box.form.elements].map(each => each.type)") == ["pql-search", "submit"]


def test_properties_that_were_set_before_the_script_came(box: Any) -> None:
    script = box.get("document.querySelector('script').src")
    page = '<!doctype html><title>Cases</title><link rel="icon" href="/icon.svg"><pql-search label="Find"></pql-search>'
    policy = {"Content-Security-Policy": "default-src 'self'; style-src 'self'"}
    box.page.route("**/early", lambda route: route.fulfill(body=page, content_type="text/html", headers=policy))
    box.page.goto(f"{box.server}/early")
    box.page.evaluate(
        """script => {
            const box = document.querySelector("pql-search");
            Object.assign(box, { endpoint: "cases", value: "archived", required: true, name: "q" });
            return import(script);
        }""",
        script,
    )
    box.wait("root && box.getAttribute('endpoint') === 'cases'")
    assert box.get("[box.value, box.required, box.getAttribute('name'), Object.keys(box)]") == [
        "archived",
        True,
        "q",
        [],
    ]


def test_what_was_set_before_the_element_was_known(make_box: Any, server: str) -> None:
    box = make_box("alone")
    value = box.page.evaluate(
        """() => {
            const early = document.createElement('pql-search');
            early.setAttribute('value', 'archived');
            document.body.append(early);
            return early.value;
        }"""
    )
    assert value == "archived"


# A slow service, and a dead one


def test_a_slow_service_holds_nothing_up(make_box: Any) -> None:
    box = make_box("slow")
    box.type("parent_status = ")
    assert box.labels == ["draft", "pending", "in_progress", "closed"]
    box.press("ArrowDown", "Enter")
    assert box.value == "parent_status = draft"
    box.type(" and owner.emial = a ")
    assert box.drawn()[0] == ("field", "parent_status")
    box.press("Escape")
    box.wait("root.querySelector('.fix')")
    assert box.underlined() == [("error", "owner.emial")]


def test_an_answer_that_comes_too_late_is_dropped(make_box: Any) -> None:
    box = make_box("slow")
    box.type("owner.emial = a ")
    box.page.wait_for_timeout(300)  # it is asked
    box.input.fill("parent_status = draft")
    box.wait("root.querySelector('.preview').textContent")
    assert box.get("box.diagnostics") == []
    assert [each["detail"]["ok"] for each in box.events if each["type"] == "pql-request"][-1] is True


def test_a_dead_service_leaves_a_text_field_that_knows_the_language(make_box: Any) -> None:
    box = make_box("dead")
    box.type("parent_status = draft and ")
    assert box.drawn()[0] == ("field", "parent_status")
    box.type("archived")
    box.page.wait_for_timeout(400)
    assert box.get("box.validity.valid")
    with box.page.expect_navigation():
        box.press("Enter")
    assert box.page.evaluate("JSON.parse(document.body.textContent)") == [["q", "parent_status = draft and archived"]]
    assert box.said
    box.said[:] = [line for line in box.said if "404 (Not Found)" not in line]  # the browser's own note


def test_a_service_that_fails_is_left_in_peace(make_box: Any) -> None:
    box = make_box("alone")
    asked: list[str] = []

    def refuse(route: Any) -> None:
        asked.append(route.request.url)
        route.fulfill(status=503)

    box.page.route("**/pql/plan", refuse)
    for letter in "archived":
        box.type(letter)
        box.page.wait_for_timeout(200)
    assert 1 <= len(asked) <= 3
    box.said[:] = [line for line in box.said if "503" not in line]


def test_what_was_said_of_an_older_text_goes_with_a_failure(make_box: Any) -> None:
    box = make_box("form")
    box.type("owner.email ")
    box.press("Escape")
    box.wait("box.diagnostics.length")
    box.page.route("**/pql/plan", lambda route: route.fulfill(status=503))
    box.type("> 3")
    box.press("Escape")
    box.wait("!box.diagnostics.length")
    assert box.message.text_content() == ""
    box.press("Alt+Enter")
    assert box.value == "owner.email > 3"
    box.page.unroute("**/pql/plan")  # and when the service has had its rest, it is asked again
    box.wait("box.diagnostics.some(each => each.severity === 'error')")
    box.said[:] = [line for line in box.said if "503" not in line]


def test_enter_asks_a_service_that_has_failed(make_box: Any) -> None:
    box = make_box("form")
    box.page.route("**/pql/plan", lambda route: route.fulfill(status=503))
    box.type("owner.email > 3")
    box.press("Escape")
    box.page.wait_for_timeout(400)
    box.page.unroute("**/pql/plan")
    box.press("Enter")
    box.wait("box.validationMessage")
    assert box.page.url.endswith("/form")
    box.said[:] = [line for line in box.said if "503" not in line]


def test_a_schema_that_failed_is_asked_for_again_by_who_types_on(make_box: Any) -> None:
    box = make_box("alone")
    failed = []

    def refuse(route: Any) -> None:
        failed.append(route.request.url)
        route.fulfill(status=503)

    box.page.route("**/schema/*", refuse)
    box.page.reload()
    box.page.wait_for_timeout(1_300)  # as long as the service is left in peace
    box.ready = False
    box.focus()
    box.page.wait_for_timeout(200)
    assert len(failed) >= 2
    box.page.unroute("**/schema/*")
    for _ in range(40):
        box.type("a")
        box.page.wait_for_timeout(200)
        if box.labels:
            break
        box.press("Backspace")
    assert "archived" in box.labels
    box.said[:] = [line for line in box.said if "503" not in line]


def test_an_error_goes_before_a_hint_at_the_caret(box: Any) -> None:
    box.type("parent_status = drft and ow")
    box.press("Escape")
    box.wait("root.querySelector('.fix')")
    assert "drft" in box.message.text_content()
    box.press("Alt+Enter")
    assert box.value == "parent_status = draft and ow"


def test_a_box_that_becomes_read_only_closes_its_list(box: Any) -> None:
    box.type("par")
    assert box.expanded
    box.get("box.readOnly = true")
    assert not box.expanded


def test_half_a_letter_is_asked_of_nobody(box: Any) -> None:
    asked: list[str] = []
    box.page.on("request", lambda request: asked.append(request.url))
    box.focus()
    box.get("box.value = 'title = \\ud800x'")
    box.page.wait_for_timeout(400)
    assert box.get("box.diagnostics[0].severity") == "error"
    assert not [url for url in asked if url.endswith("/plan")]


def test_in_another_document_it_looks_the_same(box: Any) -> None:
    box.type("par")
    looks = "(input => [getComputedStyle(input).borderTopWidth, box.shadowRoot.adoptedStyleSheets.length])(input)"
    before = box.get(looks)
    moved = box.page.evaluate(
        """() => {
            const box = document.querySelector("pql-search"), frame = document.createElement("iframe");
            document.body.append(frame);
            frame.contentDocument.body.append(box);
            const { length } = box.shadowRoot.adoptedStyleSheets;
            document.querySelector("main").append(box);
            return length;
        }"""
    )
    assert (moved, box.get(looks)) == (before[1], before)


def test_an_answer_is_remembered(box: Any) -> None:
    asked: list[Any] = []
    box.page.on("request", lambda request: request.url.endswith("/plan") and asked.append(request.post_data_json))
    for _ in range(3):
        box.input.fill("archived")
        box.wait("root.querySelector('.preview').textContent")
        box.input.fill("not archived")
        box.wait("root.querySelector('.preview').textContent")
    queries = [each["query"] for each in asked if each["query"]]
    assert sorted(queries) == ["archived", "not archived"]


def test_without_an_engine_it_is_a_text_field(make_box: Any, chromium: Any, server: str) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.add_init_script("RegExp = class extends RegExp { constructor(...all) { throw new Error('too old'); } }")
    page.goto(f"{server}/pages/form")
    field = page.locator("pql-search input")
    field.press_sequentially("archived = true")
    colour = field.evaluate("input => getComputedStyle(input).color")
    assert colour not in ("transparent", "rgba(0, 0, 0, 0)")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.evaluate("JSON.parse(document.body.textContent)")[0] == ["q", "archived = true"]
    context.close()


# Long text


def test_ten_thousand_characters_stay_responsive(box: Any) -> None:
    text = " and ".join(["parent_status = draft"] * 384)[:10_000].rsplit(" and ", 1)[0]
    box.get(f"box.value = {text!r}")
    box.input.focus()
    box.press("End")
    for letter in " and archived":
        box.press("Space" if letter == " " else letter)
    assert box.value == text + " and archived"
    assert "".join(part for _, part in box.drawn()) == box.value
    assert box.get("box.diagnostics.length") == 0  # and it has been read to its end


def test_a_text_past_every_limit_is_still_a_text(box: Any) -> None:
    box.get("box.value = 'archived and '.repeat(2000)")
    assert len(box.value) == 26_000
    box.input.focus()
    box.press("End", "x")
    assert box.value.endswith("x")


WIDTHS = """
(length) => {
    const root = document.querySelector("pql-search").shadowRoot;
    const input = root.querySelector("input");
    const nodes = [...root.querySelector(".run").childNodes].map(each => each.firstChild ?? each);
    const copy = input.cloneNode(); // as wide as nothing, so that its text is what it scrolls over
    copy.style.width = "0";
    input.after(copy);
    const widths = [];
    for (let part = 1; part <= 20; part++) {
        let at = Math.floor((length * part) / 20);
        copy.value = input.value.slice(0, at);
        const range = new Range();
        range.setStart(nodes[0], 0);
        const node = nodes.find(each => at <= each.length || ((at -= each.length), false));
        range.setEnd(node, at);
        widths.push([copy.scrollWidth, range.getBoundingClientRect().width]);
    }
    copy.remove();
    return widths;
}
"""


@pytest.mark.parametrize("length", [100, 500, 2_300, 10_000])
@pytest.mark.parametrize("font", ["", "sans-serif"])
def test_the_layer_does_not_drift(box: Any, length: int, font: str) -> None:
    text = " and ".join(["parent_status = draft", 'owner.email ~ "%@acme%"', "created_at > now-7d"] * 200)[:length]
    box.get(f"(box.style.setProperty('--pql-font', {font!r}), box.value = {text!r})")
    box.page.wait_for_timeout(50)
    for native, drawn in box.page.evaluate(WIDTHS, length):
        assert abs(native - drawn) <= 1


def test_mistakes_do_not_move_the_letters(box: Any) -> None:
    box.get("box.value = 'status = = draft and '.repeat(20)")
    box.page.wait_for_timeout(50)
    assert len(box.underlined()) >= 20
    for native, drawn in box.page.evaluate(WIDTHS, box.get("box.value.length")):
        assert abs(native - drawn) <= 1


def test_colours_go_with_their_box(box: Any) -> None:
    box.get("box.value = 'archived = true'")
    count = "[...CSS.highlights.values()].reduce((sum, each) => sum + each.size, 0)"
    assert box.page.evaluate(count) == 3
    box.get("box.value = 'archived'")
    assert box.page.evaluate(count) == 1
    box.get("(globalThis.kept = box).remove()")
    assert box.page.evaluate(count) == 0
    box.page.evaluate("document.querySelector('main').append(kept)")
    assert box.drawn() == [("field", "archived")]


# The caret and the colours


@pytest.mark.parametrize("query", ["", "?rtl"])
def test_each_letter_covers_its_own(make_box: Any, query: str) -> None:
    box = make_box("alone", query, viewport={"width": 360, "height": 600})
    box.type('parent_status = in_progress and owner.email ~ "%@acme%" and title = "日本語 é" and archived = false')
    box.page.wait_for_timeout(100)
    assert box.get("input.scrollLeft") > 100
    shift = box.get("new DOMMatrix(getComputedStyle(root.querySelector('.run')).transform).m41 + input.scrollLeft")
    assert abs(shift) < 1
    wide = box.get("Math.abs(root.querySelector('.run').getBoundingClientRect().width - input.scrollWidth)")
    assert wide < 3
    box.press("Home")
    box.wait("new DOMMatrix(getComputedStyle(root.querySelector('.run')).transform).m41 === 0")


def test_right_to_left(make_box: Any) -> None:
    box = make_box("alone", "?rtl")
    assert box.get("getComputedStyle(input).direction") == "rtl"  # nothing is typed: as the page
    box.type('title = "שלום" and archived')
    assert box.get("getComputedStyle(input).direction") == "ltr"  # a query begins with a field
    assert box.get("getComputedStyle(root.querySelector('.highlight')).direction") == "ltr"
    box.input.fill('"שלום"')
    assert box.get("getComputedStyle(input).direction") == "rtl"
    assert box.get("getComputedStyle(root.querySelector('.highlight')).direction") == "rtl"


def test_the_list_stands_above_the_box_where_there_is_no_room_below(make_box: Any) -> None:
    box = make_box("low", viewport={"width": 500, "height": 400})
    box.get("document.querySelector('.spacer').style.height = '230px', 0")
    box.type("par")
    top = box.host.locator(".popup").bounding_box()
    field = box.host.locator(".box").bounding_box()
    assert top["y"] + top["height"] <= field["y"]


def test_a_narrow_page(make_box: Any) -> None:
    box = make_box("form", viewport={"width": 320, "height": 600})
    box.focus()
    box.input.click()
    popup = box.host.locator(".popup").bounding_box()
    assert popup["x"] >= 0
    assert popup["x"] + popup["width"] <= 320
    box.type("owner.emial = ann@acme.com ")
    box.press("Escape")
    box.wait("root.querySelector('.fix')")
    assert box.page.evaluate("document.documentElement.scrollWidth") <= 320


def test_of_a_row_that_is_too_short_the_detail_gives_way(make_box: Any) -> None:
    box = make_box("alone", viewport={"width": 320, "height": 600})
    box.focus()
    box.input.click()
    rows = box.get(
        "[...root.querySelectorAll('.option')].map(row => [...row.children].map(each => "
        "[each.scrollWidth > each.clientWidth, each.getBoundingClientRect().right, row.getBoundingClientRect().right]))"
    )
    assert len(rows) > 10
    for (name_is_cut, name_ends, row_ends), (detail_is_cut, _, _) in rows:
        assert not name_is_cut or detail_is_cut
        assert name_ends <= row_ends
    assert any(detail_is_cut for _, (detail_is_cut, _, _) in rows)
    fields = rows[: len(FIELDS)]  # whole examples come behind them
    assert not any(name_is_cut for (name_is_cut, _, _), _ in fields)


def test_the_element_may_be_taken_out_and_put_back(box: Any) -> None:
    box.type("par")
    box.page.evaluate(
        "() => { const box = document.querySelector('pql-search'); box.remove(); globalThis.kept = box; }"
    )
    box.page.evaluate("() => document.querySelector('main').append(kept)")
    assert box.value == "par"
    assert not box.expanded
    box.input.press("End")
    box.type("ent")
    assert box.labels == ["parent_status"]
