// Reads labels as lines of JSON strings on standard input; writes each one's presentation MathML, or "!" and KaTeX's message.
const katex = require("katex");
console.log = console.error = console.warn = () => {}; // \\show and \\message print
const lines = require("fs").readFileSync(0, "utf8").split("\n").filter((line) => line);
for (const line of lines) {
  let answer;
  try {
    const options = { strict: "ignore", displayMode: true, output: "mathml", trust: true };
    answer = katex.renderToString(JSON.parse(line), options).match(/<semantics>(.*)<annotation/s)[1];
  } catch (error) {
    answer = "!" + error.message;
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
