// The search box in Firefox, driven by puppeteer-core: `node firefox.mjs SERVER FIREFOX` prints one JSON object, what
// each check found wrong by the check's name. `test_firefox.py` starts it, once, and has a test for each.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [, , server, executablePath] = process.argv;
const require = createRequire(new URL("../../searchbox/package.json", import.meta.url));
const { default: puppeteer } = await import(pathToFileURL(require.resolve("puppeteer-core")));
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true });
const sleep = time => new Promise(done => setTimeout(done, time));
let page;
let said;

async function open(name, query = "") {
  page = await browser.newPage();
  said = [];
  page.on("console", message => said.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", error => said.push(`uncaught: ${error.message}`));
  await page.goto(`${server}/pages/${name}${query}`);
  await until("box.shadowRoot && input.isConnected");
  await sleep(150); // the endpoint is known
}

/** What an expression gives for `box`, the element, `root` and `input` inside it. */
const get = script =>
  page.evaluate(
    `(() => { const box = document.querySelector("pql-search"), root = box.shadowRoot, input = root?.querySelector("input"); return (${script}); })()`,
  );

async function until(script) {
  for (let tried = 0; tried < 200; tried++) {
    if (await get(`Boolean(${script})`).catch(() => false)) return;
    await sleep(50);
  }
  throw new Error(`never: ${script}`);
}

async function focus() {
  await get("(input.focus(), 0)");
  await until("root.querySelector('.popup')"); // what completes has come
}
const type = text => page.keyboard.type(text);
const value = () => get("box.value");
const labels = () => get("[...root.querySelectorAll('.option-label')].map(each => each.textContent)");

async function press(...keys) {
  for (const key of keys) {
    const parts = key.split("+");
    for (const part of parts) await page.keyboard.down(part);
    for (const part of parts.reverse()) await page.keyboard.up(part);
  }
}

function same(found, wanted) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
}

async function faults() {
  await page.evaluate(axe);
  return page.evaluate("axe.run(document).then(found => found.violations.map(each => each.id))");
}

/** Paste a text by way of the clipboard, from a field of the page's own. */
async function paste(text) {
  await page.evaluate(
    `(() => { const field = document.createElement("textarea"); field.value = ${JSON.stringify(text)};
    document.body.append(field); field.select(); })()`,
  );
  await press("Control+x");
  await get("(input.focus(), 0)");
  await press("Control+v");
}

const CHECKS = {
  async "typing is coloured and completed"() {
    await open("alone");
    await focus();
    await type("parent_st");
    await until("root.querySelector('[role=option]')"); // what completes has come
    same(await labels(), ["parent_status"]);
    same(await get("Math.sign(root.querySelector('.popup').getBoundingClientRect().top - root.querySelector('.box').getBoundingClientRect().bottom)"), 1);
    same(await get("[...CSS.highlights.get('pql-field')].map(each => each.startContainer.data.slice(each.startOffset, each.endOffset))"), ["parent_st"]);
    await press("ArrowDown", "Tab");
    same(await value(), "parent_status ");
    await type("= ");
    same(await labels(), ["draft", "pending", "in_progress", "closed"]);
    await press("ArrowDown", "ArrowDown");
    same(await get("input.getAttribute('aria-activedescendant')"), "o1");
    await press("Enter");
    same(await value(), "parent_status = pending");
    same(await get("input.getAttribute('aria-expanded')"), "false");
  },

  async "a token with a mistake keeps its colour"() {
    await open("alone");
    await focus();
    await type("parent_status = drft and archived");
    await press("Escape");
    await until("root.querySelector('.problem')");
    const [own, all] = await get("['.problem', '.run'].map(part => getComputedStyle(root.querySelector(part), '::highlight(pql-word)').color)");
    same(own, all);
    same(own === (await get("getComputedStyle(box).color")), false);
  },

  async "undo takes back an option, a fix and a cleared box"() {
    await open("alone");
    await focus();
    await type("par");
    await press("ArrowDown", "Enter");
    same(await value(), "parent_status ");
    await press("Control+z");
    same(await value(), "par");
    await get("(input.select(), 0)");
    await type("owner.emial = a ");
    await press("Escape");
    await until("root.querySelector('.fix')");
    await press("Alt+Enter");
    same(await value(), "owner.email = a ");
    await press("Control+z");
    same(await value(), "owner.emial = a ");
    await press("Escape", "Escape");
    same(await value(), "owner.emial = a "); // which closes the list alone
    await get("(root.querySelector('.clear').click(), 0)");
    same(await get("[box.value, input.getAttribute('aria-expanded')]"), ["", "false"]);
    await press("Control+z");
    same(await value(), "owner.emial = a ");
  },

  async "a pasted URL becomes the query and undo brings it back"() {
    const url = "https://connect.penbox.io/v1/cases?archived=false&parent_status=draft";
    await open("alone");
    await focus();
    await paste(`${url}\n`);
    await until("!box.value.startsWith('https')");
    same(await value(), "archived = false and parent_status = draft");
    await press("Control+z");
    same(await value(), url);
  },

  async "Enter sends the form, and what is wrong is not sent"() {
    await open("form");
    await focus();
    await type("parent_status = = draft ");
    same(await get("box.form.checkValidity()"), false);
    await press("Escape", "Enter");
    await sleep(200);
    same(new URL(page.url()).pathname, "/pages/form");
    await get("(input.select(), 0)");
    await type("archived");
    await press("Escape");
    const [answer] = await Promise.all([page.waitForNavigation(), press("Enter")]);
    same(await answer.json(), [["q", "archived"], ["by", "button"]]);
    said.length = 0; // Firefox has its own say about how it shows JSON
  },

  async "reset, disabled and required"() {
    await open("filled");
    await get("(input.select(), 0)");
    await focus();
    await press("Backspace");
    same(await get("box.validity.valueMissing"), true);
    await get("(box.form.reset(), 0)");
    same(await value(), "not archived");
    await get("(box.disabled, box.toggleAttribute('disabled'), 0)");
    same(await get("input.disabled"), true);
    same(await get("new FormData(box.form).has('q')"), false);
  },

  async "the layer stays under the caret in a narrow box"() {
    await open("alone");
    await page.setViewport({ width: 360, height: 600 });
    await focus();
    await type('parent_status = in_progress and owner.email ~ "%@acme%" and title = "日本語 é" and archived = false');
    await sleep(200);
    const [scrolled, moved, width, drawn] = await get(
      "[input.scrollLeft, new DOMMatrix(getComputedStyle(root.querySelector('.run')).transform).m41, input.scrollWidth, root.querySelector('.run').getBoundingClientRect().width]",
    );
    if (scrolled < 100) throw new Error(`scrolled by ${scrolled}`);
    if (Math.abs(scrolled + moved) >= 1) throw new Error(`${scrolled} and ${moved}`);
    if (Math.abs(width - drawn) >= 3) throw new Error(`${width} and ${drawn}`);
  },

  async "the layer does not drift in a long text"() {
    await open("alone");
    for (const length of [500, 2300, 10000]) {
      const text = "parent_status = draft and created_at > now-7d and ".repeat(250).slice(0, length);
      await get(`(box.value = ${JSON.stringify(text)}, 0)`);
      await sleep(100);
      const widths = await get(`(() => {
        const nodes = [...root.querySelector(".run").childNodes].map(each => each.firstChild ?? each);
        const copy = input.cloneNode(); // as wide as nothing, so that its text is what it scrolls over
        copy.style.width = "0";
        input.after(copy);
        const found = [0.1, 0.5, 1].map(part => {
          let at = Math.floor(${length} * part);
          copy.value = input.value.slice(0, at);
          const range = new Range();
          range.setStart(nodes[0], 0);
          range.setEnd(nodes.find(each => at <= each.length || ((at -= each.length), false)), at);
          return [copy.scrollWidth, range.getBoundingClientRect().width];
        });
        copy.remove();
        return found;
      })()`);
      for (const [native, drawn] of widths) {
        if (!(native > 100) || Math.abs(native - drawn) > 1) throw new Error(`${length}: ${native} and ${drawn}`);
      }
    }
  },

  async "while somebody composes nothing is drawn over it"() {
    await open("form");
    await focus();
    await type("owner.emial = a and tit");
    await until("root.querySelector('[role=option]')");
    // in the order of Firefox: the last input comes behind the end
    const compose = (text, more) =>
      get(`(() => {
        const tell = (Kind, type, more) => input.dispatchEvent(new Kind(type, { bubbles: true, composed: true, ...more }));
        ${more === "start" ? 'tell(CompositionEvent, "compositionstart", { data: "" });' : ""}
        input.setRangeText(${JSON.stringify(text)}, 19, input.value.length, "end");
        ${more === "end" ? `tell(CompositionEvent, "compositionend", { data: ${JSON.stringify(text)} });` : ""}
        tell(InputEvent, "input", { inputType: "insertCompositionText", isComposing: ${more !== "end"}, data: ${JSON.stringify(text)} });
      })()`);
    const quiet = () =>
      get("[root.querySelector('.box').classList.contains('live'), getComputedStyle(input).color === 'rgba(0, 0, 0, 0)', input.getAttribute('aria-expanded'), root.querySelector('.message').textContent, new FormData(box.form).get('q')]");
    await compose("日", "start");
    same(await quiet(), [false, false, "false", "", "owner.emial = a and日"]);
    await sleep(1200); // the typing would have rested, and the service has answered
    await compose("日本");
    same(await quiet(), [false, false, "false", "", "owner.emial = a and日本"]);
    await compose(" title = 日本 ", "end");
    same((await quiet())[0], true);
    same(await value(), "owner.emial = a and title = 日本 ");
    await press("Escape");
    await until("root.querySelector('.problem')");
    same(await get("root.querySelector('.problem').textContent"), "owner.emial");
  },

  async "Enter waits for what the service says"() {
    await open("slow-form");
    await focus();
    await type("owner.emial = a");
    await press("Enter");
    same(await get("root.querySelector('.preview').textContent"), "checking …");
    await until("root.querySelector('.fix')");
    same(new URL(page.url()).pathname, "/pages/slow-form");
    await get("(input.select(), 0)");
    await type("archived");
    const [answer] = await Promise.all([page.waitForNavigation(), press("Enter")]);
    same(await answer.json(), [["q", "archived"]]);
    said.length = 0; // Firefox has its own say about how it shows JSON
  },

  async "answers of another shape are none"() {
    await open("alone");
    await get("(box.provider = { schema: async () => ({ fields: 'x' }), plan: async () => ({ ok: true }), complete: async () => [{}] }, 0)");
    await focus();
    await type("status = = draft and a ");
    await press("Escape");
    await sleep(600);
    same(await get("box.diagnostics.map(each => each.code)"), ["syntax"]);
    same(await get("root.querySelector('.message').textContent !== ''"), true);
  },

  async "change is heard when the box is left"() {
    await open("form");
    await get("(globalThis.changes = [], document.addEventListener('change', event => changes.push(event.target.value)), 0)");
    await focus();
    await type("archived");
    same(await get("changes"), []);
    await press("Tab", "Tab");
    same(await get("changes"), ["archived"]);
  },

  async "line breaks that are dropped are blanks"() {
    await open("alone");
    await focus();
    await type("title = a ");
    const dropped = await get(`(() => {
      const data = new DataTransfer();
      data.setData("text/plain", "and parent_status\\n= draft");
      const { right, top, height } = root.querySelector(".run").getBoundingClientRect();
      const where = { clientX: right - 5, clientY: top + height / 2 };
      return input.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true, ...where }));
    })()`);
    same(dropped, false);
    same(await value(), "title = a and parent_status = draft");
  },

  async "a box that has to be filled says so, by the name it has now"() {
    await open("required");
    same(await get("input.getAttribute('aria-required')"), "true");
    await focus();
    await press("Enter");
    same(await get("[input.getAttribute('aria-invalid'), root.querySelector('.message').textContent]"), ["true", "Fill in this field"]);
    same(await faults(), []);
    await get("(document.querySelector('label').textContent = 'Look for cases', 0)");
    await until("input.getAttribute('aria-label') === 'Look for cases'");
  },

  async "right to left"() {
    await open("alone", "?rtl");
    same(await get("getComputedStyle(input).direction"), "rtl");
    await focus();
    await type('title = "');
    same(await get("getComputedStyle(input).direction"), "ltr");
    same(await get("getComputedStyle(root.querySelector('.highlight')).direction"), "ltr");
  },

  async "mistakes and the plan come from the service"() {
    await open("alone");
    await focus();
    await type("parent_status = drft ");
    await press("Escape");
    await until("root.querySelector('.fix')");
    same(await get("root.querySelector('.run .problem').textContent"), "drft");
    same(await get("input.getAttribute('aria-invalid')"), "true");
    await press("Tab", "Enter"); // the fix comes next
    same(await value(), "parent_status = draft ");
    await until("root.querySelector('.preview').textContent");
    same(await get("root.querySelector('.preview').textContent"), "makes 1 request");
  },

  async "a plain input inside hands over"() {
    await open("plain");
    same(await value(), "archived");
    same(await get("[...new FormData(box.form)]"), [["q", "archived"]]);
    same(await get("[box.id, input.getAttribute('aria-label')]"), ["plain", "Find cases"]);
    await get("(document.querySelector('label').click(), 0)");
    same(await get("root.activeElement === input"), true);
  },

  async "axe finds nothing"() {
    await open("form");
    same(await faults(), []);
    await focus();
    await type("parent_status = ");
    await press("ArrowDown");
    same(await faults(), []);
    await type("drft ");
    await press("Escape");
    await until("root.querySelector('.fix')");
    same(await faults(), []);
  },
};

const found = {};
for (const [name, check] of Object.entries(CHECKS)) {
  try {
    await check();
    found[name] = said.length ? `the console says: ${said.join("; ")}` : null;
  } catch (error) {
    found[name] = String(error.stack ?? error);
  }
  await page.close();
}
console.log(JSON.stringify(found));
await browser.close();
