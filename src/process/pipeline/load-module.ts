// Loads a user's module and what it imports with Node's own module machinery (node:vm), in a thread started with
// --experimental-vm-modules. Local .ts and .json files come from `source`; `millrace` is what the caller gives; everything else, packages
// of the project and Node's own modules, is imported as from that file.
import { isBuiltin } from 'node:module';
import vm from 'node:vm';
import { MillraceError, toError } from '../../core/errors.ts';

export interface ModuleSources {
  /** The JavaScript, or JSON, of a local file. */
  source(url: string): Promise<string>;
  /** Modules by specifier: their exports, or the URL where they are. */
  given: Record<string, Record<string, unknown> | string>;
}

/** Where a module imports what cannot be had: V8 says what, but not in which line. */
export class ImportFailure extends Error {
  readonly url: string;
  readonly line: number | undefined;

  constructor(cause: unknown, url: string, code: string, specifier: string) {
    super(toError(cause).message, { cause });
    this.url = url;
    const lines = code.split('\n');
    const at = lines.findIndex(line => line.includes(`'${specifier}'`) || line.includes(`"${specifier}"`));
    this.line = at < 0 ? undefined : at + 1;
  }
}

/** Resolves with the module's exports once it has run. */
export async function loadModule(url: string, sources: ModuleSources): Promise<Record<string, unknown>> {
  const modules = new Map<string, Promise<vm.Module>>();
  const codes = new Map<string, string>();

  function moduleAt(key: string, make: () => Promise<vm.Module>): Promise<vm.Module> {
    let found = modules.get(key);
    if (!found) modules.set(key, (found = make()));
    return found;
  }

  async function local(fileUrl: string): Promise<vm.Module> {
    const code = await sources.source(fileUrl);
    codes.set(fileUrl, code);
    if (fileUrl.endsWith('.json')) return synthetic({ default: JSON.parse(code) }, fileUrl);
    return new vm.SourceTextModule(code, {
      identifier: fileUrl,
      initializeImportMeta(meta) {
        meta.url = fileUrl;
      },
      importModuleDynamically: async (specifier: string) => {
        const module = await resolve(specifier, fileUrl);
        if (module.status === 'unlinked') await module.link(link);
        await module.evaluate();
        return module;
      },
    });
  }

  async function resolve(specifier: string, from: string): Promise<vm.Module> {
    const given = Object.hasOwn(sources.given, specifier) ? sources.given[specifier] : undefined;
    if (typeof given === 'object') return moduleAt(specifier, async () => synthetic(given, specifier));
    const target =
      given ??
      (isBuiltin(specifier)
        ? specifier
        : /^(\.{1,2}\/|\/|file:)/.test(specifier)
          ? new URL(specifier, from).href
          : import.meta.resolve(specifier, from));
    const isOurs = target.startsWith('file:') && /\.(ts|mts|json)$/.test(target) && given === undefined;
    if (isOurs) return moduleAt(target, () => local(target));
    return moduleAt(target, async () => synthetic(await import(target), target));
  }

  async function link(specifier: string, from: vm.Module): Promise<vm.Module> {
    try {
      return await resolve(specifier, from.identifier);
    } catch (thrown) {
      // What is wrong within the imported file has its own place.
      if (thrown instanceof ImportFailure) throw thrown;
      if (thrown instanceof MillraceError && thrown.context['line'] !== undefined) throw thrown;
      throw new ImportFailure(thrown, from.identifier, codes.get(from.identifier) ?? '', specifier);
    }
  }

  const module = await moduleAt(url, () => local(url));
  try {
    await module.link(link);
  } catch (thrown) {
    const missing = /^The requested module '(.+)' does not provide/.exec(toError(thrown).message);
    if (!missing || thrown instanceof ImportFailure) throw thrown;
    const [importer, code] = [...codes].find(([, text]) => text.includes(missing[1]!)) ?? [url, ''];
    throw new ImportFailure(thrown, importer, code, missing[1]!);
  }
  await module.evaluate();
  return module.namespace as Record<string, unknown>;
}

async function synthetic(exports: object, identifier: string): Promise<vm.Module> {
  const entries = Object.entries(exports);
  const module = new vm.SyntheticModule(
    entries.map(([name]) => name),
    () => {
      for (const [name, value] of entries) module.setExport(name, value);
    },
    { identifier },
  );
  await module.link(() => {
    throw new MillraceError('internal', 'A module of values imports nothing.');
  });
  return module;
}
