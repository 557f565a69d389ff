/** A page of a list: `?after=…&limit=…`; the answer's `next` is the `after` of the next page. */
export interface PageQuery {
  readonly after?: string;
  readonly limit?: string;
}

export const PAGE_QUERY: Readonly<Record<string, unknown>> = {
  type: 'object',
  additionalProperties: false,
  properties: { after: { type: 'string', maxLength: 1024 }, limit: { type: 'string', pattern: '^[1-9][0-9]{0,8}$' } },
};

const LIMIT = 100;

export function pageOf({ after = '', limit }: PageQuery, max: number): { readonly after: string; readonly limit: number } {
  return { after, limit: Math.min(limit === undefined ? LIMIT : Number(limit), max) };
}
