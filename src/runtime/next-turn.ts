/** Hosts offer different ways to let the event loop turn once; this takes the cheapest there is. */
const host = globalThis as {
  setImmediate?: (callback: () => void) => unknown;
  MessageChannel?: typeof MessageChannel;
};

/** Resolves after the event loop has turned, so that timers, input and output of the caller go on. */
export function nextTurn(): Promise<void> {
  const { setImmediate, MessageChannel } = host;
  if (setImmediate) return new Promise((resolve) => setImmediate(resolve));
  if (!MessageChannel) return new Promise((resolve) => setTimeout(resolve, 0));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
