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

const focus = () => get("(input.focus(), 0)");
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
  await focus();
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
    same(await get("root.querySelector('.run').firstChild.className"), "field");
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
    same(await value(), "");
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
