/** Instantiates the release builds, which need no loader. */

/** The exports of a module. */
export function instantiate(module: WebAssembly.Module, imports: WebAssembly.Imports): WebAssembly.Exports {
  return new WebAssembly.Instance(module, imports).exports;
}
