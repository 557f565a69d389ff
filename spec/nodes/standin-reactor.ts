// A stand-in for the reactor's boot module: accepts from the listeners that it is lent and, for each connection, answers `thread
// incarnation` and closes. What a client writes first is a command: `die` ends the thread, `login USER PASSWORD` asks the authenticator. Some
// cluster names make it misbehave.
import * as net from 'node:net';
import { AUTHENTICATOR_SLOT, type AuthenticateReply } from '../../src/actors/authenticator/messages.ts';
import type { ReactorBoot } from '../../src/nodes/reactor-boot.ts';
import type { Actor, ActorContext, TerminationReason } from '../../src/runtime/actor.ts';
import { wellKnownRef } from '../../src/runtime/ref.ts';
import type { ActorSystem } from '../../src/runtime/system.ts';

class Listener implements Actor<never> {
  readonly #server: net.Server;

  constructor(server: net.Server) {
    this.#server = server;
  }

  receive(): void {}

  stopping(_reason: TerminationReason, _ctx: ActorContext<never>): void {
    this.#server.close();
  }
}

async function obey(system: ActorSystem, command: string): Promise<string> {
  const [verb, username = '', password = ''] = command.trim().split(' ');
  if (verb === 'die') {
    setImmediate(() => {
      throw new Error('told to die');
    });
  }
  if (verb !== 'login') return `${system.thread} ${system.incarnation}`;
  const connection = { remoteAddress: '127.0.0.1:1', listener: 'default', authChain: '', mountpoint: '' };
  const request = { type: 'authenticate', clientId: 'c', username, password: new TextEncoder().encode(password), connection };
  const reply = await system.ask<AuthenticateReply>(wellKnownRef(system.node, 0, AUTHENTICATOR_SLOT), request, 5000);
  return JSON.stringify(reply);
}

export async function boot(system: ActorSystem, { config, listeners }: ReactorBoot): Promise<void> {
  if (config.cluster.name === 'cannot-boot') throw new Error('no reactor today');
  if (config.cluster.name === 'never-returns' && system.incarnation > 0) await new Promise(() => {});
  for (const { target } of listeners) {
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (command) => {
        obey(system, String(command)).then(
          (answer) => socket.end(answer),
          (error) => socket.end(String(error)),
        );
      });
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(target, resolve);
    });
    system.spawn(() => new Listener(server), { name: 'listener' });
  }
  // With this name the node never comes to rest by itself.
  if (config.cluster.name === 'never-drains') {
    system.spawn(() => new Listener(net.createServer()), { name: 'stubborn' });
    Object.assign(system, { drain: () => new Promise(() => {}) });
  }
}
