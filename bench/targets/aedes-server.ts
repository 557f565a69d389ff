/** aedes with its defaults behind a plain TCP server; prints a ready line. Run as a process of its own. */
import { createServer } from 'node:net';
import { Aedes } from 'aedes';

const broker = await Aedes.createBroker();
const server = createServer({ noDelay: true }, (socket) => void broker.handle(socket));
server.listen(0, '127.0.0.1', 4096, () => {
  const { port } = server.address() as { port: number };
  console.log(`READY ${JSON.stringify({ tcp: `127.0.0.1:${port}` })}`);
});
