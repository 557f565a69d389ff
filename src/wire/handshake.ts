/**
 * How a connection begins, as two machines without I/O. The dialling side speaks first:
 *
 *   dialler                                  acceptor
 *     preamble, hello(nonce)        ──────▶    version? cluster? node? used before?
 *     cluster? node? proof right?   ◀──────    preamble, challenge(nonce, proof, wanted schemas)
 *     proof, wanted schemas         ──────▶    proof right? schemas readable?
 *     connected                     ◀──────    welcome(windows)
 *
 * A failure is a SluiceError with a SLUICE_WIRE_ code. Nothing that the other side claims is acted upon before `done`.
 */
import { cloneBytes } from '../base/bytes.ts';
import { SluiceError } from '../base/errors.ts';
import { WIRE_WINDOW_BYTES } from '../base/limits.ts';
import { NODE_MAX, THREAD_MAX } from '../runtime/ref.ts';
import { avroType, decodeAvro } from './avro.ts';
import { CLASSES } from './classes.ts';
import { agreeOn, encodeFrame, encodePreamble, FRAME, PROTOCOL, type ProtocolRange } from './frame.ts';
import type { MessageReader, MessageSchemas } from './message-schemas.ts';
import { isProof, NONCE_BYTES, prove } from './proof.ts';
import {
  CHALLENGE_SCHEMA,
  type Challenge,
  HELLO_SCHEMA,
  type Hello,
  PROOF_SCHEMA,
  type Proof,
  WELCOME_SCHEMA,
  type Welcome,
} from './schema-types.ts';

const HELLO = avroType(HELLO_SCHEMA);
const CHALLENGE = avroType(CHALLENGE_SCHEMA);
const PROOF = avroType(PROOF_SCHEMA);
const WELCOME = avroType(WELCOME_SCHEMA);
const NOTHING = Buffer.alloc(0);

/** What a node says of itself. */
export interface Identity {
  readonly cluster: string;
  readonly node: number;
  /** Larger in each life of the process. */
  readonly incarnation: number;
  readonly roles: readonly string[];
  /** `host:port` for others; empty when it does not listen. */
  readonly address: string;
  /** Shared by all nodes; empty: no proof is asked for. */
  readonly secret: string;
  readonly schemas: MessageSchemas;
  readonly protocol?: ProtocolRange;
  /** Cryptographic chance. */
  readonly randomBytes: (bytes: number) => Uint8Array;
}

/** What one connection says beside that. */
export interface Introduction {
  readonly target: number;
  readonly thread: number;
  readonly epoch: number;
  readonly lane: number;
  readonly gap: boolean;
}

export interface DiallerResult {
  readonly version: number;
  readonly incarnation: number;
  readonly roles: readonly string[];
  /** Credit of each class. */
  readonly windows: readonly number[];
}

export interface AcceptorResult {
  readonly version: number;
  readonly hello: Hello;
  readonly reader: MessageReader;
}

/** What to send now; with `done` the connection may be used. */
export interface Step<R> {
  readonly send: Buffer;
  readonly done?: R;
}

function wrong(
  code: 'SLUICE_WIRE_CLUSTER' | 'SLUICE_WIRE_NODE' | 'SLUICE_WIRE_AUTH' | 'SLUICE_WIRE_KIND' | 'SLUICE_WIRE_FRAME',
  text: string,
): SluiceError {
  return new SluiceError(code, text);
}

export class Dialler {
  readonly #self: Identity;
  readonly #intro: Introduction;
  readonly #range: ProtocolRange;
  readonly #helloBytes: Buffer;
  #theirs: ProtocolRange | undefined;
  #challenge: Challenge | undefined;

  constructor(self: Identity, intro: Introduction) {
    this.#self = self;
    this.#intro = intro;
    this.#range = self.protocol ?? PROTOCOL;
    const hello: Hello = {
      cluster: self.cluster,
      node: self.node,
      ...intro,
      incarnation: self.incarnation,
      roles: self.roles.join(','),
      address: self.address,
      nonce: Buffer.from(self.randomBytes(NONCE_BYTES)),
      schemas: self.schemas.fingerprints,
    };
    this.#helloBytes = HELLO.toBuffer(hello);
  }

  start(): Buffer {
    return Buffer.concat([encodePreamble(this.#range), encodeFrame(FRAME.hello, this.#helloBytes)]);
  }

  onPreamble(range: ProtocolRange): void {
    agreeOn(this.#range, range);
    this.#theirs = range;
  }

  onFrame(type: number, bytes: Uint8Array, start: number, end: number): Step<DiallerResult> {
    if (type === FRAME.challenge && this.#challenge === undefined) return this.#onChallenge(bytes, start, end);
    if (type === FRAME.welcome && this.#challenge !== undefined) return this.#onWelcome(this.#challenge, bytes, start, end);
    throw wrong('SLUICE_WIRE_KIND', `frame type ${type} has no place in the handshake`);
  }

  #onChallenge(bytes: Uint8Array, start: number, end: number): Step<DiallerResult> {
    const challenge = decodeAvro<Challenge>(CHALLENGE, bytes, start, end);
    const { cluster, node, version } = challenge;
    if (cluster !== this.#self.cluster) throw wrong('SLUICE_WIRE_CLUSTER', `the peer belongs to cluster ${quote(cluster)}`);
    if (node !== this.#intro.target)
      throw wrong('SLUICE_WIRE_NODE', `node ${this.#intro.target} was dialled, node ${node} answered`);
    if (version !== agreeOn(this.#range, this.#theirs!))
      throw wrong('SLUICE_WIRE_FRAME', `the peer chose protocol version ${version}`);
    const parts = transcript(this.#range, this.#theirs!, this.#helloBytes, challenge);
    if (!isProof(prove(this.#self.secret, 'acceptor', parts), challenge.proof)) {
      throw wrong('SLUICE_WIRE_AUTH', `node ${node} did not prove that it knows the secret of the cluster`);
    }
    this.#challenge = challenge;
    const schemas = this.#self.schemas.textOf(challenge.wanted);
    const proof: Proof = { proof: prove(this.#self.secret, 'dialler', [...parts, Buffer.from(schemas)]), schemas };
    return { send: encodeFrame(FRAME.proof, PROOF.toBuffer(proof)) };
  }

  #onWelcome(challenge: Challenge, bytes: Uint8Array, start: number, end: number): Step<DiallerResult> {
    const windows = decodeAvro<Welcome>(WELCOME, bytes, start, end).windows.split(',').map(Number);
    if (windows.length !== CLASSES.length || !windows.every((window) => Number.isSafeInteger(window) && window > 0)) {
      throw wrong('SLUICE_WIRE_FRAME', 'the peer grants no windows');
    }
    const { version, incarnation, roles } = challenge;
    return { send: NOTHING, done: { version, incarnation, roles: listOf(roles), windows } };
  }
}

export class Acceptor {
  readonly #self: Identity;
  readonly #admit: (hello: Hello) => void;
  readonly #range: ProtocolRange;
  #theirs: ProtocolRange | undefined;
  #version = 0;
  #hello: Hello | undefined;
  #parts: readonly Uint8Array[] = [];
  #wanted: Uint8Array = NOTHING;

  /** `admit` throws when this hello is not to be taken (used before, of a former life); it is asked at both ends of the handshake. */
  constructor(self: Identity, admit: (hello: Hello) => void) {
    this.#self = self;
    this.#admit = admit;
    this.#range = self.protocol ?? PROTOCOL;
  }

  /** Our preamble goes out in any case, so that a peer that is too old learns why it is refused. */
  onPreamble(range: ProtocolRange): Buffer {
    this.#theirs = range;
    return encodePreamble(this.#range);
  }

  onFrame(type: number, bytes: Uint8Array, start: number, end: number): Step<AcceptorResult> {
    if (type === FRAME.hello && this.#hello === undefined) return this.#onHello(bytes, start, end);
    if (type === FRAME.proof && this.#hello !== undefined) return this.#onProof(this.#hello, bytes, start, end);
    throw wrong('SLUICE_WIRE_KIND', `frame type ${type} has no place in the handshake`);
  }

  #onHello(bytes: Uint8Array, start: number, end: number): Step<AcceptorResult> {
    const version = agreeOn(this.#range, this.#theirs!);
    const hello = decodeAvro<Hello>(HELLO, bytes, start, end);
    const self = this.#self;
    if (hello.cluster !== self.cluster) {
      throw wrong('SLUICE_WIRE_CLUSTER', `a node of cluster ${quote(hello.cluster)} dialled this one of ${quote(self.cluster)}`);
    }
    if (hello.target !== self.node)
      throw wrong('SLUICE_WIRE_NODE', `node ${hello.target} was dialled, this is node ${self.node}`);
    if (!isNode(hello.node) || hello.node === self.node)
      throw wrong('SLUICE_WIRE_NODE', `the peer calls itself node ${hello.node}`);
    if (hello.thread < 0 || hello.thread > THREAD_MAX || hello.epoch < 0 || hello.incarnation < 0) {
      throw wrong('SLUICE_WIRE_FRAME', 'a hello holds numbers that mean nothing');
    }
    this.#admit(hello);
    this.#wanted = self.schemas.unknownOf(hello.schemas);
    const challenge: Challenge = {
      version,
      cluster: self.cluster,
      node: self.node,
      incarnation: self.incarnation,
      roles: self.roles.join(','),
      nonce: Buffer.from(self.randomBytes(NONCE_BYTES)),
      wanted: Buffer.from(this.#wanted),
      proof: NOTHING,
    };
    this.#parts = transcript(this.#theirs!, this.#range, cloneBytes(bytes, start, end), challenge);
    this.#hello = hello;
    this.#version = version;
    const proven: Challenge = { ...challenge, proof: prove(self.secret, 'acceptor', this.#parts) };
    return { send: encodeFrame(FRAME.challenge, CHALLENGE.toBuffer(proven)) };
  }

  #onProof(hello: Hello, bytes: Uint8Array, start: number, end: number): Step<AcceptorResult> {
    const { proof, schemas } = decodeAvro<Proof>(PROOF, bytes, start, end);
    const expected = prove(this.#self.secret, 'dialler', [...this.#parts, Buffer.from(schemas)]);
    if (!isProof(expected, proof)) {
      throw wrong('SLUICE_WIRE_AUTH', `node ${hello.node} did not prove that it knows the secret of the cluster`);
    }
    const reader = this.#self.schemas.readerOf(hello.schemas, this.#wanted, schemas);
    this.#admit(hello);
    const welcome: Welcome = { windows: WIRE_WINDOW_BYTES.join(',') };
    return { send: encodeFrame(FRAME.welcome, WELCOME.toBuffer(welcome)), done: { version: this.#version, hello, reader } };
  }
}

/** All that was said before the proofs. */
function transcript(dialler: ProtocolRange, acceptor: ProtocolRange, hello: Uint8Array, challenge: Challenge): Uint8Array[] {
  const unproven = CHALLENGE.toBuffer({ ...challenge, proof: NOTHING });
  return [encodePreamble(dialler), encodePreamble(acceptor), hello, unproven];
}

function isNode(node: number): boolean {
  return node >= 1 && node <= NODE_MAX;
}

function listOf(text: string): string[] {
  return text === '' ? [] : text.split(',');
}

/** A stranger's text in a message of ours. */
function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
