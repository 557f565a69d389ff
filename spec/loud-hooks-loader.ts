/** A loader hook: uvu's runner, which returns in `finally`, keeps an error of a hook as that of a test (loud-hooks.ts). */

const RUNNER = '/node_modules/uvu/dist/index.mjs';
const FINALLY = "\t} finally {\n\t\tstate.__test__ = '';";
const CATCH = `\t} catch (error) {
		const told = error instanceof Error ? error : new Error(String(error));
		errors += format(state.__test__ === '' ? 'a hook before all tests' : 'a hook after ' + state.__test__, told, name);
		write(FAIL);
`;

interface Loaded {
  readonly format: string;
  readonly source: string | Uint8Array;
}

export async function load(
  url: string,
  context: unknown,
  next: (url: string, context: unknown) => Promise<Loaded>,
): Promise<Loaded> {
  const loaded = await next(url, context);
  if (!url.endsWith(RUNNER)) return loaded;
  const source = Buffer.from(loaded.source).toString();
  if (source.split(FINALLY).length !== 2) throw new Error("uvu's runner has changed: spec/loud-hooks-loader.ts has to follow");
  return { ...loaded, source: source.replace(FINALLY, () => CATCH + FINALLY) };
}
