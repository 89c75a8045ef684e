/**
 * The language in the browser: a text's tokens and its mistakes of syntax, without a round trip. `completer.js`, which
 * may come later, adds what may be written at a cursor.
 *
 *     const engine = createEngine(await (await fetch("tables.json")).json());
 *     engine.tokens("status = draft");   // [{ kind: "field", start: 0, end: 6 }, …]
 *     engine.check("status = ");         // [{ message: "after `=`, expected a value", start: 9, end: 9, … }]
 *
 * The tables are the ones that Python walks (`grammar/build.py` writes both), and each function here is named like the
 * one in pqlang that it follows, in `parser`, `mistakes` and `highlighter`. `tests/test_engine.py` holds the two
 * against each other. What needs a type, a plan or a value that only the host knows stays with the service.
 *
 * Offsets count UTF-16 units, as everything in JavaScript does. No text makes a function throw.
 */

// What Python's `\s` and `str.isspace` take for a blank. JavaScript's `\s` is another set.
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const BLANK = "[ \\t\\r\\n\\xa0]";
const PART = `[^${SPACE}()\\[\\],"'=<>!~]`; // of a word
const END_OF_WORD = "(?![\\p{L}\\p{N}_])";

const MOST_PROBLEMS = 20; // a text with more mistakes than this is no query; the rest is not read
const LONGEST = 16384; // code points
const DEEPEST = 64;

const sticky = (pattern, flags = "") => new RegExp(pattern, "uy" + flags);
const whole = (pattern, flags = "") => new RegExp(`^(?:${pattern})$`, flags); // without `u`, `i` folds ASCII alone
const space = new RegExp(`^[${SPACE}]$`);
const alphanumeric = /^[\p{L}\p{N}]/u;
const edgeBehind = new RegExp(`[${SPACE}]+$`);

/** The match of a sticky pattern at an offset, or null. */
function matchAt(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** The character at an offset, whole where it takes two units; empty at the end. */
function characterAt(text, at) {
  return at < text.length ? String.fromCodePoint(text.codePointAt(at)) : "";
}

/** The offset that many characters earlier. */
function back(text, at, count) {
  while (at > 0 && count--) at -= at > 1 && text.codePointAt(at - 2) > 0xffff ? 2 : 1;
  return at;
}

const tooLong = text => text.length > LONGEST && (text.length > 2 * LONGEST || [...text].length > LONGEST);
const lastOf = list => list[list.length - 1];

/** The engine for one set of tables: the JSON that stands beside this file. */
export function createEngine(tables) {
  const { NAME_END, SEPARATORS, MODES, MODE, RULES, ACTIONS, GOTOS, DEFAULTS, ACCEPT, PRIMARY, ORDER, WORDS } = tables;
  const KINDS = tables.KINDS.split(" ");
  const kindOf = name => KINDS.indexOf(name);
  const kindsOf = names => new Set(names.split(" ").map(kindOf));
  const [
    END,
    AND,
    BETWEEN,
    COMMA,
    DESC,
    FIELD,
    IN,
    IS,
    LPAR,
    MINUS,
    NOT,
    NULL,
    ON,
    OP,
    OR,
    ORDER_BY,
    RELATIVE,
    RPAR,
    STRING,
    WITH,
    WORD,
  ] = "$END AND BETWEEN COMMA DESC FIELD IN IS LPAR MINUS NOT NULL ON OP OR ORDER_BY RELATIVE RPAR STRING WITH WORD"
    .split(" ")
    .map(kindOf);
  const BEGINNERS = kindsOf("FIELD STRING NOT MINUS LPAR");
  const KEYWORDS = new Map();
  const ALL_KINDS = KINDS.map((_, kind) => kind);

  // Parser

  /** A pattern as it is meant, without the short forms: `<and>` for letters in any case, `%` for what ends a word. */
  const unfold = pattern =>
    pattern
      .replace(/<(\w+)>/g, (_, word) => word.replace(/./g, each => `[${each.toUpperCase()}${each}]`))
      .replace(/%/g, SEPARATORS);

  const PATTERNS = tables.PATTERNS.map((pattern, kind) => {
    if (!/^(<\w+>\|?)+$/.test(pattern)) return unfold(pattern);
    for (const word of pattern.match(/\w+/g)) KEYWORDS.set(word, kind);
    return unfold(`(?:${pattern})${NAME_END}`);
  });
  const patternOf = kind => PATTERNS[kind < 0 ? KINDS.length : kind]; // the last is that of `and`, `or`, `not`
  const scanners = MODES.map(tried => sticky(`${BLANK}*(?:${tried.map(kind => `(${patternOf(kind)})`).join("|")})`));
  const matchers = ALL_KINDS.map(kind => sticky(patternOf(kind)));
  const byLength = [...ALL_KINDS].sort((a, b) => (a === FIELD || a === WORD) - (b === FIELD || b === WORD));
  const blanks = sticky(`${BLANK}*`);
  const makeToken = (start, end, text, kind) => ({ start, end, text, kind });

  // A stack is its top state and the stack below, so that keeping one costs nothing.
  const START = { state: 0, below: null };
  const push = (below, state) => ({ state, below });

  /** The token that stands next, as the state's lexer mode reads it; of kind -1 where nothing does. */
  function nextToken(text, at, state) {
    const mode = MODE[state];
    const match = matchAt(scanners[mode], text, at);
    if (!match) return otherToken(text, at, state);
    let group = match.length - 1;
    while (match[group] === undefined) group--;
    const kind = MODES[mode][group - 1];
    const word = match[group];
    const end = at + match[0].length;
    const start = end - word.length;
    if (kind === FIELD || kind < 0) {
      const head = word.split("[")[0];
      const keyword = keywordOf(head, ACTIONS[state], kind);
      if (keyword !== kind) return makeToken(start, start + head.length, head, keyword);
    }
    const token = makeToken(start, end, word, kind);
    return ACTIONS[state][kind] === undefined ? otherToken(text, start, state, token) : token;
  }

  /** The keyword's kind where the state takes that keyword, else the kind it was. */
  function keywordOf(word, actions, kind) {
    const keyword = /^[A-Za-z]*$/.test(word) ? KEYWORDS.get(word.toLowerCase()) : undefined;
    return keyword === undefined || actions[keyword] === undefined ? kind : keyword;
  }

  /** What the state would take here although the mode's pattern found something else, or nothing. */
  function otherToken(text, at, state, token) {
    at += matchAt(blanks, text, at)[0].length;
    for (const kind of byLength) {
      const match = ACTIONS[state][kind] === undefined ? null : matchAt(matchers[kind], text, at);
      if (match) return makeToken(at, at + match[0].length, match[0], kind);
    }
    return token || makeToken(at, at, "", -1);
  }

  /** What to do when a token of a kind comes: a shift is a state, a reduction the complement of a rule. */
  function actionOf(stack, kind) {
    const rule = DEFAULTS[stack.state];
    return rule < 0 ? ACTIONS[stack.state][kind] : ~rule;
  }

  function reduce(stack, rule) {
    const [lhs, length] = RULES[rule];
    for (let popped = 0; popped < length; popped++) stack = stack.below;
    return push(stack, GOTOS[stack.state][lhs]);
  }

  /** Whether a token of this kind may stand next. */
  const accepts = (stack, kind) => shift(stack, kind) !== null;

  /** The stack once a token of this kind is read, null where it may not stand here. */
  function shift(stack, kind) {
    for (;;) {
      const action = actionOf(stack, kind);
      if (action === undefined) return null;
      if (action >= 0) return push(stack, action);
      stack = reduce(stack, ~action);
      if (stack.state === ACCEPT) return kind === END ? stack : null;
    }
  }

  /** The kinds of token that may stand next. */
  function acceptable(stack) {
    return (stack.acceptable ??= new Set(ALL_KINDS.filter(kind => accepts(stack, kind))));
  }

  /** What one run of the driver gathers. `build` makes a rule's value from those of its parts, for tests. */
  function makeReading(text, more) {
    return { text, stack: START, values: [], problems: [], trace: [], build: startOf, ...more };
  }

  /** What a rule is worth to who builds nothing: where it began. */
  const startOf = (rule, parts) => ({ start: parts.length ? parts[0].start : 0 });

  /** Shift and reduce by the tables until the text is read; null where it cannot be read to its end. */
  function drive(reading) {
    const { text, values, trace } = reading;
    let at = 0;
    let depth = 0;
    let token = null;
    let stack = START; // as it was before the reductions that the token brings
    for (;;) {
      const { state } = reading.stack;
      let rule = DEFAULTS[state];
      if (rule < 0) {
        if (!token) {
          token = nextToken(text, at, state);
          stack = reading.stack;
        }
        const action = ACTIONS[state][token.kind];
        if (action === undefined) {
          if (reading.build !== startOf) return null;
          const { resumed, problem } = recover(reading, token, at);
          trace.push({ start: token.start, end: resumed < 0 ? text.length : resumed, kind: -1, problem });
          if (resumed < 0) return null;
          at = resumed;
          token = null;
          continue;
        }
        if (action >= 0) {
          const { kind } = token;
          if (
            (kind === LPAR || kind === NOT || kind === MINUS) &&
            PRIMARY in GOTOS[action] &&
            ++depth > reading.deepest
          ) {
            note(reading, token.start, token.start + 1, `conditions are nested more than ${DEEPEST} deep`);
            return null;
          }
          if (reading.strict && BEGINNERS.has(kind) && accepts(stack, AND)) {
            note(reading, token.start, token.end, "expected `and` or `or`", ["`and`", "`or`"]);
          }
          trace.push(token);
          reading.stack = push(reading.stack, action);
          values.push(token);
          at = token.end;
          token = null;
          continue;
        }
        rule = ~action;
      }
      const [, length, nests] = RULES[rule];
      const value = reading.build(rule, values.splice(values.length - length));
      if (nests) depth--;
      reading.stack = reduce(reading.stack, rule);
      if (reading.stack.state === ACCEPT) return value;
      values.push(value);
    }
  }

  /** Put a hole in place of the condition that a mistake is in, and say where to read on; -1 where reading stops. */
  function recover(reading, token, at) {
    const { text, values } = reading;
    const top = lastOf(values);
    const last = top && top.text !== undefined ? top.text : lastWord(text, at);
    const expected = acceptable(reading.stack);
    const opened = values.filter(value => value.kind === LPAR);
    const found = explain(text, token, at, expected, last, opened);
    const problem = note(reading, found.start, found.end, found.message, found.words);
    if (reading.problems.length > MOST_PROBLEMS) return { resumed: -1, problem };
    if (token.kind === END && accepts(reading.stack, RPAR)) {
      close(reading, token.start);
      return { resumed: token.start, problem };
    }
    const dropped = [];
    let start = token.start;
    for (;;) {
      const gotos = GOTOS[reading.stack.state];
      if (PRIMARY in gotos || (ORDER in gotos && dropped.length)) break;
      reading.stack = reading.stack.below;
      const value = values.pop();
      dropped.push(value.kind);
      start = Math.min(start, value.start);
    }
    if (dropped.includes(ORDER_BY)) {
      reading.stack = push(reading.stack, GOTOS[reading.stack.state][ORDER]);
      values.push({ start: text.length });
      return { resumed: text.length, problem };
    }
    const lists = dropped.filter(kind => kind === LPAR).length;
    const between = dropped.includes(BETWEEN) && !dropped.includes(AND);
    const resumed =
      found.connective && !between // `&&` hides no condition
        ? found.end
        : nextConnective(text, token.start, opened.length > lists, lists, between);
    reading.stack = push(reading.stack, GOTOS[reading.stack.state][PRIMARY]);
    values.push({ start });
    return { resumed, problem };
  }

  /** Read the closing parenthesis that is missing at the end of the text. */
  function close(reading, at) {
    for (;;) {
      const action = actionOf(reading.stack, RPAR);
      if (action >= 0) {
        reading.stack = push(reading.stack, action);
        reading.values.push(makeToken(at, at, ")", RPAR));
        return;
      }
      reading.values.push(startOf(0, reading.values.splice(reading.values.length - RULES[~action][1])));
      reading.stack = reduce(reading.stack, ~action);
    }
  }

  function note(reading, start, end, message, expected = []) {
    const problem = { code: "syntax", severity: "error", message, start, end, expected, suggestions: [] };
    reading.problems.push(problem);
    return problem;
  }

  // Mistakes

  const OPERATOR_KINDS = kindsOf("OP IN MATCH BETWEEN IS ON");
  const NULLS = new Set(WORDS.NULLS);
  const ODD = new RegExp(`^(?:${WORDS.ODD})$`, "u");
  const CURLY = WORDS.CURLY;
  const KEPT = new RegExp(`^(?:and|or|not)${END_OF_WORD}`, "iu");
  const AFTER_IS = new RegExp(`^(?:${PART}+|"[^"]*"|'[^']*')`, "u");
  const VARIABLE = new RegExp(`^\\$${PART}*`, "u");
  const LAST_WORD = new RegExp(`(?:"[^"]*"|'[^']*'|${PART}+|[^${SPACE}])$`, "u");

  /** Where the mistake is, what is said of it, and whether it is a sign in the place of `and`, `or` or `not`. */
  function explain(text, token, after, expected, last, opened) {
    const { start } = token;
    const rest = text.slice(start);
    const character = characterAt(text, start);
    const one = start + character.length;
    const list = expectations(expected);
    const said = (from, to, message, connective = false) => ({
      start: from,
      end: to,
      connective,
      words: list,
      message:
        message ||
        `${last ? `after \`${shorten(last)}\`, ` : ""}expected ${list.join(", ").replace(/, ([^,]+)$/, " or $1")}`,
    });
    const wants = name => expected.has(name);
    const written = (found, meant) => `\`${shorten(found)}\` is written \`${meant}\``;
    const order = /^order/i.test(last);
    const wantsCondition = wants(FIELD) && !wants(AND) && !order;
    const operators = [...OPERATOR_KINDS].some(wants);
    let match;

    // A sign that may stand nowhere outside quotes, or only in pairs
    if (ODD.test(character)) return said(start, one, `the character U+${hex(character)} cannot stand here`);
    if (CURLY[character]) {
      let end = one;
      for (let at = one; at < text.length; at++) {
        if (CURLY[text[at]] === CURLY[character] && !alphanumeric.test(characterAt(text, at + 1))) {
          end = at + 1;
          break;
        }
      }
      return said(start, end, `text is quoted with straight quotes: \`${CURLY[character]}\``);
    }
    if ((character === '"' || character === "'") && token.end - start <= 1) {
      const class_ = `\\0\\ud800-\\udfff`;
      match = new RegExp(`^${character}(?:[^${character}\\\\${class_}]|\\\\[^${class_}])*\\\\?([${class_}])`, "u").exec(
        rest,
      );
      const end = match ? start + match[0].length : one;
      return match
        ? said(end - match[1].length, end, `the character U+${hex(match[1])} cannot stand here`)
        : said(start, one, "the quoted text is not closed");
    }
    if (character === "`") return said(start, one, "the quoted name is not closed");
    if (character === "$") return said(start, start + VARIABLE.exec(rest)[0].length);

    // `&&`, `||`, `!x`, `=>` and other languages' signs
    if ((match = /^(?:&&?|\|\|?)/.exec(rest)) && !wants(WORD)) {
      return said(start, start + match[0].length, written(match[0], rest[0] === "&" ? "and" : "or"), true);
    }
    if (character === "!" && wants(NOT) && !/^![ \t\r\n\xa0]*[=~]/.test(rest)) {
      const before = text.slice(start && start - 1, start);
      const denies = !before || space.test(before) || before === "(" || before === "!";
      return said(start, one, denies ? written("!", "not") : "", denies);
    }
    if (last.toLowerCase() === "not" && (match = /^(?:==?|~\*?)/.exec(rest))) {
      const [from, to] = [after - last.length, start + match[0].length];
      return said(from, to, written(text.slice(from, to), `!${match[0].replace("==", "=")}`));
    }
    if (/^[=<>!~:]/.test(rest) && (wants(WORD) || operators)) {
      let from = after;
      while (wants(WORD) && /[=<>!~:*]/.test(text.slice(from && from - 1, from))) from--;
      match = /^(?:![ \t\r\n\xa0]+[=~]\*?|[=<>!~:*]+)/.exec(rest);
      const [first, to] = [from < after ? from : start, start + match[0].length];
      return said(first, to, `\`${shorten(text.slice(first, to))}\` is no operator`);
    }

    // The text ends too early
    if (!rest && text) {
      if ((wants(WORD) && !wants(RPAR)) || wantsCondition) return said(start, start);
      if (opened.length && wants(RPAR)) {
        return said(lastOf(opened).start, lastOf(opened).end, "the parenthesis is not closed");
      }
    }

    // `and`, `or`, `not` where a value or a condition had to stand; `is empty`, `is draft`
    match = KEPT.exec(rest);
    if (match && (wants(WORD) || wantsCondition)) return said(start, start + match[0].length);
    if (wants(NULL) && (match = AFTER_IS.exec(rest))) {
      const is = Math.max(...["is", "IS", "Is", "iS"].map(each => text.lastIndexOf(each, after - 2)));
      return said(NULLS.has(match[0].toLowerCase()) ? start : is, start + match[0].length);
    }

    // Brackets and commas that do not fit
    if (character === "[") {
      match = wants(LPAR) && !wants(FIELD) ? /^\[[^[\]]*\]/.exec(rest) : null;
      return said(start, match ? start + match[0].length : one);
    }
    if (character === ")" && !opened.length) return said(start, one, "no parenthesis is open here");
    if (character === ")" && last === "(") return said(after - 1, one);
    if (character === "," && last && wants(AND)) return said(start, one, "", true);
    if (
      opened.length &&
      [...expected].every(kind => kind === COMMA || kind === RPAR) &&
      character &&
      character !== ","
    ) {
      return said(after, start);
    }
    return said(
      start,
      wants(DESC) || (wants(FIELD) && order) ? Math.max(token.end, one) : token.end > start ? token.end : one,
    );
  }

  const hex = character => character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");

  /** The text, its middle left out where it is long. */
  function shorten(text) {
    const characters = [...text];
    return characters.length > 60 ? `${characters.slice(0, 40).join("")}…${characters.slice(-19).join("")}` : text;
  }

  /** What may stand at a place, in words, the likeliest first. */
  function expectations(kinds) {
    const wants = kind => kinds.has(kind);
    if (wants(DESC)) return ["`asc`", "`desc`", "the end"];
    const found = [];
    if (wants(OP)) found.push("`=`", "`!=`", "`~`", "`contains`", "`in` …");
    else if (wants(IN)) found.push("`in`", "`contains`", "`between` …");
    if (wants(AND)) found.push("`and`", ...(wants(OR) ? ["`or`"] : []));
    else if (wants(FIELD)) found.push(wants(NOT) ? "a condition" : "a field");
    if (wants(WORD)) found.push("a value");
    else if (wants(LPAR) && !wants(FIELD)) found.push("a list in parentheses");
    for (const [kind, word] of [
      [COMMA, "`,`"],
      [RPAR, "`)`"],
      [NULL, "`null`"],
      [WITH, "`with`"],
    ]) {
      if (wants(kind)) found.push(word);
    }
    return found.length ? found : ["the end"];
  }

  /** The last thing before an offset, for `after ...` in a message. */
  function lastWord(text, end) {
    const found = LAST_WORD.exec(text.slice(back(text, end, 200), end).replace(edgeBehind, ""));
    return found ? found[0] : "";
  }

  const SKIPPED = sticky(
    `"(?:[^"\\\\]|\\\\[\\s\\S])*"|'(?:[^'\\\\]|\\\\[\\s\\S])*'|[^${SPACE}()\\[\\],"'=<>!~:\`]+|[\\s\\S]`,
  );
  const ORDERED = sticky(`order[${SPACE}]+by${END_OF_WORD}`, "i");

  /** Where to read on after a mistake: at the next connective outside brackets, or where the group around it closes. */
  function nextConnective(text, start, grouped, lists, between) {
    let depth = lists;
    let at = start;
    while (at < text.length) {
      const word = matchAt(SKIPPED, text, at)[0];
      const lowered = word.toLowerCase();
      if (word === "(") depth++;
      else if (word === ")") {
        if (!depth && grouped) return at;
        depth = Math.max(0, depth - 1);
      } else if (!depth && /^(and|or|order)$/.test(lowered)) {
        if (lowered === "and" && between) between = false;
        else if (lowered !== "order" || matchAt(ORDERED, text, at)) return at;
      }
      at += word.length;
    }
    return at;
  }

  /**
   * The mistakes of a text: where it cannot be read, and in strict mode the conditions that nothing joins. What can be
   * read and is wrong all the same (a list behind `=`, words in the place of an operator) the service knows.
   */
  function check(text, { mode = "search" } = {}) {
    text = String(text);
    const reading = makeReading(text, { strict: mode === "strict", deepest: DEEPEST });
    if (tooLong(text)) note(reading, 0, 0, `the query has more than ${LONGEST} characters`);
    else drive(reading);
    return reading.problems;
  }

  /** What `build` makes of a text, rule by rule, null where the grammar does not take it: the tests' way in. */
  function derive(text, build) {
    return drive(makeReading(text, { build }));
  }

  // Highlighter

  const COLOURS = KINDS.map(kind => WORDS.COLOURS[kind] || "operator");
  const [NUMBER, DATE_TIME, PERIOD] = WORDS.LOOKS.map(pattern => whole(pattern));
  const RELATIVE_TIME = whole(unfold(WORDS.RELATIVE));
  const BLANKS = -2;
  const UNKNOWN = -3; // a quote that does not close takes all that follows
  const LOOKED_FOR = [
    // by the number of its group, one after the other
    UNKNOWN,
    BLANKS,
    AND,
    OR,
    NOT,
    ORDER_BY,
    RELATIVE,
    STRING,
    UNKNOWN,
    kindOf("VARIABLE"),
    LPAR,
    RPAR,
    COMMA,
    OP,
    WORD,
  ];
  const lookOf = kind => (kind === BLANKS ? `${BLANK}+` : kind === UNKNOWN ? `["'][\\s\\S]*` : patternOf(kind));
  const looks = sticky(
    LOOKED_FOR.slice(1)
      .map(kind => `(${lookOf(kind)})`)
      .join("|"),
  );

  /** The tokens of a text, in order; blanks alone lie between them. */
  function tokens(text) {
    text = String(text);
    if (tooLong(text)) return pieces(text, 0, text.length, false);
    const reading = makeReading(text);
    drive(reading);
    const found = [];
    let last = -1;
    let between = false;
    for (const { start, end, text: word, kind, problem } of reading.trace) {
      if (kind < 0) unread(found, text, start, end, problem, between);
      else if (kind === WORD) found.push({ kind: byLooks(word, last === ON), start, end });
      else if ((kind === AND && between) || (kind === NOT && last === IS)) found.push({ kind: "operator", start, end });
      else found.push({ kind: COLOURS[kind], start, end });
      between = kind === BETWEEN || (between && kind !== AND && kind >= 0);
      last = kind;
    }
    return found;
  }

  /** What a bare value looks like; with `period`, where a day, a month or a year has to stand. */
  function byLooks(word, period) {
    if (/^[-+.0-9]/.test(word)) {
      if (period && PERIOD.test(word)) return "time";
      if (NUMBER.test(word)) return "number";
      return DATE_TIME.test(word) || PERIOD.test(word) ? "time" : "word";
    }
    if (/^(true|false|null)$/.test(word.toLowerCase())) return "constant";
    return RELATIVE_TIME.test(word) ? "time" : "word";
  }

  /** Add what stands from a mistake to where reading goes on: the mistake itself, then the rest by its looks. */
  function unread(found, text, start, end, problem, between) {
    const rest = pieces(text, start, end, between);
    if (!rest.length) return;
    let wrong = rest[0].end;
    if (problem.start <= start) {
      wrong = Math.max(wrong, problem.end);
      while (
        found.length &&
        lastOf(found).kind === "operator" &&
        lastOf(found).end === start &&
        start > problem.start
      ) {
        start = found.pop().start;
      }
    }
    const part = rest.filter(piece => piece.start < wrong);
    found.push({ kind: "error", start, end: lastOf(part).end }, ...rest.slice(part.length));
  }

  /** The tokens of a part of the text that nobody reads, by their looks; errors that touch are one. */
  function pieces(text, start, end, between) {
    const found = [];
    const part = text.slice(0, end);
    let wrong = -1; // where an error began that may go on
    while (start < end) {
      const match = matchAt(looks, part, start);
      let kind = UNKNOWN;
      if (match) {
        let group = match.length - 1;
        while (match[group] === undefined) group--;
        kind = LOOKED_FOR[group];
      }
      const after = start + (match ? match[0] : characterAt(text, start)).length;
      if (kind === UNKNOWN) {
        wrong = wrong < 0 ? start : wrong;
      } else {
        if (wrong >= 0) found.push({ kind: "error", start: wrong, end: start });
        wrong = -1;
        if (kind !== BLANKS) {
          const word = kind === WORD ? (KEYWORDS.get(match[0].toLowerCase()) ?? WORD) : kind;
          const colour = word === WORD ? byLooks(match[0]) : word === AND && between ? "operator" : COLOURS[word];
          found.push({ kind: colour, start, end: after });
          between = between && kind !== AND;
        }
      }
      start = after;
    }
    if (wrong >= 0) found.push({ kind: "error", start: wrong, end: part.replace(new RegExp(`${BLANK}+$`), "").length });
    return found;
  }

  // What `completer.js` goes on from
  const driver = {
    tables,
    KINDS,
    SPACE,
    BLANK,
    BEGINNERS,
    PRIMARY,
    START,
    RELATIVE_TIME,
    kindOf,
    kindsOf,
    patternOf,
    makeToken,
    makeReading,
    nextToken,
    recover,
    push,
    reduce,
    shift,
    accepts,
    acceptable,
    sticky,
    whole,
    space,
    alphanumeric,
    edgeBehind,
    hex,
    matchAt,
    characterAt,
    back,
    tooLong,
    lastOf,
  };
  return { tokens, check, derive, driver };
}
