// What is wrong with a text: problems as values, in UTF-16 units.

export const RANK = { error: 0, warning: 1, hint: 2 };

export const isError = ({ severity }) => severity === "error";
export const touches = ({ start, end }, caret) => start <= caret && caret <= end;

/** What two lists know, the worst first; where both speak of a place, the first. */
export function join(answered, syntax) {
  const seen = answered.map(({ start }) => start);
  const all = [...answered, ...syntax.filter(({ start }) => !seen.includes(start))];
  return all.sort((a, b) => RANK[a.severity] - RANK[b.severity] || a.start - b.start);
}

/** The problems that a change of the text has not touched, at their new places; none that the engine judges anew. */
export function moved(problems, before, after, judged) {
  const [head, tail] = shared(before, after);
  const stays = ({ start, end }) => end < head || start > before.length - tail;
  const move = each => {
    const shift = each.end < head ? 0 : after.length - before.length;
    return { ...each, start: each.start + shift, end: each.end + shift };
  };
  return problems
    .filter(each => [each, ...each.suggestions].every(stays) && !judged.some(({ start }) => start === each.start))
    .map(each => ({ ...move(each), suggestions: each.suggestions.map(move) }));
}

/** How many letters two texts share at their start, and of the rest at their end. */
function shared(a, b) {
  const least = Math.min(a.length, b.length);
  let head = 0;
  let tail = 0;
  while (head < least && a[head] === b[head]) head++;
  while (tail < least - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  return [head, tail];
}
