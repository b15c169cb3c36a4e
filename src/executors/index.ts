/** What runs a plan besides the calling thread: worker threads, and onnxruntime for comparison. */
export { createSession } from './create-session.js';
export { createOrtExecutor } from './ort.js';
export { createPoolExecutor } from './pool.js';
