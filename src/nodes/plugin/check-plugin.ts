/** What the schema cannot tell of the keys of `plugin`. Throws SLUICE_CONFIG_BAD_VALUE. */
import { SluiceError } from '../../base/errors.ts';
import { parseFilter } from '../../wire/mqtt/topics.ts';
import type { Config } from '../config/schema.ts';

export function checkPlugin({ plugin, acl }: Config): void {
  for (const filter of plugin.publish_filters) {
    if (parseFilter(filter)?.filter !== filter)
      throw new SluiceError('SLUICE_CONFIG_BAD_VALUE', `plugin.publish_filters: '${filter}' is no plain topic filter`);
  }
  if (plugin.module === '' && acl.sources.includes('plugin'))
    throw new SluiceError('SLUICE_CONFIG_BAD_VALUE', 'acl.sources names plugin, and plugin.module is empty');
}
