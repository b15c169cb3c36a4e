/** docs/paper.md from the measurements. */

function number(value) {
  if (Number.isInteger(value)) return String(value);
  if (Math.abs(value) < 1e-3) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

function line({ net, what, unit, values, rule, passed }) {
  const cells = values.map(number).join(' / ');
  const result = rule ? (passed ? 'pass' : '**fail**') : '';
  return `| ${net} | ${what} | ${cells}${unit ? ` ${unit}` : ''} | ${rule?.text.trim() ?? ''} | ${result} |`;
}

function verdict(rows) {
  const judged = rows.filter(({ rule }) => rule);
  const failed = judged.filter(({ passed }) => !passed).length;
  const counts = `${judged.length - failed} of ${judged.length} checks pass`;
  if (failed === 0) return `**Holds** on these nets: ${counts}.`;
  return failed === judged.length ? `**Does not hold** on these nets: ${counts}.` : `**Holds in part**: ${counts}.`;
}

const opening = `# The paper's claims, measured

Jidong Jin, *Why Inference in Large Models Becomes Decomposable After Training* (arXiv 2601.15871), takes the law of
initialisation as the null hypothesis for every dependency, removes what is not significant, and reads blocks off the
graph that is left. \`kerf analyze --procedure paper\` runs that procedure on any model. This page puts its claims to the
test on nets whose whole history is known. Every figure comes from

    npm run paper

which trains the nets where they are missing (Debian's python3-torch and python3-onnx), measures, and writes this page.

- **Nets**: \`examples/paper/train.py\` has the recipes. digits: 784-512-512-10, SGD, 4 epochs; digits-decay: with weight
  decay 5e-4; ideal: 784-256-256-10 whose gradient is masked to 8 blocks, so that every other weight keeps its initial
  bits; ideal-small: those weights initialised .01 times as large; stream: two residual blocks 128-512-128; topics:
  documents of 8 domains with 200 words that never occur, one softmax; topics-heads: one softmax for each domain;
  topics-decay: with weight decay 1e-3. All with torch's default initialisation, which the tests are given by name.
- **Seeds**: five for each net, 0 to 4; every cell lists all five in this order.
- **Procedure**: single weights by |z| of the probability integral transform; sequences of 8 values of d-4d-d blocks by
  the chi-square of their scores. \`alpha\`: p <= .05 for each edge; \`bh\`: false discovery rate .05; \`bonferroni\`: .05
  for one false edge in a matrix. Unsupported weights become zero, biases stay.
- **Data**: digits nets are judged on the 10,000 test images, topics nets on 2,000 fresh documents. Least squares refits
  what is left to the original's pre-activations on 4,096 unlabelled training inputs.
- A check **passes** iff its rule, fixed in \`examples/paper/claims.mjs\`, holds for all five seeds; rows without a rule
  are there to read.
`;

/** The page. */
export function formatPage(results) {
  const sections = results.map(
    ({ title, why, rows }, i) =>
      `\n## ${i + 1}. ${title}\n\n${verdict(rows)} ${why}\n\n| net | measured | seeds 0 / 1 / 2 / 3 / 4 | rule | |\n|---|---|---|---|---|\n` +
      `${rows.map(line).join('\n')}\n`,
  );
  return opening + sections.join('');
}
