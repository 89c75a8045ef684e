/** What the box itself says; assign to translate. */
export const words = {
  search: "Search",
  clear: "Clear",
  suggestions: "Suggestions",
  required: "Fill in this field",
  keys: "↑ ↓ choose · Enter take · Esc close",
  toFix: "Alt+Enter to fix",
  asking: "checking …",
  found: count => `${count} suggestion${count === 1 ? "" : "s"}`,
  more: count => `+${count} more`,
  unknown: endpoint => `there is no endpoint \`${endpoint}\``,
  plan: ({ requests }) => {
    const tested = requests.some(each => each.residual) ? ", then tests each record" : "";
    const count = requests.length;
    return count ? `makes ${count} request${count === 1 ? "" : "s"}${tested}` : "makes no request: nothing can match";
  },
};
