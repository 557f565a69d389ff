/**
 * The child of duplicate-fd.ts: sends the handle that it gets back as many times as it is told, then leaves when its parent
 * disconnects (a listener on 'message' keeps it alive until then). Each `send` waits for the one before it, so that no handle is lost to a full channel.
 */
process.on('message', (count, handle) => {
  const sendNext = (index: number): void => {
    if (index < Number(count)) process.send?.(index, handle, { keepOpen: true }, () => sendNext(index + 1));
  };
  sendNext(0);
});
