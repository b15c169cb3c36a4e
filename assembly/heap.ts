/** First byte behind the module's static data: where the host may place its own. */
export function heap_base(): usize {
  return __heap_base;
}
