// The reference of the JavaScript SDK as Markdown, from its doc comments: what src/index.ts exports, with the members of
// classes and interfaces. A thing without a comment is named on standard error, and the exit code is 1.
//
// Usage: node reference.mjs >REFERENCE.md      (beside node_modules)
import ts from "typescript";

const program = ts.createProgram(["src/index.ts"], { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, strict: true });
const checker = program.getTypeChecker();
const silent = [];

/** The comment of a symbol; what has none of its own is noted. */
function text(symbol, path) {
  const found = ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim();
  if (found === "") silent.push(path);
  return found;
}

function signature(symbol) {
  const declaration = symbol.valueDeclaration ?? symbol.declarations[0];
  return checker.typeToString(checker.getTypeOfSymbolAtLocation(symbol, declaration), declaration, ts.TypeFormatFlags.NoTruncation);
}

const own = (declaration) => !declaration.getSourceFile().fileName.includes("node_modules");
const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
const shown = (member) =>
  member.declarations?.some((one) => own(one) && !(ts.getCombinedModifierFlags(one) & hidden)) && !member.name.startsWith("__") && member.name !== "prototype";

function members(symbol) {
  const type = checker.getDeclaredTypeOfSymbol(symbol);
  const statics = symbol.flags & ts.SymbolFlags.Class ? [...symbol.exports.values()] : [];
  // What a class inherits is explained there.
  const mine = (type.symbol?.members ? [...type.symbol.members.values()] : []).filter((member) => !(member.flags & (ts.SymbolFlags.TypeParameter | ts.SymbolFlags.Constructor)));
  for (const member of [...mine, ...statics].filter(shown)) {
    console.log(`- \`${member.name}: ${signature(member)}\`  ${text(member, `${symbol.name}.${member.name}`).replaceAll("\n", " ")}`);
  }
}

console.log("# @patronus-sdwan/client\n");
const index = checker.getSymbolAtLocation(program.getSourceFile("src/index.ts"));
for (const entry of checker.getExportsOfModule(index).sort((a, b) => a.name.localeCompare(b.name))) {
  const symbol = entry.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(entry) : entry;
  console.log(`## ${entry.name}\n\n${text(symbol, entry.name)}\n`);
  if (symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface)) members(symbol);
  else if (symbol.flags & ts.SymbolFlags.Value) console.log(`\`${signature(symbol).slice(0, 400)}\``);
  console.log("");
}
if (silent.length > 0) {
  console.error(`without a comment: ${silent.join(", ")}`);
  process.exit(1);
}
