/**
 * Sizes that may depend on symbolic dimensions: a whole number, or a sum of terms
 * `[coefficient, ...symbols]`, e.g. `[[784, "batch"]]` for 784 * batch. Affine in the batch once other symbols are bound.
 * The form is canonical (symbols sorted, terms sorted and merged), so that equal extents have equal JSON.
 */
export type Term = readonly [coefficient: number, ...symbols: string[]];
export type Extent = number | readonly Term[];

/** Values of the symbolic dimensions of one run. */
export type Bindings = ReadonlyMap<string, number>;

/** The extent of one symbolic dimension. */
export function symbol(name: string): Extent {
  return [[1, name]];
}

export function isStatic(extent: Extent): extent is number {
  return typeof extent === 'number';
}

function termsOf(extent: Extent): readonly Term[] {
  if (typeof extent !== 'number') return extent;
  return extent === 0 ? [] : [[extent]];
}

/** Merges equal monomials and sorts; a pure number comes back as a number. */
function canonical(terms: readonly Term[]): Extent {
  const merged = new Map<string, [number, ...string[]]>();
  for (const [coefficient, ...symbols] of terms) {
    symbols.sort();
    const key = JSON.stringify(symbols);
    const known = merged.get(key);
    if (known) known[0] += coefficient;
    else merged.set(key, [coefficient, ...symbols]);
  }
  const kept = [...merged].filter(([, term]) => term[0] !== 0);
  if (kept.length === 0) return 0;
  if (kept.length === 1 && kept[0][1].length === 1) return kept[0][1][0];
  return kept.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, term]) => term);
}

export function add(a: Extent, b: Extent): Extent {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  return canonical([...termsOf(a), ...termsOf(b)]);
}

export function multiply(a: Extent, b: Extent): Extent {
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  return canonical(termsOf(a).flatMap(([ca, ...sa]) => termsOf(b).map(([cb, ...sb]): Term => [ca * cb, ...sa, ...sb])));
}

/** The product of a shape. */
export function product(shape: readonly Extent[]): Extent {
  return shape.reduce(multiply, 1);
}

/** a / b when it is exact for every binding and b is one term; undefined otherwise. */
export function divideExact(a: Extent, b: Extent): Extent | undefined {
  const divisor = termsOf(b);
  if (divisor.length !== 1) return undefined;
  const [cb, ...sb] = divisor[0];
  const quotient: Term[] = [];
  for (const [ca, ...sa] of termsOf(a)) {
    const rest = [...sa];
    for (const name of sb) {
      const at = rest.indexOf(name);
      if (at < 0) return undefined;
      rest.splice(at, 1);
    }
    if (ca % cb !== 0) return undefined;
    quotient.push([ca / cb, ...rest]);
  }
  return canonical(quotient);
}

export function equals(a: Extent, b: Extent): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The number that an extent takes under `bindings`; NaN when a symbol is not bound. */
export function evaluate(extent: Extent, bindings: Bindings): number {
  if (typeof extent === 'number') return extent;
  let sum = 0;
  for (const [coefficient, ...symbols] of extent) {
    sum += symbols.reduce((value, name) => value * (bindings.get(name) ?? Number.NaN), coefficient);
  }
  return sum;
}

/** `784*batch + 10`: an extent as a person writes it. */
export function formatExtent(extent: Extent): string {
  if (typeof extent === 'number') return String(extent);
  return extent
    .map(([coefficient, ...symbols]) =>
      (coefficient === 1 && symbols.length ? symbols : [coefficient, ...symbols]).join('*'),
    )
    .join(' + ');
}
