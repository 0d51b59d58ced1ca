// Holds the panels of a dashboard against Grafana's published types: every option and field setting must
// exist and, where the type is an enumeration, have one of its values. Arguments: folder of node_modules,
// dashboard. Prints one line for each mistake and, last, how many values were looked at.
'use strict';
const path = require('path');
const [folder, dashboard] = process.argv.slice(2);
const ts = require(path.join(folder, 'node_modules/typescript'));
const fs = require('fs');

const names = {timeseries: 'timeseries', stat: 'stat', bargauge: 'bargauge', 'state-timeline': 'statetimeline', heatmap: 'heatmap'};
const base = '@grafana/schema/dist/types/raw/composable/';
const source = Object.values(names).map((name) =>
  `import * as ${name} from '${base}${name}/panelcfg/x/types.gen';\n` +
  `export type ${name}_options = ${name}.Options;\n` +
  (name === 'bargauge' || name === 'stat' ? '' : `export type ${name}_custom = ${name}.FieldConfig;\n`)).join('') +
  `import {FieldConfig} from '${base.replace('composable/', '')}dashboard/x/types.gen';\nexport type defaults = FieldConfig;\n`;
const file = path.join(folder, 'types.ts');
fs.writeFileSync(file, source);
const program = ts.createProgram([file], {moduleResolution: ts.ModuleResolutionKind.Node10 ?? 2, skipLibCheck: true, strict: true,
  baseUrl: folder, types: []});
const checker = program.getTypeChecker();
const types = {};
ts.forEachChild(program.getSourceFile(file), (node) => {
  if (ts.isTypeAliasDeclaration(node)) types[node.name.text] = checker.getTypeAtLocation(node);
});

let looked = 0;
function problem(value, type, where) {
  looked += 1;
  if (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return null;
  if (type.isUnion()) {
    const problems = type.types.map((one) => problem(value, one, where));
    return problems.some((one) => one === null) ? null : problems.sort((a, b) => b.length - a.length)[0];
  }
  if (type.flags & ts.TypeFlags.Null) return value === null ? null : `${where}: not null`;
  if (type.flags & ts.TypeFlags.Undefined) return `${where}: not undefined`;
  if (type.isStringLiteral() || type.isNumberLiteral()) return value === type.value ? null : `${where}: ${JSON.stringify(value)} is not ${type.value}`;
  if (type.flags & ts.TypeFlags.BooleanLiteral) return String(value) === checker.typeToString(type) ? null : `${where}: not ${checker.typeToString(type)}`;
  if (type.flags & ts.TypeFlags.StringLike) return typeof value === 'string' ? null : `${where}: not a text`;
  if (type.flags & ts.TypeFlags.NumberLike) return typeof value === 'number' ? null : `${where}: not a number`;
  if (type.flags & ts.TypeFlags.BooleanLike) return typeof value === 'boolean' ? null : `${where}: not true or false`;
  if (checker.isArrayType(type)) {
    if (!Array.isArray(value)) return `${where}: not a list`;
    const [of] = checker.getTypeArguments(type);
    return value.map((one, i) => problem(one, of, `${where}[${i}]`)).find((one) => one !== null) ?? null;
  }
  if (typeof value !== 'object' || value === null) return `${where}: not an object`;
  const index = checker.getIndexInfosOfType(type)[0];
  for (const [key, inner] of Object.entries(value)) {
    const symbol = checker.getPropertyOfType(type, key);
    if (!symbol && !index) return `${where}.${key}: no such setting`;
    const found = problem(inner, symbol ? checker.getTypeOfSymbol(symbol) : index.type, `${where}.${key}`);
    if (found !== null) return found;
  }
  return null;
}

for (const panel of JSON.parse(fs.readFileSync(dashboard, 'utf8')).panels) {
  if (panel.type === 'row') continue;
  const name = names[panel.type];
  const {custom, ...defaults} = panel.fieldConfig.defaults;
  const found = [problem(panel.options, types[`${name}_options`], 'options'), problem(defaults, types.defaults, 'defaults'),
    custom ? problem(custom, types[`${name}_custom`], 'custom') : null].filter((one) => one !== null);
  for (const one of found) console.log(`${panel.title}: ${one}`);
}
console.log(`looked at ${looked} values`);
