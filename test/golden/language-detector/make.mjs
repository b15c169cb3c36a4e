/**
 * Writes expected.json: what VS Code's language detector itself says to a few texts.
 *
 *     node test/golden/language-detector/make.mjs
 *
 * Needs the npm package @vscode/vscode-languagedetection of the root's package.json (it brings its own tfjs).
 */
import { writeFileSync } from 'node:fs';
import languageDetection from '@vscode/vscode-languagedetection';

const texts = [
  'def area(radius):\n    """Area of a circle."""\n    return 3.14159 * radius ** 2\n\nprint(area(2.0))\n',
  'const sum = (list) => list.reduce((a, b) => a + b, 0);\nmodule.exports = { sum };\n',
  'export interface Point { readonly x: number; readonly y: number }\nexport const origin: Point = { x: 0, y: 0 };\n',
  '#include <stdio.h>\n\nint main(void) {\n  for (int i = 0; i < 10; i++) printf("%d\\n", i);\n  return 0;\n}\n',
  '<!DOCTYPE html>\n<html>\n<head><title>Hello</title></head>\n<body><p class="a">Text</p></body>\n</html>\n',
  '{\n  "name": "example",\n  "version": "1.0.0",\n  "keywords": ["one", "two"]\n}\n',
  'on:\n  push:\n    branches: [main]\njobs:\n  build:\n    runs-on: ubuntu\n    steps:\n      - run: make\n',
  '# Title\n\nSome *text* with a [link](https://example.org).\n\n- one\n- two\n\n```\ncode\n```\n',
  '.button { color: #fff; padding: 4px 8px; }\n@media (max-width: 600px) { .button { display: none; } }\n',
  'fn main() {\n    let xs: Vec<u32> = (1..=10).collect();\n    println!("{:?}", xs.iter().sum::<u32>());\n}\n',
  'package main\r\n\r\nimport "fmt"\r\n\r\nfunc main() {\r\n\tfmt.Println("windows line ends")\r\n}\r\n',
  '-- Gr\u00fc\u00dfe aus K\u00f6ln \u2713\nSELECT name, COUNT(*) FROM stra\u00dfen WHERE l\u00e4nge > 10 GROUP BY name ORDER BY name;\n',
  `#!/bin/sh\nset -e\n${'for f in *.txt; do echo "$f"; done\n'.repeat(400)}`,
];

const detector = new languageDetection.ModelOperations();
const cases = [];
for (const text of texts) {
  const found = await detector.runModel(text);
  const probabilities = Object.fromEntries(found.map(({ languageId, confidence }) => [languageId, confidence]));
  cases.push({ text, top: found[0].languageId, probabilities });
}
writeFileSync(new URL('expected.json', import.meta.url), `${JSON.stringify(cases, null, 1)}\n`);
