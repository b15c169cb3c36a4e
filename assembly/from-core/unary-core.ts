/** Stands for operators/unary-core.ts in the module `more`. */
export declare function f32_unary_core(f: i32, xPtr: usize, yPtr: usize, count: i32, alpha: f32, beta: f32): void;
