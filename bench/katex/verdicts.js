// Reads labels as lines of JSON strings on standard input; writes "" (accepted) or KaTeX's message, a line each.
const katex = require("katex");
const lines = require("fs").readFileSync(0, "utf8").split("\n").filter((line) => line);
const verdicts = lines.map((line) => {
  try {
    katex.__parse(JSON.parse(line), { strict: "ignore", displayMode: true });
    return "";
  } catch (error) {
    return error.message;
  }
});
console.log(verdicts.map((verdict) => JSON.stringify(verdict)).join("\n"));
