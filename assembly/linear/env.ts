/** What the host gives the relaxed build when it is instantiated; AssemblyScript imports from the file's name. */

/**
 * Which tall tile pays on this host, by its compiler: 0 none (V8 before 13), 1 of six rows and half a panel, 2 of six rows
 * and a panel (V8 that joins vectors to 256 bits). Mirrored by src/runtime/kernels.ts.
 */
export declare const tiles: i32;
