"use strict";
// The filter language of --where, over the fields that a row's calls share: the same grammar, the same messages.
const meshFilter = (() => {
  const MAX_LENGTH = 10000;
  const MAX_DEPTH = 50;
  const TOKEN =
    /\s*(?:([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)|(-?[0-9]{1,18}(?:\.[0-9]{1,18})?)(?![A-Za-z0-9_.])|("(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*')|(==|!=|<=|>=|<|>|\(|\)|\[|\]|,))/y;
  const KINDS = ["name", "number", "text", "sign"];
  const KEYWORDS = new Set(["and", "or", "not", "in", "like", "true", "false", "null"]);
  const HABITS = { "&&": "and", "||": "or", "=~": "like", "=": "==", "!": "not", "~": "like" };
  const CONSTANTS = { true: true, false: false, null: null };
  const EXPECTED = { text: "a text in quotes", "list of text": "a text in quotes", number: "a number", boolean: "true or false" };
  const ORDERS = {
    "<": (a, b) => a < b,
    "<=": (a, b) => a <= b,
    ">": (a, b) => a > b,
    ">=": (a, b) => a >= b,
  };
  const ASKS = /^[\s(]*(?:not[\s(]+)*(?:[A-Za-z_][\w.]*\s*(?:==|!=|<|>|\s=|\s(?:not\s+)?(?:in|like)\s*[[("'])|(["']).*\1\s+in\s)/;

  const wrong = (text, at, message) => {
    const rest = [...text.slice(at)].slice(0, 24).join("");
    const here = rest.trim() ? ` (at '${rest}')` : "";
    return new SyntaxError(`filter, column ${[...text.slice(0, at)].length + 1}${here}: ${message}`);
  };

  const noToken = (text, start) => {
    const at = start + text.slice(start).search(/\S/);
    const character = String.fromCodePoint(text.codePointAt(at));
    if (character === '"' || character === "'") return wrong(text, at, `found a text that does not end, expected ${character} at its end`);
    const habit = Object.keys(HABITS).find((each) => text.startsWith(each, at));
    if (habit) return wrong(text, at, `found '${habit}', expected '${HABITS[habit]}'`);
    return wrong(text, at, `found '${character}', expected a field, a value or an operator`);
  };

  const tokensOf = (text) => {
    if (text.length > MAX_LENGTH) throw wrong(text, MAX_LENGTH - 1, `found ${text.length} characters, expected at most ${MAX_LENGTH}`);
    const tokens = [];
    let position = 0;
    while (text.slice(position).trim()) {
      TOKEN.lastIndex = position;
      const match = TOKEN.exec(text);
      if (!match) throw noToken(text, position);
      const place = match.slice(1).findIndex((each) => each !== undefined);
      const raw = match[place + 1];
      const value = KINDS[place] === "text" ? raw.slice(1, -1).replace(/\\([^])/g, "$1") : raw;
      position = TOKEN.lastIndex;
      tokens.push({ kind: KINDS[place], value, at: position - raw.length });
    }
    return [...tokens, { kind: "end", value: "", at: text.length }];
  };

  const told = (token) => (token.kind === "end" ? "the end" : `'${token.value}'`);

  const like = (pattern, text) => {
    const [shape, letters] = [[...pattern], [...text]];
    let [at, position, star, mark] = [0, 0, -1, 0];
    while (position < letters.length) {
      if (shape[at] === "*") [star, mark, at] = [at, position, at + 1];
      else if (at < shape.length && (shape[at] === "?" || shape[at] === letters[position])) [at, position] = [at + 1, position + 1];
      else if (star >= 0) [mark, at, position] = [mark + 1, star + 1, mark + 1];
      else return false;
    }
    return shape.slice(at).every((each) => each === "*");
  };

  const texts = (value) => (Array.isArray(value) ? value : typeof value === "string" ? [value] : []);

  const equal = (field, wanted) => {
    if (field.kind === "list of text") return (call) => (wanted === null ? !texts(call[field.place]).length : texts(call[field.place]).includes(wanted));
    return (call) => call[field.place] === wanted;
  };

  const parse = (text, fields) => {
    const tokens = tokensOf(text);
    let position = 0;
    let depth = 0;
    const now = () => tokens[position];
    const fail = (message, token = now()) => wrong(text, token.at, message);
    const take = (kind, ...values) => now().kind === kind && values.includes(now().value) && Boolean((position += 1));

    const either = () => {
      const parts = [all()];
      while (take("name", "or")) parts.push(all());
      return (call) => parts.some((part) => part(call));
    };
    const all = () => {
      const parts = [not()];
      while (take("name", "and")) parts.push(not());
      return (call) => parts.every((part) => part(call));
    };
    const not = () => {
      depth += 1;
      if (depth > MAX_DEPTH) throw fail(`nested deeper than ${MAX_DEPTH}`);
      const found = one();
      depth -= 1;
      return found;
    };
    const one = () => {
      if (take("name", "not")) {
        const inner = not();
        return (call) => !inner(call);
      }
      if (!take("sign", "(")) return comparison();
      const inner = either();
      if (!take("sign", ")")) throw fail(`found ${told(now())}, expected )`);
      return inner;
    };
    const fieldNamed = () => {
      const token = tokens[position++];
      if (token.kind !== "name" || KEYWORDS.has(token.value)) throw fail(`found ${told(token)}, expected a field`, token);
      const field = fields.get(token.value);
      if (!field) throw fail(`found '${token.value}', which is no field of a call`, token);
      return field;
    };
    const comparison = () => {
      if (now().kind === "text") return valueInField();
      const field = fieldNamed();
      if (take("name", "not")) {
        const inside = operator(field, ["in", "like"]);
        return (call) => !inside(call);
      }
      const ends = now().kind === "end" || ["and", "or", ")"].includes(now().value);
      if (field.kind === "boolean" && ends) return (call) => call[field.place] === true;
      return operator(field, ["==", "!=", ...Object.keys(ORDERS), "in", "like"]);
    };
    const valueInField = () => {
      const wanted = tokens[position++];
      if (!take("name", "in")) throw fail(`found ${told(now())}, expected in and a field that is a list`);
      const token = now();
      const field = fieldNamed();
      if (field.kind !== "list of text") throw fail(`${field.name} is no list; write ${field.name} == ...`, token);
      return equal(field, wanted.value);
    };
    const operator = (field, allowed) => {
      const token = now();
      if (!["name", "sign"].includes(token.kind) || !allowed.includes(token.value)) throw fail(`found ${told(token)}, expected one of ${allowed.join(" ")}`);
      position += 1;
      if (token.value in ORDERS) return ordered(field, token);
      if (token.value === "like") return likeness(field, token);
      if (token.value === "in") {
        const choices = list(field).map((value) => equal(field, value));
        return (call) => choices.some((choice) => choice(call));
      }
      const same = equal(field, valueOf(field));
      return token.value === "==" ? same : (call) => !same(call);
    };
    const ordered = (field, token) => {
      if (field.kind !== "number") throw fail(`${field.name} is ${field.kind}, ${token.value} compares numbers`, token);
      const wanted = valueOf(field);
      if (wanted === null) throw fail("found null, expected a number", tokens[position - 1]);
      return (call) => typeof call[field.place] === "number" && ORDERS[token.value](call[field.place], wanted);
    };
    const likeness = (field, token) => {
      if (!["text", "list of text"].includes(field.kind)) throw fail(`${field.name} is ${field.kind}, like compares text`, token);
      const pattern = tokens[position++];
      if (pattern.kind !== "text") throw fail(`found ${told(pattern)}, expected a text with * and ?`, pattern);
      return (call) => texts(call[field.place]).some((each) => like(pattern.value, each));
    };
    const list = (field) => {
      const closing = now().kind === "sign" ? { "[": "]", "(": ")" }[now().value] : undefined;
      if (!closing) throw fail(`found ${told(now())}, expected a list such as ["a", "b"]`);
      position += 1;
      const values = [];
      while (!take("sign", closing)) {
        if (values.length && !take("sign", ",")) throw fail(`found ${told(now())}, expected , or ${closing}`);
        values.push(valueOf(field));
      }
      return values;
    };
    const valueOf = (field) => {
      const token = tokens[position++];
      if (token.kind === "name" && token.value in CONSTANTS) {
        const value = CONSTANTS[token.value];
        if (value === null || field.kind === "boolean") return value;
      } else if (token.kind === "number" && field.kind === "number") {
        return Number(token.value);
      } else if (token.kind === "text" && ["text", "list of text"].includes(field.kind)) {
        if (field.values.length && !field.values.includes(token.value)) {
          throw fail(`${field.name} is never ${told(token)}; it is one of ${field.values.join(", ")}, or null`, token);
        }
        return token.value;
      }
      throw fail(`found ${told(token)}, expected ${EXPECTED[field.kind]}, since ${field.name} is ${field.kind}`, token);
    };

    if (now().kind === "end") throw fail('found nothing, expected an expression such as host == "reviews"');
    const found = either();
    if (now().kind !== "end") throw fail(`found ${told(now())}, expected and, or, or the end`);
    return found;
  };

  const fieldsOf = (data) => new Map(data.fields.map(([name, kind, values], place) => [name, { name, kind, values, place }]));

  // Whether a text asks in the language; what is only words is looked for as it is.
  const asks = (text, fields) => ASKS.test(text) || fields.get(text.trim().replace(/^not\s+/, ""))?.kind === "boolean";

  return { parse, fieldsOf, asks };
})();
