/** The best basis of each head in the metric of its data, and heads cut to its first places. */
import type { Graph } from '../graph/graph.js';
import { type Heads, reshapeHeads } from './heads.js';
import { type Affine, type Moments, momentsAt } from './least-squares.js';
import { type LayerSpectrum, spectrumOf } from './low-rank.js';
import { addDiagonal, type Matrix, multiply, type Samples, scaleRankOne, widen } from './matrix.js';
import { below, transpose, zeros } from './matrix-parts.js';
import { layersOf, narrow, withAffine, withWeights } from './rewrite.js';
import { allOf, partOf } from './submatrix.js';

/** A head's outputs in its new basis, [width, depth], one of each head. */
export type HeadMaps = readonly Matrix[];

export interface HeadCut {
  /** By layer that makes them: query, key or value. */
  readonly maps: ReadonlyMap<string, HeadMaps>;
  readonly graph: Graph;
}

/** How heads can be cut. */
export interface HeadBasis {
  /** What cutting one more place of every head adds to the error, ascending. */
  readonly costs: Float64Array<ArrayBuffer>;
  /** The cut to `width` places a head. */
  cut(graph: Graph, width: number): HeadCut;
}

const placesOf = (head: number, depth: number) => allOf(depth).map((place) => head * depth + place);

/**
 * Of scores, query' key is least wrong where the query is: in each head the approximation of rank r of the identity, in the
 * metric of the query's second moments (nothing is centred: a mean shifts the scores of one key, not of all) and of how
 * much the network minds errors of the query. Its outer factor becomes part of the key. Of values, the reader's columns of
 * a head are approximated by low rank; the inner factor becomes part of the value.
 * @param layer  the query, or the reader of values
 * @param moments  of its inputs
 * @param factor  how much the network minds errors of its outputs
 * @complexity O(heads (depth^3 + depth out^2)) beside the moments of the query, O(out in^2)
 */
export function basisOf(heads: Heads, layer: Affine, moments: Moments, factor: Matrix): HeadBasis {
  const spectra = heads.reader
    ? valueSpectra(heads, layer, moments, factor)
    : scoreSpectra(heads, layer, moments, factor);
  const costs = Float64Array.from({ length: heads.depth }, (_, gone) => {
    // A reader with fewer outputs than a head has places needs no more of them.
    return spectra.reduce((sum, { values }) => sum + Math.max(0, values[heads.depth - 1 - gone] ?? 0), 0);
  });
  return { costs, cut: (graph, width) => cutHeads(graph, heads, spectra, width) };
}

function scoreSpectra({ heads, depth }: Heads, query: Affine, moments: Moments, factor: Matrix): LayerSpectrum[] {
  const outputs = outputMoments(query, moments);
  const identity = { weight: addDiagonal(zeros(depth, depth), 1), bias: new Float64Array(depth) };
  return Array.from({ length: heads }, (_, head) => {
    const at = placesOf(head, depth);
    return spectrumOf(identity, momentsAt(outputs, at), partOf(factor, at, at));
  });
}

function valueSpectra({ heads, depth }: Heads, reader: Affine, moments: Moments, factor: Matrix): LayerSpectrum[] {
  const { weight, bias } = reader;
  return Array.from({ length: heads }, (_, head) => {
    const at = placesOf(head, depth);
    return spectrumOf({ weight: partOf(weight, allOf(weight.rows), at), bias }, momentsAt(moments, at), factor);
  });
}

/** Second moments of a layer's outputs about zero. */
function outputMoments({ weight, bias }: Affine, { mean, covariance, rows }: Moments): Moments {
  const means = multiply(weight, { rows: mean.length, columns: 1, data: mean }).data.map((value, i) => value + bias[i]);
  const centred = multiply(multiply(weight, covariance), weight, false, true);
  return {
    mean: new Float64Array(weight.rows),
    covariance: scaleRankOne(centred, 1, 1, means, means),
    ridge: 0,
    rows,
  };
}

/** Factors whose places are as large in one as in the other. */
function balanced({ outer, inner }: Pick<ReturnType<LayerSpectrum['cut']>, 'outer' | 'inner'>) {
  const [left, right] = [outer.data.slice(), inner.data.slice()];
  for (let place = 0; place < inner.rows; place++) {
    let [a, b] = [0, 0];
    for (let i = 0; i < outer.rows; i++) a += left[i * inner.rows + place] ** 2;
    for (let j = 0; j < inner.columns; j++) b += right[place * inner.columns + j] ** 2;
    const scale = a > 0 && b > 0 ? (a / b) ** 0.25 : 1;
    for (let i = 0; i < outer.rows; i++) left[i * inner.rows + place] /= scale;
    for (let j = 0; j < inner.columns; j++) right[place * inner.columns + j] *= scale;
  }
  return { outer: { ...outer, data: left }, inner: { ...inner, data: right } };
}

/** Factors with places of zeros up to `width`. */
function padded({ outer, inner }: ReturnType<typeof balanced>, width: number): ReturnType<typeof balanced> {
  if (inner.rows === width) return { outer, inner };
  const rows = below([inner, zeros(width - inner.rows, inner.columns)]);
  return { outer: besides([outer, zeros(outer.rows, width - inner.rows)]), inner: rows };
}

function cutHeads(graph: Graph, heads: Heads, spectra: readonly LayerSpectrum[], width: number): HeadCut {
  const factors = spectra.map((spectrum) =>
    padded(balanced(spectrum.cut(Math.min(width, spectrum.values.length))), width),
  );
  const inner = factors.map((factor) => factor.inner);
  const [maker, key] = heads.makers;
  const maps = new Map<string, HeadMaps>([[maker.name, inner]]);
  if (!heads.reader)
    maps.set(
      key.name,
      factors.map(({ outer }) => transpose(outer)),
    );
  let next = reshapeHeads(graph, heads, width);
  for (const [name, own] of maps) next = withMaps(next, name, own);
  if (heads.reader) {
    const reader = layersOf(next).find(({ name }) => name === heads.reader?.name)!;
    const columns = besides(factors.map(({ outer }) => outer));
    next = withWeights(next, reader, narrow(columns), reader.bias);
  }
  return { maps, graph: next };
}

/** A layer whose outputs are in the new basis. */
function withMaps(graph: Graph, name: string, maps: HeadMaps): Graph {
  const layer = layersOf(graph).find((one) => one.name === name)!;
  const [out, inputs] = layer.weight.dims;
  const weight = widen(out, inputs, layer.weight.data);
  const bias = { rows: out, columns: 1, data: layer.bias ? Float64Array.from(layer.bias.data) : new Float64Array(out) };
  const mapped = (matrix: Matrix) =>
    below(maps.map((map, head) => multiply(map, partOf(matrix, placesOf(head, map.columns), allOf(matrix.columns)))));
  return withAffine(graph, layer, { weight: mapped(weight), bias: mapped(bias).data });
}

/** Matrices of as many rows, side by side. */
const besides = (matrices: readonly Matrix[]): Matrix => transpose(below(matrices.map(transpose)));

/** Outputs of a layer, [n, heads depth], in the new basis, [n, heads width]. */
export function mapSamples(samples: Samples, maps: HeadMaps): Samples {
  const [{ rows: width, columns: depth }] = maps;
  const columns = maps.length * width;
  const data = new Float32Array(samples.rows * columns);
  for (let n = 0; n < samples.rows; n++) {
    maps.forEach((map, head) => {
      const from = n * samples.columns + head * depth;
      for (let i = 0; i < width; i++) {
        let sum = 0;
        for (let j = 0; j < depth; j++) sum += map.data[i * depth + j] * samples.data[from + j];
        data[n * columns + head * width + i] = sum;
      }
    });
  }
  return { ...samples, columns, data };
}
