/** `/api/v1/bans`: who may not connect, for a time or until it is lifted. A ban disconnects whom it is about. */
import type { FastifyInstance } from 'fastify';
import { parseAddressBlock } from '../../actors/access/address-list.ts';
import type { Ban } from '../../actors/access/messages.ts';
import type { BanList } from '../security/ban-list.ts';
import { sendProblem } from './problem.ts';

const SECONDS_MAX = 3_153_600_000;
const NEW_BAN = {
  type: 'object',
  additionalProperties: false,
  required: ['kind', 'value'],
  properties: {
    kind: { type: 'string', enum: ['client', 'user', 'address'] },
    value: { type: 'string', minLength: 1, maxLength: 65_535 },
    seconds: { type: 'integer', minimum: 1, maximum: SECONDS_MAX },
    reason: { type: 'string', maxLength: 1024 },
  },
};

interface NewBan {
  readonly kind: Ban['kind'];
  readonly value: string;
  readonly seconds?: number;
  readonly reason?: string;
}

export function addBanRoutes(app: FastifyInstance, bans: BanList, now: () => number): void {
  app.get('/api/v1/bans', () => ({ bans: bans.bans }));
  app.post<{ Body: NewBan }>('/api/v1/bans', { schema: { body: NEW_BAN } }, async ({ body }, reply) => {
    const { kind, value, seconds, reason = '' } = body;
    if (kind === 'address' && parseAddressBlock(value) === undefined)
      return sendProblem(reply, 400, 'SLUICE_HTTP_FAILED', 'value is neither an IP address nor a CIDR block');
    const ban: Ban = { kind, value, until: seconds === undefined ? null : now() + seconds * 1000, reason };
    await bans.add(ban);
    return reply.code(201).send(ban);
  });
  app.delete<{ Params: { kind: Ban['kind']; value: string } }>('/api/v1/bans/:kind/:value', async ({ params }, reply) => {
    if (!(await bans.remove(params))) return sendProblem(reply, 404, 'SLUICE_HTTP_NOT_FOUND', 'there is no such ban');
    return reply.code(204).send();
  });
}
