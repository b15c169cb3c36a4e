/** The elementwise functions of linear packages, see unary.ts. */
import { Unary, Vector } from './unary-vector';

function f32_relu(xPtr: usize, yPtr: usize, count: i32): void {
  Vector.each(Unary.RELU, xPtr, yPtr, count, f32x4.splat(0), f32x4.splat(0));
}

function f32_leaky_relu(xPtr: usize, yPtr: usize, count: i32, alpha: f32): void {
  Vector.each(Unary.LEAKY_RELU, xPtr, yPtr, count, f32x4.splat(alpha), f32x4.splat(0));
}

function f32_clip(xPtr: usize, yPtr: usize, count: i32, alpha: f32, beta: f32): void {
  Vector.each(Unary.CLIP, xPtr, yPtr, count, f32x4.splat(alpha), f32x4.splat(beta));
}

function f32_sigmoid(xPtr: usize, yPtr: usize, count: i32): void {
  Vector.each(Unary.SIGMOID, xPtr, yPtr, count, f32x4.splat(0), f32x4.splat(0));
}

function f32_tanh(xPtr: usize, yPtr: usize, count: i32): void {
  Vector.each(Unary.TANH, xPtr, yPtr, count, f32x4.splat(0), f32x4.splat(0));
}

/** f32_unary for the functions that linear packages use: those of `coreFunctions` in src/runtime/step-kinds/core.ts. */
export function f32_unary_core(f: i32, xPtr: usize, yPtr: usize, count: i32, alpha: f32, beta: f32): void {
  switch (f) {
    case Unary.IDENTITY:
      memory.copy(yPtr, xPtr, (<usize>count) << 2);
      return;
    case Unary.RELU:
      return f32_relu(xPtr, yPtr, count);
    case Unary.LEAKY_RELU:
      return f32_leaky_relu(xPtr, yPtr, count, alpha);
    case Unary.CLIP:
      return f32_clip(xPtr, yPtr, count, alpha, beta);
    case Unary.SIGMOID:
      return f32_sigmoid(xPtr, yPtr, count);
    case Unary.TANH:
      return f32_tanh(xPtr, yPtr, count);
    default:
      assert(false, 'f32_unary: unknown function');
  }
}
