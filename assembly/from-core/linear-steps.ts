/** Stands for linear-steps.ts in the module `more`. */
export declare function runLinearStep(opcode: i32, w: usize): bool;
