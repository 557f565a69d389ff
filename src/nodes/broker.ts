/**
 * The MQTT broker of one reactor without its sockets: the services that its sessions share, and the well-known actors beside them. Real reactors and the
 * simulator start the same one.
 */

import { spawnAccess } from '../actors/access/actor.ts';
import type { AuthorizerMessage, Ban, BuiltinUser, RuleBook } from '../actors/access/messages.ts';
import { type AccessOptions, AccessPolicy } from '../actors/access/policy.ts';
import { spawnAnnouncer } from '../actors/announcer/actor.ts';
import type { EnhancedAuthenticator } from '../actors/authenticator/enhanced.ts';
import { KnownLogins } from '../actors/authenticator/known-logins.ts';
import type { AuthenticateRequest } from '../actors/authenticator/messages.ts';
import { spawnClients } from '../actors/clients/actor.ts';
import { DelayedKeeper } from '../actors/delayed/keeper.ts';
import { DELAYED_PROBE } from '../actors/delayed/probe.ts';
import type { DelayedStore } from '../actors/delayed/store.ts';
import { Events } from '../actors/events/events.ts';
import type { EventName } from '../actors/events/names.ts';
import { spawnExclusive } from '../actors/exclusive/actor.ts';
import { ExclusiveClaims } from '../actors/exclusive/claims.ts';
import { keeperRef } from '../actors/exclusive/keeper-messages.ts';
import { EXCLUSIVE_PROBE } from '../actors/exclusive/probe.ts';
import { homesRef } from '../actors/homes/messages.ts';
import { HOMES_PROBE } from '../actors/homes/probe.ts';
import { Emptying } from '../actors/inbox/emptying.ts';
import { Inboxes } from '../actors/inbox/inboxes.ts';
import { JointUnits } from '../actors/inbox/joint-units.ts';
import { Outages } from '../actors/inbox/outages.ts';
import { Parts } from '../actors/inbox/parts.ts';
import { SharedReturns } from '../actors/inbox/shared-returns.ts';
import { spawnInsight } from '../actors/insight/actor.ts';
import { Insight, type InsightOptions } from '../actors/insight/insight.ts';
import { allocateMeters } from '../actors/insight/meters.ts';
import { Intake, type IntakeOptions, NO_INTAKE } from '../actors/intake/intake.ts';
import { loadChecks, NO_CHECKS, type PayloadChecks } from '../actors/payload/checks.ts';
import { type GateOptions, PluginGate } from '../actors/plugin/gate.ts';
import { pluginEvents } from '../actors/plugin/told.ts';
import { RegistryActor } from '../actors/registry/actor.ts';
import { Claims } from '../actors/registry/claims.ts';
import type { RegistryMessage } from '../actors/registry/messages.ts';
import { REGISTRY_PROBE } from '../actors/registry/probe.ts';
import { type RelayMessage, relayRef } from '../actors/relay/messages.ts';
import { ReplayReads } from '../actors/replay/reads.ts';
import { spawnRetained } from '../actors/retained/actor.ts';
import { RETAINED_PROBE } from '../actors/retained/probe.ts';
import { Retainer } from '../actors/retained/retainer.ts';
import { spawnInterest, spawnRouter } from '../actors/router/actor.ts';
import { Fences } from '../actors/router/fences.ts';
import { ROUTER_BYTES } from '../actors/router/messages.ts';
import { PressureGauge } from '../actors/router/pressure.ts';
import { ROUTER_PROBE } from '../actors/router/probe.ts';
import { Publisher } from '../actors/router/publisher.ts';
import { remoteRuns } from '../actors/router/remote-runs.ts';
import { Router } from '../actors/router/router.ts';
import { AckTopics } from '../actors/session/ack-topics.ts';
import { BufferPool } from '../actors/session/buffer-pool.ts';
import { announceSessions, whenSubscribed } from '../actors/session/claim.ts';
import { InboundReader } from '../actors/session/inbound.ts';
import type { SessionLimits } from '../actors/session/limits.ts';
import { FlushList } from '../actors/session/output.ts';
import { SESSION_PROBE } from '../actors/session/probe.ts';
import { PublishWriter } from '../actors/session/publish-writer.ts';
import { ListenerRates } from '../actors/session/rates.ts';
import { RestorerActor, type RestoreSessions } from '../actors/session/restorer.ts';
import type { SessionServices } from '../actors/session/services.ts';
import { TellingReader } from '../actors/session/telling-reader.ts';
import { TellingWriter } from '../actors/session/telling-writer.ts';
import { spawnShardKeeper } from '../actors/shard/actor.ts';
import { DeclaredTopics } from '../actors/shard/declared-topics.ts';
import type { Declaration } from '../actors/shard/messages.ts';
import { PartitionPool } from '../actors/shard/partition.ts';
import { SHARD_PROBE } from '../actors/shard/probe.ts';
import { SHARE_PROBE } from '../actors/share/probe.ts';
import { ShareTable } from '../actors/share/table.ts';
import { StoreClient, spawnStoreClient } from '../actors/store/client.ts';
import { WELL_KNOWN } from '../actors/well-known.ts';
import { REACTORS_MAX } from '../base/limits.ts';
import type { Probe } from '../base/probe.ts';
import type { Supervision } from '../runtime/actor.ts';
import { onGuest } from '../runtime/guests.ts';
import { type ActorRef, wellKnownRef } from '../runtime/ref.ts';
import type { ActorSystem } from '../runtime/system.ts';
import { PLUGIN_GUEST } from './plugin/messages.ts';
import { type SharedMetadata, shareRetained } from './shared-retained.ts';

/** Who checks clients, and what is known beforehand of what they may do. */
export interface Security {
  readonly authenticator?: ActorRef<AuthenticateRequest> | undefined;
  readonly authorizer?: ActorRef<AuthorizerMessage> | undefined;
  /** What keeps logins recognisable: 32 random bytes. Absent: none is. */
  readonly loginKey?: Uint8Array;
  /** Methods of enhanced authentication. */
  readonly enhanced?: (policy: AccessPolicy) => readonly EnhancedAuthenticator[];
  readonly access: AccessBoot;
}

/** Plain data: it crosses into the reactor with its boot arguments. */
export interface AccessBoot {
  readonly options: AccessOptions;
  readonly book: RuleBook;
  readonly bans: readonly Ban[];
  readonly users: ReadonlyMap<string, BuiltinUser>;
}

export const OPEN_ACCESS: AccessBoot = {
  options: {
    sources: [],
    noMatch: 'allow',
    checksDeliveries: false,
    grantsSubscriptions: false,
    denyOnFailure: true,
    disconnectsOnDenial: false,
    flapping: null,
    cacheMs: 60_000,
  },
  book: {},
  bans: [],
  users: new Map(),
};

/** What goes beyond the standard. Plain data. */
export interface ExtensionOptions {
  readonly intake: IntakeOptions;
  readonly insight: InsightOptions;
  readonly events: readonly EventName[];
  /** Made of `intake.schemas`. */
  readonly checks: PayloadChecks;
  /** Among bridges; '' for none. */
  readonly nodeName: string;
  /** Null: there is no plugin. */
  readonly plugin: GateOptions | null;
  /** There are other nodes: they hear who connects here. */
  readonly hasNodes?: boolean;
  /** The metadata that the node shares with others; absent: it shares nothing. */
  readonly metadata?: SharedMetadata | undefined;
}

export const NO_EXTENSIONS: ExtensionOptions = {
  intake: NO_INTAKE,
  insight: { meters: allocateMeters(REACTORS_MAX), slow: null, traces: [] },
  events: [],
  checks: NO_CHECKS,
  nodeName: '',
  plugin: null,
};

export function startBroker(
  system: ActorSystem,
  limits: SessionLimits,
  security: Security,
  /** What is declared when the reactor starts; undefined: there is no store. */
  declarations?: readonly Declaration[],
  extensions: ExtensionOptions = NO_EXTENSIONS,
): SessionServices {
  const { thread, reactors, incarnation, slots } = system;
  resetGauges(slots);
  const seed = Math.floor(system.random() * 2 ** 32);
  const { authenticator, authorizer, loginKey, access: rules } = security;
  const logins = loginKey === undefined ? null : new KnownLogins(loginKey);
  const { options } = rules;
  const { offer } = limits;
  const { overlap } = offer;
  const { topicLevelsMax } = limits;
  const { checksDeliveries } = options;
  const router = new Router({
    node: system.node,
    thread,
    reactors,
    incarnation,
    slots,
    seed,
    overlap,
    topicLevelsMax,
    checksDeliveries,
  });
  const onChange = (): void => {
    if (checksDeliveries) router.permissionsChanged();
  };
  const access = new AccessPolicy(options, rules.book, rules.bans, onChange, rules.users);
  const wallClock = (): number => system.wallClock();
  const gauge = new PressureGauge();
  const publisher = new Publisher(system, router, gauge);
  const fences = new Fences(system, publisher);
  const insight = new Insight(extensions.insight, thread, wallClock);
  const intake = new Intake(system, router.topics, publisher, insight, extensions.intake);
  insight.onChange = () => {
    intake.planAgain();
    access.forgetTopics();
  };
  insight.onTraces = () => {
    insight.onChange();
    access.tracesChanged();
  };
  if (!extensions.checks.isEmpty) intake.checkBy(extensions.checks);
  let reloads = 0;
  insight.onIntake = (options) => {
    intake.replace(options);
    access.forgetTopics();
    const reload = ++reloads;
    // Main has found them good, so there is nobody to tell that they are not.
    void loadChecks(options.schemas, slots).then((checks) => {
      if (reload !== reloads) return;
      intake.checkBy(checks);
      access.forgetTopics();
    });
  };
  const plugin = extensions.plugin === null ? null : new PluginGate(extensions.plugin, slots);
  if (plugin?.wants('onPublish') === true) intake.hookBy(plugin);
  const told = plugin === null ? [] : pluginEvents(plugin);
  const events =
    extensions.events.length + told.length === 0 ? null : new Events(extensions.events, slots, wallClock, told, plugin);
  const telling = events?.wants('message_delivered') || events?.wants('message_acked') ? events : null;
  const acks = telling?.wants('message_acked') ? new AckTopics() : null;
  const newReader = (bounds: SessionLimits): InboundReader => {
    const parts = [publisher, router.topics, bounds, slots, wallClock] as const;
    return acks === null ? new InboundReader(...parts) : new TellingReader(telling!, acks, ...parts);
  };
  const shares = new ShareTable(system, router, publisher, limits.sharing);
  const flushList = new FlushList(() => system.requestTurn());
  const storage =
    declarations === undefined ? null : startStorage(system, router, shares, publisher, gauge, declarations, intake.delayed);
  const inboxes = storage?.inboxes ?? null;
  const restorer = inboxes === null ? undefined : wellKnownRef<RestoreSessions>(system.node, thread, WELL_KNOWN.restorer);
  const returns = inboxes === null ? null : new SharedReturns(inboxes, shares);
  const services: SessionServices = {
    system,
    listener: { name: 'default', authChain: '', mountpoint: '' },
    router,
    publisher,
    fences,
    shares,
    limits,
    pool: new BufferPool(),
    flushList,
    gauge,
    reader: newReader(limits),
    newReader,
    writer: telling === null ? new PublishWriter(wallClock) : new TellingWriter(wallClock, telling, acks),
    intake,
    insight,
    events,
    exclusive: new ExclusiveClaims(system),
    sessions: new Claims(),
    handing: new Claims(),
    nodeName: extensions.nodeName,
    plugin,
    authenticator,
    logins,
    inboxes,
    returns,
    emptying: inboxes === null ? null : new Emptying(thread, inboxes, shares, returns!),
    enhanced: new Map((security.enhanced?.(access) ?? []).map((each) => [each.method, each])),
    replays: storage?.replays ?? null,
    rates: new ListenerRates(limits.rate, reactors),
    access,
    authorizer,
    ...(extensions.hasNodes && inboxes !== null ? { homes: homesRef(system.node) } : {}),
  };
  const onRun = remoteRuns(system, router, gauge, shares, publisher, storage?.parts ?? null);
  spawnRouter(system, router, (kind, bytes, start, end) => {
    if (kind === ROUTER_BYTES.fence || kind === ROUTER_BYTES.fenceRequest) fences.receive(kind, bytes, start);
    else if (kind === ROUTER_BYTES.durable) storage?.joint.onDurable(bytes, start);
    else if (kind === ROUTER_BYTES.part) storage?.joint.onPart(bytes, start);
    else if (kind === ROUTER_BYTES.recovered) storage?.outages.onRecovered(bytes, start);
    else if (kind === ROUTER_BYTES.passedOn) storage?.joint.onPassedOn(bytes, start);
    else if (kind === ROUTER_BYTES.written) storage?.parts.onWritten(bytes, start);
    else onRun(kind, bytes, start, end);
  });
  spawnInterest(system, shares, 'share-interest', WELL_KNOWN.shareInterest);
  const bounds = { messagesMax: offer.retainedMessagesMax, bytesMax: offer.retainedBytesMax };
  insight.onBounds = ({ topicLevelsMax: levelsMax, sharing: { strategy, groups }, retained }) => {
    router.topics.levelsMax = levelsMax;
    shares.change({ strategy, groups: new Map(groups) });
    Object.assign(bounds, retained);
  };
  if (storage === null || extensions.metadata === undefined) spawnRetained(system, bounds, inboxes !== null);
  else spawnRetained(system, bounds, false, shareRetained(system, publisher, gauge, storage.store, extensions.metadata));
  spawnAccess(system, access, logins);
  spawnExclusive(system, extensions.metadata === undefined ? null : keeperRef(system.node));
  if (plugin !== null) {
    system.spawn<never>(() => plugin, { name: 'plugin' });
    onGuest(PLUGIN_GUEST, (_argument: undefined, port) => plugin.attach(port));
  }
  spawnAnnouncer(system, publisher, router.topics, events);
  spawnInsight(system, insight);
  spawnClients(system, services.sessions);
  const onRecovered = (dead: number): void => whenSubscribed(services, () => storage?.outages.recovered(dead));
  const onClaim = extensions.hasNodes
    ? (clientId: string): void => void system.tell<RelayMessage>(relayRef(system.node), { type: 'connected', clientId })
    : undefined;
  system.spawn<RegistryMessage>(() => new RegistryActor(system, restorer, onRecovered, onClaim), {
    name: 'registry',
    wellKnown: WELL_KNOWN.registry,
  });
  system.onThreadChange((returned, state) => {
    if (state === 'up') announceSessions(services, returned);
  });
  const bytesSentBefore = slots[SESSION_PROBE.slot.bytesSent]!;
  system.atTurnEnd(() => {
    flushList.flush();
    slots[SESSION_PROBE.slot.bytesSent] = bytesSentBefore + flushList.bytesSent;
  });
  return services;
}

/** The way to the store, the writers of the declared topics, and the inboxes. What a turn has gathered for them leaves at its end, as one unit. */
function startStorage(
  system: ActorSystem,
  router: Router,
  shares: ShareTable,
  publisher: Publisher,
  gauge: PressureGauge,
  declarations: readonly Declaration[],
  delayed: DelayedStore,
): { store: StoreClient; inboxes: Inboxes; joint: JointUnits; outages: Outages; parts: Parts; replays: ReplayReads } {
  const store = new StoreClient(system, gauge);
  const partitions = new PartitionPool(store, system.slots, () => system.wallClock());
  const declared = new DeclaredTopics(partitions);
  const retainer = new Retainer(store);
  const keeper = new DelayedKeeper(store);
  delayed.keepBy(keeper);
  // Before what forgets a reactor when it dies.
  const outages = new Outages(system, publisher, router, shares, (thread) => joint.isDurable(thread));
  const joint = new JointUnits(system, publisher, store);
  const inboxes = new Inboxes(store, joint);
  const parts = new Parts(system, publisher, inboxes.fanOuts);
  declared.replace(declarations);
  publisher.writeTo(declared, retainer, joint);
  router.fanOuts = inboxes.fanOuts;
  publisher.outages = outages;
  system.spawn<never>(() => outages, { name: 'outages' });
  spawnStoreClient(system, store);
  spawnShardKeeper(system, declared);
  system.atTurnEnd(() => {
    partitions.endTurn();
    parts.endTurn();
    inboxes.endTurn();
    retainer.endTurn();
    keeper.endTurn();
  });
  return { store, inboxes, joint, outages, parts, replays: new ReplayReads(store, declared) };
}

/** Makes the persistent sessions of this reactor again, if any are kept; before it listens. `then` hears when they are there. */
export function restoreSessions(
  services: SessionServices,
  supervision: Supervision,
  then: (error: Error | undefined) => void,
): void {
  const { system, inboxes } = services;
  if (inboxes === null) return then(undefined);
  const restored = (error: Error | undefined): void => {
    if (error === undefined) whenSubscribed(services, () => services.publisher.outages?.recovered(system.thread));
    then(error);
  };
  system.spawn<RestoreSessions>(() => new RestorerActor(services, inboxes, restored), {
    name: 'restorer',
    wellKnown: WELL_KNOWN.restorer,
    supervision,
  });
}

/** All reactors have made their sessions again: who is in a group is known, and what is left for it can be given away. */
export function releaseEmptying({ emptying, publisher, shares }: SessionServices): void {
  if (emptying === null) return;
  const release = (): void => shares.whenKnown(() => emptying.release());
  if (publisher.outages === null) release();
  else publisher.outages.whenOver(release);
}

/** The slots outlive a thread: counters go on, but what a dead reactor had is gone with it. */
function resetGauges(slots: Float64Array): void {
  for (const { slot, metrics } of [
    SESSION_PROBE,
    ROUTER_PROBE,
    RETAINED_PROBE,
    REGISTRY_PROBE,
    SHARE_PROBE,
    SHARD_PROBE,
    DELAYED_PROBE,
    EXCLUSIVE_PROBE,
    HOMES_PROBE,
  ] as Probe<string>[]) {
    for (const [key, { kind }] of Object.entries(metrics)) if (kind === 'gauge') slots[slot[key]!] = 0;
  }
}
