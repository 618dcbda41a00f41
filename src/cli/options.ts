// Options that most commands share, read and checked in one place.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';

export interface CommonOptions {
  data: string;
  project: string;
  json?: boolean;
  verbose?: boolean;
}

export function withCommon(command: Command): Command {
  return command
    .option('--data <dir>', 'where the data is kept', '.millrace')
    .addOption(
      new Option('--project <dir>', 'the folder with views/, dashboards/ and millrace.yaml')
        .default('.')
        .argParser(folder),
    )
    .option('--json', 'machine-readable output')
    .option('--verbose', 'show stack traces of errors');
}

export function withServer(command: Command): Command {
  return command
    .addOption(
      new Option('--port <number>', 'port of the console and the API; 0 picks a free one')
        .default(7117)
        .argParser(port),
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1');
}

/** A name mistyped is not a project without files. */
function folder(path: string): string {
  if (!existsSync(path)) throw new InvalidArgumentError('There is no such folder.');
  return path;
}

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535)
    throw new InvalidArgumentError('Not a port (0–65535).');
  return value;
}

export function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('Not a number above 0.');
  return value;
}

export function whole(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('Not a whole number.');
  return value;
}

/** The data folder, relative to the project where it is relative. */
export function dataDir(options: CommonOptions): string {
  return options.data === '.millrace' ? join(resolve(options.project), '.millrace') : resolve(options.data);
}
