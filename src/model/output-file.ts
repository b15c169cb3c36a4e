/** Output files appear whole or not at all: a temporary file in the same folder, fsync, rename. */
import { closeSync, fsyncSync, openSync, realpathSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { KerfError } from '../runtime/errors.js';

const temporaryFiles = new Set<string>();

/** Removes what an interrupted write has left. */
export function removeTemporaryFiles(): void {
  for (const path of temporaryFiles) rmSync(path, { force: true });
  temporaryFiles.clear();
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) {
    written += writeSync(descriptor, bytes, written, Math.min(bytes.length - written, 1 << 26));
  }
}

function statOf(path: string): ReturnType<typeof statSync> {
  return statSync(path, { throwIfNoEntry: false });
}

/**
 * Refuses an output path early, before the work whose result it shall hold.
 * @throws IO_FAILED when its folder does not exist or the path is a folder
 */
export function checkOutputPath(path: string): void {
  if (path === '-') return;
  const folder = dirname(path);
  if (!statOf(folder)?.isDirectory()) {
    throw new KerfError('IO_FAILED', `output "${path}"`, `no such folder: got "${folder}". Make it first.`);
  }
  if (statOf(path)?.isDirectory()) {
    throw new KerfError('IO_FAILED', `output "${path}"`, 'is a folder, expected a file. Name a file in it.');
  }
}

/**
 * Writes a file whole, or leaves the old one as it was.
 * @param path  the file; `-` is stdout; a device or pipe is written in place
 * @throws IO_FAILED when the folder is missing; the system's error when the disk is full
 */
export function writeOutputFile(path: string, bytes: Uint8Array): void {
  if (path === '-') {
    process.stdout.write(bytes);
    return;
  }
  checkOutputPath(path);
  const known = statOf(path);
  const inPlace = known !== undefined && !known.isFile();
  // The link of a pipe in /proc names no file, but opens the pipe.
  const target = known?.isFile() ? realpathSync(path) : path;
  const written = inPlace ? target : join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
  if (!inPlace) temporaryFiles.add(written);
  try {
    const descriptor = openSync(written, 'w');
    try {
      writeAll(descriptor, bytes);
      if (!inPlace) fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    if (!inPlace) renameSync(written, target);
  } catch (error) {
    if (!inPlace) rmSync(written, { force: true });
    throw error;
  } finally {
    temporaryFiles.delete(written);
  }
}
