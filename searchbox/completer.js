/**
 * What may be written at a cursor, for an engine: fields, operators, values of the schema, words of the language.
 *
 *     Object.assign(engine, createCompleter(engine, await (await fetch("words.json")).json()));
 *     engine.complete("sta", 3, schema);   // [{ label: "status", insert: "status ", start: 0, end: 3, … }, …]
 *
 *     text, cursor -> places -> offers -> match -> spell -> those that leave the text as readable as it was
 *
 * Each function is named like the one in pqlang that it follows, in `cursor`, `spelling`, `names`, `offers` and
 * `completer`, and gives the same. Values that only the host knows come from the service.
 */

export { Offers } from "./pql-offers.js";
export { receive } from "./pql-paste.js";

const MOST = 100; // offers that anybody looks through
const LONGEST_PHRASE = 3; // `is not null`
const LIKELY = 5; // worse than any likeness: only close to what is typed

/** The completer of an engine; `WORDS` is the JSON that stands beside this file. */
export function createCompleter({ driver }, WORDS) {
  const {
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
  } = driver;
  const { RULES, ACTIONS, GOTOS, DEFAULTS, ACCEPT } = tables;
  const [
    END,
    AND,
    ASC,
    COMMA,
    DESC,
    FIELD,
    LPAR,
    MINUS,
    NOT,
    OP,
    OR,
    ORDER_BY,
    RELATIVE,
    RPAR,
    STRING,
    VARIABLE,
    WORD,
  ] = "$END AND ASC COMMA DESC FIELD LPAR MINUS NOT OP OR ORDER_BY RELATIVE RPAR STRING VARIABLE WORD"
    .split(" ")
    .map(kindOf);
  const RUN = `[^${SPACE}()\\[\\],"'=<>!~:]`; // of what a person takes for one word
  const edgeBefore = new RegExp(`^[${SPACE}]+`);
  const blanksAround = new RegExp(`^${BLANK}+|${BLANK}+$`, "g");
  const strip = text => text.replace(edgeBefore, "").replace(edgeBehind, "");
  const split = text => strip(text).split(new RegExp(`[${SPACE}]+`)); // words, one that is empty for no words at all

  /** A cursor as an offset in the text, not inside a character. */
  function clamp(text, cursor) {
    cursor = Math.min(Math.max(Math.trunc(cursor) || 0, 0), text.length);
    return text.codePointAt(cursor - 1) > 0xffff ? cursor - 1 : cursor;
  }

  // Cursor

  const OPERATORS = kindsOf("BETWEEN ENDS IN IS MATCH NOT NOT_OP NULL ON STARTS WITH OP");
  const CLOSED = kindsOf("LPAR RPAR COMMA MINUS"); // whoever stands behind one of these has left it
  const AFTER_OP = ACTIONS[ACTIONS[0][FIELD]][OP];
  const AFTER_ORDER_BY = ACTIONS[0][ORDER_BY];
  const CONNECTIVES = kindsOf("AND OR NOT ORDER_BY ASC DESC");
  const ORDERS = sticky(`[Oo][Rr][Dd][Ee][Rr]${BLANK}+[Bb][Yy](?![A-Za-z0-9_.-])`);
  const PATH_SIGNS = new RegExp(`[\`\\]${SPACE}]`, "g");
  const RUN_AHEAD = sticky(`${RUN}*`);
  const RUN_BEHIND = new RegExp(`${RUN}*$`, "u");
  const PHRASE = whole(`[A-Za-z]+(?:${BLANK}+[A-Za-z]+)*${BLANK}*`);
  // A mistake as it looks to who is still typing it: an open quote or backtick, signs, a word
  const openQuote = mark => `${mark}[^${mark}\\\\]*(?:\\\\[\\s\\S][^${mark}\\\\]*)*\\\\?`;
  const ROUGH = sticky(`${openQuote('"')}|${openQuote("'")}|\`[^\`${SPACE}]*|[=!<>~:&|]+\\*?|${RUN}+|[\\s\\S]`);
  const BRACKET = sticky(`\\[${BLANK}*\`?[^${SPACE}()\\[\\],"'=<>!~:\`]*\`?${BLANK}*\\]?`);

  /**
   * A place where something may be written: the `start` and `end` of what is replaced, what of it is `typed` before the
   * cursor, the `stack` before it, the tokens of the condition `before`, the `token` that is replaced or null, the
   * `quote` that is open and whether it is `closed`, whether no blank is due (`apart`), whether it is a `phrase`.
   */
  function makePlace(start, end, typed, stack, more) {
    return {
      start,
      end,
      typed,
      stack,
      accepted: acceptable(stack),
      before: [],
      token: null,
      quote: "",
      closed: false,
      apart: true,
      phrase: false,
      ...more,
    };
  }

  /** The token that the cursor touches or stands in, the gap beside it, and the words of an operator begun earlier. */
  function places(text, cursor) {
    const { here, recent } = walk(text, cursor);
    const found = [wholePhrase(text, here)];
    const { token } = here;
    if (token && here.start === cursor && !here.quote) found.push({ ...here, end: cursor, token: null });
    if (token && token.end === cursor && token.kind >= 0) {
      const stack = shift(here.stack, token.kind);
      if (stack) found.push(placeBehind(text, cursor, stack, [...here.before, token]));
    }
    return [...found, ...phrases(text, cursor, recent)];
  }

  /** The place behind a token, or the value that begins there. */
  function placeBehind(text, at, stack, before) {
    if (DEFAULTS[stack.state] < 0 && accepts(stack, WORD)) {
      const token = nextToken(text, at, stack.state);
      if (token.start === at && isEntered(text, token, stack))
        return makePlace(at, token.end, "", stack, { before, token, apart: false });
    }
    return makePlace(at, at, "", stack, { before, apart: false });
  }

  /** The place of the cursor, and the tokens read just before it. */
  function walk(text, cursor) {
    const reading = makeReading(text);
    const { values } = reading;
    let recent = []; // tokens, each with the stack before it
    let stack = START; // as it was before the reductions that the token brings
    let token = null;
    let at = 0;
    for (;;) {
      let rule = DEFAULTS[reading.stack.state];
      if (rule < 0) {
        if (!token) {
          token = nextToken(text, at, reading.stack.state);
          stack = reading.stack;
          if (token.end > cursor || (token.end === cursor && !CLOSED.has(token.kind))) {
            return { here: placeOf(text, cursor, token, stack, tokensOf(values)), recent };
          }
        }
        const action = ACTIONS[reading.stack.state][token.kind];
        if (action === undefined) {
          const half = halfTyped(text, cursor, token, stack, tokensOf(values), lastOf(recent));
          if (half) return { here: half, recent };
          const { resumed } = recover(reading, token, at);
          if (resumed < 0 || resumed >= cursor) {
            return { here: inAMistake(text, cursor, reading.stack.below || START), recent: [] };
          }
          at = resumed;
          token = null;
          recent = [];
          continue;
        }
        if (action >= 0) {
          recent = [...recent.slice(1 - LONGEST_PHRASE), { token, stack }];
          reading.stack = push(reading.stack, action);
          values.push(token);
          at = token.end;
          token = null;
          continue;
        }
        rule = ~action;
      }
      const parts = values.splice(values.length - RULES[rule][1]);
      values.push({ start: parts.length ? parts[0].start : at });
      reading.stack = reduce(reading.stack, rule);
    }
  }

  const tokensOf = values => values.filter(value => value.kind !== undefined);

  /** The place of a cursor before, in or at the end of a token that could be read. */
  function placeOf(text, cursor, token, stack, before) {
    const { start, end, text: written, kind } = token;
    if (kind < 0 || kind === END || start > cursor || (start === cursor && !isEntered(text, token, stack))) {
      return makePlace(cursor, cursor, "", stack, { before, apart: isApart(text, cursor, before) });
    }
    if (kind === STRING && start < cursor && cursor < end) {
      const typed = text.slice(start + 1, cursor);
      return makePlace(start + 1, end - 1, typed, stack, { before, token, quote: written[0], closed: true });
    }
    return makePlace(start, end, typedOf(token, cursor), stack, {
      before,
      token,
      apart: isApart(text, start, before),
    });
  }

  /** What of a token is typed: a name as a path, a time without blanks, other words with single ones. */
  function typedOf({ start, text, kind }, cursor) {
    const typed = text.slice(0, cursor - start);
    if (kind === FIELD) return pathOf(typed).replace("[", ".");
    return split(typed).join(kind === RELATIVE ? "" : " ");
  }

  const pathOf = typed => typed.replace(PATH_SIGNS, "");

  /** Whether a cursor just before a token is in it, to replace it: before a name, a value or an operator. */
  function isEntered(text, { start, kind }, stack) {
    if (CLOSED.has(kind) || CONNECTIVES.has(kind) || matchAt(ORDERS, text, start)) return false;
    return accepts(stack, kind === STRING ? WORD : kind);
  }

  /** Whether no blank is due before what is put there: after a blank, a bracket, a minus that denies. */
  function isApart(text, at, before = []) {
    const last = lastOf(before);
    return !at || (last && last.kind === MINUS && last.end === at) || " \t\r\n\xa0([,".includes(text[at - 1]);
  }

  /** The place in something that is not whole yet: `"acm`, `!`, `owner[em`; null where the cursor is past it. */
  function halfTyped(text, cursor, token, stack, before, recent) {
    const { start } = token;
    if (text[start] === "[" && recent && recent.token.kind === FIELD && recent.token.end === start) {
      const end = start + matchAt(BRACKET, text, start)[0].length;
      const name = recent.token;
      const typed = pathOf(`${name.text}.${text.slice(start + 1, cursor)}`);
      const half = { before: before.slice(0, -1), token: { ...name, kind: -1 } };
      return end >= cursor ? makePlace(name.start, end, typed, recent.stack, half) : null;
    }
    const rough = matchAt(ROUGH, text, start);
    if (!rough || start + rough[0].length < cursor) return null;
    const end = start + rough[0].length;
    const sign = rough[0][0];
    if (sign === "`" && recent && recent.token.kind === FIELD && recent.token.end === start) {
      const name = recent.token; // `owner`.`em
      const half = { before: before.slice(0, -1), token: { ...name, kind: -1 } };
      return makePlace(name.start, end, pathOf(text.slice(name.start, cursor)), recent.stack, half);
    }
    if (sign === '"' || sign === "'") {
      // it reaches to the end, but what stands behind the word was not meant to be in it
      const more = { before, token: makeToken(start, text.length, "", -1), quote: sign };
      return makePlace(start + 1, runEnd(text, cursor), text.slice(start + 1, cursor), stack, more);
    }
    const typed = text.slice(start, cursor).replace(/^`+/, "");
    return makePlace(start, end, typed, stack, {
      before,
      token: makeToken(start, end, rough[0], -1),
      apart: isApart(text, start),
    });
  }

  /** Where the word ends that an offset is in. */
  const runEnd = (text, at) => at + matchAt(RUN_AHEAD, text, at)[0].length;

  /** The place of a cursor in what could not be read: a new condition may start with the word it is in. */
  function inAMistake(text, cursor, stack) {
    const start = cursor - RUN_BEHIND.exec(text.slice(back(text, cursor, 200), cursor))[0].length;
    const end = runEnd(text, cursor);
    while (stack.below && !(PRIMARY in GOTOS[stack.state])) stack = stack.below;
    const token = end > start ? makeToken(start, end, text.slice(start, end), -1) : null;
    return makePlace(start, end, text.slice(start, cursor), stack, { token, apart: isApart(text, start) });
  }

  /** The places of words that began earlier: `is n`, `not starts w`, `order b`. */
  function phrases(text, cursor, recent) {
    const found = [];
    for (let ago = 1; ago <= Math.min(recent.length, LONGEST_PHRASE - 1); ago++) {
      const { token, stack } = recent[recent.length - ago];
      const written = text.slice(token.start, cursor);
      if (!PHRASE.test(written)) break;
      if (!acceptable(stack).has(OP) && token.text.toLowerCase() !== "order") continue;
      const before = ago < recent.length ? [recent[recent.length - ago - 1].token] : [];
      const typed = split(written).join(" ") + (space.test(lastOf(written)) ? " " : "");
      found.push(wholePhrase(text, makePlace(token.start, cursor, typed, stack, { before, token, phrase: true })));
    }
    return found;
  }

  /** The place with all the words of the operator that it is in, those behind the cursor too. */
  function wholePhrase(text, place) {
    if (!place.accepted.has(OP) || !place.token) return place;
    let { stack, start: end } = place;
    while (stack && DEFAULTS[stack.state] < 0) {
      const token = nextToken(text, end, stack.state);
      stack = OPERATORS.has(token.kind) && token.kind !== OP ? shift(stack, token.kind) : null;
      if (stack) end = token.end;
    }
    if (end <= place.end) end = place.phrase ? runEnd(text, place.end) : place.end; // `is nu|ll` is in a word
    return { ...place, end };
  }

  /**
   * How far a text can be read from an offset on: to the first token that may not stand where it does, or to the end,
   * and one further where it is whole there.
   */
  function reach(text, at, stack, strict) {
    let token = null;
    for (;;) {
      const { state } = stack;
      let rule = DEFAULTS[state];
      if (rule < 0) {
        if (!token) {
          token = nextToken(text, at, state);
          if (token.kind === LPAR && state === AFTER_OP && (strict || text[at - 1] !== ":")) return token.start;
          if (strict && BEGINNERS.has(token.kind) && accepts(stack, AND)) return token.start;
        }
        const action = ACTIONS[state][token.kind];
        if (action === undefined) return token.kind === END ? text.length : token.start;
        if (action >= 0) {
          stack = push(stack, action);
          at = token.end;
          token = null;
          continue;
        }
        rule = ~action;
      }
      stack = reduce(stack, rule);
      if (stack.state === ACCEPT) return text.length + 1;
    }
  }

  /** The names of the kinds of token that may stand at a cursor. */
  function acceptsAt(text, cursor) {
    text = String(text);
    return tooLong(text) ? [] : [...places(text, clamp(text, cursor))[0].accepted].map(kind => KINDS[kind]);
  }

  // Spelling

  const VALUE = new RegExp(`^(?:${patternOf(WORD)}|${patternOf(RELATIVE)})$`, "u");
  const NAME = new RegExp(`^(?:${patternOf(FIELD)})$`, "u");
  const OTHERWISE = whole(WORDS.OTHERWISE, "i");
  const NAME_PART = /(?:^|[.[])[ \t\r\n\xa0]*(?:`([^`]*)`|([^`.[\] \t\r\n\xa0]*))/gu;
  const SHORT = { '"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  const ESCAPED = /["\\\0-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]/gu;

  /** The text in double quotes, with the escapes it needs and any invisible character made visible. */
  function quote(text) {
    return `"${text.replace(ESCAPED, each => SHORT[each] || `\\u${hex(each).toLowerCase()}`)}"`;
  }

  /** A text as a value, in quotes where the bare word would read otherwise. */
  const spellValue = text => (VALUE.test(text) && !OTHERWISE.test(text) ? text : quote(text));

  /** A field's name, in backticks where a part could not stand alone. */
  function spellName(parts) {
    return parts
      .map((part, at) => {
        const plain = at ? part === "" || NAME.test(`x.${part}`) : NAME.test(part);
        return plain && !/[`[]/.test(part) ? part : `\`${part}\``;
      })
      .join(".");
  }

  /** The parts of a name as written: dots and brackets separate, backticks protect. */
  function nameParts(text) {
    if (text.includes("`")) return [...text.matchAll(NAME_PART)].map(match => match[2] || match[1] || "");
    return text
      .replace("[", ".")
      .replace("]", "")
      .split(".")
      .map(part => part.replace(blanksAround, ""));
  }

  // Names

  const squeeze = name => [...name].slice(0, 100).join("").toLowerCase().replace(/[_.-]/g, "");
  const lastPart = name => name.slice(name.lastIndexOf(".") + 1);

  /** How well a label goes on from what was typed, 0 the best; -1 where it does not. */
  function likeness(typed, label) {
    const written = typed.toLowerCase();
    const name = label.toLowerCase();
    if (name.startsWith(written)) return 0;
    if (!alphanumeric.test(written)) return -1;
    if (lastPart(name).startsWith(written)) return 1;
    if (name.split(new RegExp(`[${SPACE}._-]+`)).some(word => word.startsWith(written))) return 2;
    if ([...written].length < 2) return -1;
    if (name.includes(written)) return 3;
    const letters = [...written];
    let found = 0;
    for (const letter of name) if (letter === letters[found]) found++;
    return characterAt(name, 0) === letters[0] && found === letters.length ? 4 : -1;
  }

  /** Names ranked by how likely `written` was meant to be each: over whole paths, last parts and beginnings. */
  function closeNames(written, names) {
    const wanted = squeeze(written);
    if (!wanted) return [];
    const scored = names.map(name => ({ name, score: closeness(wanted, name) })).sort((a, b) => b.score - a.score);
    const best = scored.length ? scored[0].score : 0;
    const enough = Math.max([...wanted].length > 4 ? 0.7 : 0.8, best - 0.15); // short words are alike by chance
    return scored
      .filter(({ score }) => score >= enough)
      .slice(0, 3)
      .map(({ name }) => name);
  }

  function closeness(wanted, name) {
    const all = squeeze(name);
    const last = squeeze(lastPart(name));
    if (wanted === all) return 1.2;
    if (wanted === last || wanted.replace(/s+$/, "") === last.replace(/s+$/, "")) return 1.1;
    const score = Math.max(ratio(wanted, all), ratio(wanted, last) - 0.05);
    const begins = [...wanted].length > 1 && (all.startsWith(wanted) || last.startsWith(wanted));
    return begins ? Math.max(score, 0.8) + 0.1 : score;
  }

  /** How much of two texts is in the same order in both, as Python's `difflib` reckons; 0 for little. */
  function ratio(left, right) {
    const [a, b] = [[...left], [...right]];
    const whole = a.length + b.length;
    const rest = [...b];
    let common = 0;
    for (const letter of a) {
      const at = rest.indexOf(letter);
      if (at >= 0) common += rest.splice(at, 1).length;
    }
    if (!((2 * Math.min(a.length, b.length)) / whole > 0.6 && (2 * common) / whole > 0.6)) return 0;
    const matches = (from, to, start, end) => {
      let [size, at, beside] = [0, from, start];
      let before = [];
      for (let i = from; i < to; i++) {
        const lengths = [];
        for (let j = start; j < end; j++) {
          if (a[i] !== b[j]) continue;
          const length = (lengths[j] = (before[j - 1] || 0) + 1);
          if (length > size) [size, at, beside] = [length, i - length + 1, j - length + 1];
        }
        before = lengths;
      }
      return size && size + matches(from, at, start, beside) + matches(at + size, to, beside + size, end);
    };
    return (2 * matches(0, a.length, 0, b.length)) / whole;
  }

  // Offers: what may be written at a place, as far as the schema and the language know. `open` ones want more behind
  // them, `shape` tells apart what reads differently to the parser.

  const makeOffer = (label, kind, detail, open = false, text = label, shape = kind) => ({
    label,
    kind,
    text,
    detail,
    shape,
    open,
  });
  const OPERATOR_WORDS = Object.keys(WORDS.OPERATORS);
  const isDate = field => Object.hasOwn(WORDS.USUAL, field.type);
  const isFlag = field => field !== undefined && field.type === "boolean";

  /** The operators that a field's type allows, with `is null` where it may be null; all for an unknown field. */
  function operatorsOf(field) {
    const numbers = field && Object.hasOwn(WORDS.ALLOWED, field.type) && WORDS.ALLOWED[field.type];
    const allowed = numbers ? numbers.map(number => OPERATOR_WORDS[number]) : OPERATOR_WORDS;
    return field && !field.nullable ? allowed.filter(words => !words.startsWith("is")) : allowed;
  }

  function operators(field) {
    const allowed = operatorsOf(field);
    const make = (words, meant) => {
      const [says, follows] = WORDS.OPERATORS[meant];
      const text = follows === "list" && words === meant ? `${words} (` : words;
      return makeOffer(words, "operator", says, follows !== "", text, /^[a-z]/.test(words) ? words : "sign");
    };
    const others = Object.entries(WORDS.ALIASES).filter(([, meant]) => allowed.includes(meant));
    return [...allowed.map(words => make(words, words)), ...others.map(([words, meant]) => make(words, meant))];
  }

  function named(field, open) {
    const detail = field.description ? `${field.type}, ${field.description}` : field.type;
    return makeOffer(field.name, "field", detail, open, spellName(field.name.split(".")));
  }

  const value = (text, detail) => makeOffer(text, "value", detail);
  const keyword = words =>
    makeOffer(words, "keyword", WORDS.KEYWORDS[words], !["(", ")", "asc", "desc"].includes(words), words, words);

  /** The values the schema or the language has for a field after an operator; none for a part of a text. */
  function valuesOf(field, operator, typed, quoted, now) {
    const word = operator[0] === "not" ? operator[1] : operator[0];
    if (WORDS.PARTS.includes(word)) return [];
    const found = (field.values || []).map((each, at) =>
      makeOffer(each, "value", (field.meanings || [])[at] || "", false, spellValue(each)),
    );
    if (quoted) return found;
    if (isFlag(field)) found.push(value("true", ""), value("false", ""));
    if (isDate(field)) found.push(...(word === "on" ? periods(now) : moments(typed, field)));
    if (field.nullable && ["=", "!=", "==", "<>", ":"].includes(word)) found.push(value("null", "no value"));
    return found;
  }

  /** Relative times: the usual ones, and those that the count being typed can become. */
  function moments(typed, field) {
    const started = typed.toLowerCase().replace(/ /g, "");
    let counted = /[-+][0-9]+$/.test(started) ? Object.keys(WORDS.UNITS).map(unit => started + unit) : [];
    if (/[-+]$/.test(started)) counted = WORDS.STEPS.map(step => started + step);
    return [...counted, ...WORDS.USUAL[field.type].filter(each => !counted.includes(each))]
      .filter(each => RELATIVE_TIME.test(each))
      .map(each => value(each, saidOf(each)));
  }

  /** A relative time in words: `7 days ago`, `1 month after the start of today`. */
  function saidOf(text) {
    if (text in WORDS.SAID) return WORDS.SAID[text];
    if (text.match(/[+-]/g).length > 1) return ""; // of several steps: they say it best themselves
    const sign = text.includes("-") ? "-" : "+";
    const [base] = text.split(sign, 1);
    const [, count, unit] = /^([^]*?)([a-z]*)$/.exec(text.slice(base.length + 1));
    const word = WORDS.UNITS[unit] || unit;
    const span = `${count} ${count === "1" ? word.replace(/s$/, "") : word}`;
    if (base === "now") return sign === "-" ? `${span} ago` : `in ${span}`;
    return `${span} ${sign === "-" ? "before" : "after"} ${WORDS.SAID[base] || base}`;
  }

  /** Days, months and years that `on` takes; the months are those of UTC. */
  function periods(now) {
    const day = (years, months) =>
      new Date(Date.UTC(now.getUTCFullYear() - years, now.getUTCMonth() - months, 1)).toISOString();
    const texts = [
      "today",
      "yesterday",
      ...[0, 1].map(ago => day(0, ago).slice(0, 7)),
      ...[0, 1].map(ago => day(ago, 0).slice(0, 4)),
    ];
    return texts.map((each, at) => value(each, WORDS.PERIODS[at]));
  }

  // Completer

  const WHOLE = /^(true|false|null|now|today|yesterday|tomorrow)$/;
  const BARE_DAY = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;
  const FUSES = new RegExp(`^[^${SPACE}()\\[\\],=<>!~:]`);
  // Where a bracket closes or an order follows one may go on typing, as at the end of a text
  const CLOSING = new RegExp(`^${BLANK}*(?:\\)|order${BLANK}+by(?![A-Za-z0-9_.-]))`, "i");
  const KEYWORD_OFFERS = [
    [AND, "and"],
    [OR, "or"],
    [COMMA, ","],
    [RPAR, ")"],
    [ASC, "asc"],
    [DESC, "desc"],
    [ORDER_BY, "order by"],
  ];
  const REPLACED_BY = new Map([
    [FIELD, "field"],
    [WORD, "value"],
    [RELATIVE, "value"],
    [STRING, "value"],
    [VARIABLE, "value"],
  ]);

  /** What stands next after an offset, blanks aside; empty where nothing does near by. */
  const ahead = (text, at) => characterAt(text.slice(at, at + 100).replace(edgeBefore, ""), 0);

  /**
   * What may be written at a cursor, the likeliest first: each offer's `insert` goes in the place of `start` to `end`.
   * `schema` is what the service says of an endpoint; `now` (a date, 'now' by default) is what months are counted from.
   */
  function complete(text, cursor, schema, { mode = "search", now } = {}) {
    text = String(text);
    if (tooLong(text)) return [];
    cursor = clamp(text, cursor);
    const strict = mode === "strict";
    const { fields: known = [], examples = [] } = schema || {};
    const given = new Date(now);
    const time = isNaN(given) ? new Date() : given;
    const found = places(text, cursor);
    const [here] = found;
    const fields = new Map(known.map(field => [field.name.split(".").join("\0"), field]));
    const fieldNamed = name => fields.get(nameParts(name).join("\0"));

    /** The field that is compared at a place. */
    function fieldOf(place) {
      const token = [...place.before].reverse().find(({ kind }) => kind === FIELD);
      return token && fieldNamed(token.text);
    }

    /** The words written since that field, in lower case. */
    function operatorOf(place) {
      const since = place.before.map(({ kind }) => kind).lastIndexOf(FIELD) + 1;
      return place.before.slice(since).map(token => token.text.toLowerCase());
    }

    /** The offers that go on from what is typed, ranked: how well they do, then how likely they are. */
    function matching() {
      const ranked = [];
      const rank = (tier, at, place, offer) => ranked.push({ tier, at, place, offer });
      for (const place of found.filter(each => each.phrase)) {
        fitting(place).forEach((offer, at) => {
          if (offer.kind === "operator" && !fieldOf(place)) return; // the name may be a word of free text
          const isWord = offer.kind === "operator" || offer.kind === "keyword";
          if (isWord && likeness(place.typed, offer.label) === 0) rank(0, at, place, offer);
        });
      }
      if (ranked.some(({ offer, place }) => offer.kind === "keyword" || !isFlag(fieldOf(place)))) return ranked;
      let alike = !ranked.length;
      for (const place of found) {
        const behind = place !== here;
        if (place.phrase || (behind && cursor === here.end && !goesOn())) continue;
        const beside = place.accepted.has(AND) && !place.accepted.has(OP); // where a name has to be begun, it is
        fitting(place).forEach((offer, at) => {
          if (!place.typed && !mayReplace(offer, place.token)) return;
          if (behind && cursor === here.start && offer.kind !== "keyword") return; // a name would be one too many
          const tier = likeness(place.typed, offer.label);
          if (tier === 0 || (tier > 0 && !beside && offer.kind !== "keyword")) {
            alike = false;
            rank(behind ? 1 : 2 * tier, at, place, offer);
          }
        });
      }
      if (alike && [...here.typed].length > 2) {
        const labels = new Map(
          fitting(here)
            .filter(({ kind }) => kind !== "keyword")
            .map(offer => [offer.label, offer]),
        );
        closeNames(here.typed, [...labels.keys()]).forEach((label, at) =>
          rank(2 * LIKELY, at, here, labels.get(label)),
        );
      }
      return ranked;
    }

    /** What the parser takes at a place, of what the schema knows. */
    function fitting(place) {
      const { accepted } = place;
      const takes = kind => accepted.has(kind);
      const field = fieldOf(place);
      const offers = [];
      if (takes(WORD) && field) {
        const others = listed(place);
        const values = valuesOf(field, operatorOf(place), place.typed, place.quote, time);
        offers.push(...values.filter(offer => !others.includes(offer.label)));
      }
      if (place.quote) return offers;
      if (takes(LPAR) && !takes(WORD) && !takes(FIELD)) offers.push(keyword("("));
      const waits = takes(OP) && !isFlag(field) && (strict || field); // it cannot stand alone
      if (waits) return [...offers, ...operators(field)];
      if (takes(AND) && !takes(FIELD)) return [...offers, { ...keyword("and"), detail: WORDS.UPPER_END }];
      if (takes(FIELD) && !takes(AND)) offers.push(...names(place));
      for (const [kind, words] of KEYWORD_OFFERS) {
        const last = lastOf(place.before);
        if (takes(kind) && !(kind === RPAR && last && last.kind === COMMA)) offers.push(keyword(words));
      }
      if (takes(FIELD) && takes(AND)) offers.push(...names(place)); // which more often goes on otherwise
      if (takes(OP)) offers.push(...operators(field));
      if (!strip(text)) offers.push(...examples.map(each => makeOffer(each, "snippet", "an example")));
      return offers;
    }

    /** Fields, and `not` where a condition starts. Right behind a condition, a name has to be begun. */
    function names(place) {
      const all = () => known.map(field => named(field, !isFlag(field)));
      if (place.stack.state === AFTER_ORDER_BY)
        return known.filter(each => each.sortable).map(each => named(each, false));
      if (!place.accepted.has(AND)) return place.accepted.has(NOT) ? [...all(), keyword("not")] : all();
      return !strict && place.typed ? all() : [];
    }

    /** The values that the list around a place holds beside it. */
    function listed(place) {
      const opening = lastOf(place.before.filter(({ kind }) => kind === LPAR));
      if (!opening || ![LPAR, COMMA].includes(lastOf(place.before).kind)) return [];
      const behind = text.slice(place.end + place.closed).split(")", 1)[0];
      const members = `${text.slice(opening.end, place.start - (place.quote ? 1 : 0))},${behind}`.split(",");
      return members.map(member => strip(member).replace(/^["']+|["']+$/g, ""));
    }

    /** Whether one may go on behind the token at the cursor: it is whole, and no half of an operator. */
    function goesOn() {
      return isWhole(here) && !(here.token.kind === NOT && isUnfinished(here));
    }

    /** Whether the token at a place says something as it stands, so that one may go on behind it. */
    function isWhole({ token: { text: word, kind }, ...place }) {
      if (kind === FIELD) return fieldNamed(word) !== undefined;
      if (kind !== WORD) return true;
      const field = fieldOf(place);
      return (
        BARE_DAY.test(word) || WHOLE.test(word.toLowerCase()) || Boolean(field && (field.values || []).includes(word))
      );
    }

    /** Whether a field that cannot stand alone waits at a place for its operator: nothing was whole without one. */
    function isUnfinished(place) {
      const field = fieldOf(place);
      if (!field || isFlag(field) || !place.accepted.has(OP)) return false;
      return !OPERATORS.has(nextToken(text, place.end, place.stack.state).kind);
    }

    /** Whether the text with the offer in it can be read at least as far as the text as it is. */
    function isReadable(place, insert, inside) {
      const { start, end, token } = place;
      const made = text.slice(0, start) + insert + text.slice(end);
      const free =
        !strip(text.slice(end)) || (inside && CLOSING.test(text.slice(end))) || (!token && isUnfinished(place));
      return (strict ? [true] : [false, true]).every(manner => readsOn(made, place, insert, free, manner));
    }

    /**
     * Whether a text with an offer put in is read past it, and unless `free` as far as it was. Not even search mode is
     * given two conditions side by side where there was one.
     */
    function readsOn(made, { start, end, stack, quote }, insert, free, manner) {
      const at = quote ? start - 1 : start;
      let goal = start + insert.replace(edgeBehind, "").length;
      const before = free ? 0 : reach(text, at, stack, manner);
      if (before >= end) goal = Math.max(goal, before + made.length - text.length);
      else if (manner && !strict) return true; // two stood side by side before
      return reach(made, at, stack, manner) >= goal;
    }

    const made = new Map();
    const tried = new Map();
    for (const { place, offer } of matching().sort((a, b) => a.tier - b.tier || a.at - b.at)) {
      const { start, end } = place;
      const insert = spelt(text, place, offer);
      const span = `${start},${end},`;
      if ((end === cursor && insert.replace(edgeBehind, "") === text.slice(start, end)) || made.has(span + insert))
        continue;
      if (!tried.has(span + offer.shape)) tried.set(span + offer.shape, isReadable(place, insert, ![")", "order by"].includes(offer.text)));
      if (!tried.get(span + offer.shape)) continue;
      made.set(span + insert, { label: offer.label, kind: offer.kind, insert, start, end, detail: offer.detail });
      if (made.size === MOST) break;
    }
    return [...made.values()];
  }

  /** Whether an offer takes the place of a token that the cursor only stands before: of its own kind alone. */
  function mayReplace(offer, token) {
    if (!token || token.kind < 0) return true;
    return offer.kind === (OPERATORS.has(token.kind) ? "operator" : REPLACED_BY.get(token.kind) || "keyword");
  }

  /** An offer as it is put into the text: in the quotes that are open, with the blanks that are due. */
  function spelt(text, place, offer) {
    if (place.quote) {
      const inner = quote(offer.label).slice(1, -1);
      return (place.quote === "'" ? inner.replace(/'/g, "\\'") : inner) + (place.closed ? "" : place.quote);
    }
    const following = characterAt(text, place.end);
    let written = offer.text;
    if (written.endsWith(" (") && ahead(text, place.end) === "(") written = written.slice(0, -2);
    const due = (offer.open && !written.endsWith("(")) || FUSES.test(following);
    return lead(text, place, offer) + written + (due && !space.test(following) ? " " : "");
  }

  /** The blank that is due before an offer: between words, and after a sign that has one before it. */
  function lead(text, place, offer) {
    if (place.apart || offer.text === ")" || offer.text === "," || place.token) return "";
    const last = lastOf(place.before);
    return last && last.kind === OP && !space.test(text[last.start - 1]) ? "" : " ";
  }

  return { complete, accepts: acceptsAt };
}
