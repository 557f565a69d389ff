/** `/api/v1/users`: the built-in users. Passwords go in and never come out. */
import type { FastifyInstance } from 'fastify';
import { ADMIN_PAGE_MAX, USER_GROUPS_MAX } from '../../base/limits.ts';
import type { UserChange, UserDirectory } from '../security/user-directory.ts';
import { PAGE_QUERY, type PageQuery, pageOf } from './page.ts';
import { sendProblem } from './problem.ts';

const NAME = { type: 'string', minLength: 1, maxLength: 1024, pattern: '^[^\\u0000]*$' };
const PASSWORD = { type: 'string', maxLength: 4096 };
const GROUPS = { type: 'array', maxItems: USER_GROUPS_MAX, items: { type: 'string', minLength: 1, maxLength: 256 } };
const CHANGES = { password: PASSWORD, superuser: { type: 'boolean' }, groups: GROUPS };
const NEW_USER = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'password'],
  properties: { name: NAME, ...CHANGES },
};
const CHANGE = { type: 'object', additionalProperties: false, minProperties: 1, properties: CHANGES };

interface Named {
  readonly Params: { readonly name: string };
}
type NewUser = UserChange & { readonly name: string; readonly password: string };

export function addUserRoutes(app: FastifyInstance, users: UserDirectory): void {
  app.get<{ Querystring: PageQuery }>('/api/v1/users', { schema: { querystring: PAGE_QUERY } }, ({ query }) => {
    const { after, limit } = pageOf(query, ADMIN_PAGE_MAX);
    const listed = users.list(after, limit + 1);
    const page = listed.slice(0, limit);
    return { users: page, ...(listed.length > limit ? { next: page.at(-1)!.name } : {}) };
  });
  app.get<Named>('/api/v1/users/:name', (request, reply) => {
    const user = users.summary(request.params.name);
    return user ?? sendProblem(reply, 404, 'SLUICE_HTTP_NOT_FOUND', 'there is no such user');
  });
  app.post<{ Body: NewUser }>('/api/v1/users', { schema: { body: NEW_USER } }, async ({ body }, reply) => {
    const { name, password, ...more } = body;
    if (!(await users.add(name, password, more)))
      return sendProblem(reply, 409, 'SLUICE_HTTP_CONFLICT', 'there is a user of this name');
    return reply.code(201).send(users.summary(name));
  });
  app.patch<Named & { Body: UserChange }>(
    '/api/v1/users/:name',
    { schema: { body: CHANGE } },
    async ({ params, body }, reply) => {
      if (!(await users.change(params.name, body)))
        return sendProblem(reply, 404, 'SLUICE_HTTP_NOT_FOUND', 'there is no such user');
      return users.summary(params.name);
    },
  );
  app.delete<Named>('/api/v1/users/:name', async ({ params }, reply) => {
    if (!(await users.remove(params.name))) return sendProblem(reply, 404, 'SLUICE_HTTP_NOT_FOUND', 'there is no such user');
    return reply.code(204).send();
  });
}
