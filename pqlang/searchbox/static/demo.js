// The demo page: a search box, and what its query becomes. The box does the work; this draws the plan that it tells of.

const $ = selector => document.querySelector(selector);
const form = $("#search");
const box = $("pql-search");
const asked = new URLSearchParams(location.search);
let plan = null; // the last one that could be made
let latest = 0; // the number of the last question, whose answer alone is drawn
let hasRows = false;

function make(name, look, ...children) {
  const made = document.createElement(name);
  if (look) made.className = look;
  made.append(...children);
  return made;
}

async function ask(path, body) {
  const post = body && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  try {
    const answer = await fetch(path, post);
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // the box goes on without the service, and so does its page
  }
}

// The query

async function showEndpoints() {
  const endpoints = (await ask("schema")) ?? []; // without the service, the box knows the language and no fields
  const chosen = endpoints.find(({ name }) => name === asked.get("endpoint")) ?? endpoints[0];
  for (const { name, description } of endpoints) {
    const radio = make("input");
    Object.assign(radio, { type: "radio", name: "endpoint", value: name, checked: name === chosen.name });
    const label = make("label", "", radio, name.replaceAll("_", " "));
    label.title = description;
    $("#endpoints").append(label);
  }
  hasRows = chosen?.rows;
  form.elements.scope.checked = asked.get("scope") === "active";
  if (!box.value) box.value = asked.get("q") ?? ""; // who types before the endpoints are known keeps it
  choose();
}

const chosenEndpoint = () => form.elements.endpoint?.value ?? "";

/** Point the box at what is chosen above it. */
async function choose() {
  const endpoint = chosenEndpoint();
  if (!endpoint) return;
  box.setAttribute("endpoint", endpoint);
  if (form.elements.scope.checked) box.setAttribute("scope", "active");
  else box.removeAttribute("scope");
  const facts = await ask(`schema/${endpoint}`);
  if (endpoint !== chosenEndpoint()) return;
  box.setAttribute("placeholder", facts?.examples[0] ?? "");
  $("#examples").replaceChildren(
    ...(facts?.examples ?? []).map(example => {
      const button = make("button", "", example);
      button.type = "button";
      button.addEventListener("click", () => {
        box.value = example;
        box.focus();
      });
      return button;
    }),
  );
}

/** The address of the page says what is searched for, so that it can be sent to somebody. */
function remember() {
  const parts = new URLSearchParams({ endpoint: chosenEndpoint(), q: box.value });
  if (form.elements.scope.checked) parts.set("scope", "active");
  history.replaceState(null, "", `?${parts}`);
}

// What it becomes

function showPlan(answer) {
  $("#answer").hidden = false;
  $("#answer").classList.toggle("stale", !answer.ok);
  $("#rows").classList.toggle("stale", !answer.ok);
  if (!answer.ok) return void ($("#answer-title").textContent = plan ? "The query before" : "No request yet");
  plan = answer;
  const count = answer.requests.length;
  $("#answer-title").textContent =
    count === 0 ? "No request: nothing can match" : count === 1 ? "1 request" : `${count} requests`;
  $("#requests").replaceChildren(...answer.requests.map((each, at) => showRequest(each, at, count)));
  $("#explain pre").textContent = answer.explain;
  latest++;
  if (count === 1 && answer.requests[0].filter === null) showFilter(latest);
  if (hasRows) showRows(latest);
}

function showRequest({ url, target, reason, params, filter, exact, residual, curl }, at, count) {
  const badge = make("span", exact ? "badge" : "badge over", exact ? "exact" : "fetches more");
  const kind = target === "params" ? "Direct parameters" : "JSON filter";
  const head = make("header", "", make("h3", "", count > 1 ? `${at + 1}. ${kind}` : kind), make("span", "why", reason), badge);
  const whole = JSON.stringify(filter); // is one of the parameters, under a name that the schema knows
  const plain = Object.entries(params).filter(([, value]) => value !== whole);
  const list = plain.flatMap(([name, value]) => [make("dt", "", name), make("dd", "", String(value))]);
  return make(
    "article",
    "request",
    head,
    ...(filter ? [part("Filter", colour(filter), JSON.stringify(filter))] : []),
    ...(plain.length ? [part("Parameters", make("dl", "", ...list))] : []),
    ...(residual ? [part("Then test", make("pre", "", residual))] : []),
    part("URL", make("pre", "", url), url),
    part("curl", make("pre", "", curl), curl),
  );
}

function part(title, content, copied) {
  const made = make("div", "part", make("h4", "", title), content);
  if (copied === undefined) return made;
  const button = make("button", "", "Copy");
  button.type = "button";
  button.setAttribute("aria-label", `Copy ${title}`);
  button.addEventListener("click", () => copy(copied, title));
  made.append(button);
  return made;
}

async function copy(text, title) {
  try {
    await navigator.clipboard.writeText(text);
    $("#said").textContent = `${title} copied`;
  } catch {
    $("#said").textContent = "The browser does not let a page copy";
  }
}

/** JSON in colours. */
function colour(value) {
  const parts = JSON.stringify(value, null, 2).split(/("(?:[^"\\]|\\.)*"(?=:)|"(?:[^"\\]|\\.)*"|\b(?:true|false|null)\b|-?\d[\d.eE+-]*)/);
  const nodes = parts.map((text, at) => {
    if (at % 2 === 0) return text;
    if (text[0] !== '"') return make("span", "n", text);
    return make("span", parts[at + 1]?.startsWith(":") ? "k" : "s", text);
  });
  return make("pre", "", ...nodes);
}

const question = more => ({
  query: box.value,
  endpoint: chosenEndpoint(),
  ...(form.elements.scope.checked && { scope: "active" }),
  ...more,
});

/** What direct parameters say, as the JSON filter that says the same. */
async function showFilter(number) {
  const answer = await ask("compile", question({ target: "json", mode: "search" }));
  if (number !== latest || !answer?.ok || !answer.filter) return;
  $(".request header").after(part("As a filter", colour(answer.filter), JSON.stringify(answer.filter)));
}

const COLUMNS = 7;
const MOST_ROWS = 50; // that the service sends

async function showRows(number) {
  const answer = await ask("rows", question({ mode: "search" }));
  if (number !== latest) return;
  $("#rows").hidden = !answer?.ok;
  if (!answer?.ok) return;
  const rows = answer.rows.map(row => Object.fromEntries(flatten(row)));
  const filled = name => rows.some(row => row[name] !== null && row[name] !== "");
  const names = [...new Set(rows.flatMap(Object.keys))].filter(filled).slice(0, COLUMNS);
  $("#rows-title").textContent = howMany(rows.length, answer.total);
  $("#rows table").replaceChildren(
    make("thead", "", make("tr", "", ...names.map(name => make("th", "", name)))),
    make("tbody", "", ...rows.map(row => make("tr", "", ...names.map(name => make("td", "", show(row[name])))))),
  );
  for (const head of document.querySelectorAll("th")) head.scope = "col";
}

/** How many rows are shown, and of how many where that is known; there may be more than as many as are ever sent. */
function howMany(shown, total) {
  const rows = shown === 1 ? "row" : "rows";
  if (total === null) return shown < MOST_ROWS ? `${shown} ${rows}` : `The first ${shown} rows`;
  return total > shown ? `${shown} of ${total.toLocaleString("en")} rows` : `${shown} ${rows}`;
}

const show = value => (value === null || value === undefined ? "" : String(value));

/** A record's plain values, those of its relations as `owner.email`. */
const flatten = (record, prefix = "") =>
  Object.entries(record).flatMap(([name, value]) => {
    if (Array.isArray(value)) return [];
    return value && typeof value === "object" ? flatten(value, `${prefix}${name}.`) : [[prefix + name, value]];
  });

form.addEventListener("change", ({ target }) => {
  if (target.name !== "endpoint" && target.name !== "scope") return;
  choose();
  remember();
});
box.addEventListener("pql-request", ({ detail }) => showPlan(detail));
box.addEventListener("pql-submit", event => {
  event.preventDefault();
  remember();
});
customElements.whenDefined("pql-search").then(showEndpoints);
