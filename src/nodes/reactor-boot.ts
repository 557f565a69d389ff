/** Boot arguments of a reactor thread, made by main for each incarnation. Plain data. */
import type { Config } from './config/schema.ts';
import type { ListenerBoot } from './sockets/listener-boot.ts';

export interface ReactorBoot {
  readonly config: Config;
  readonly listeners: readonly ListenerBoot[];
}
