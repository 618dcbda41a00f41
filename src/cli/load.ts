// millrace load: files into the data folder, as fast as the machine can, without serving.
import type { Command } from 'commander';
import { formats } from '../collect/detect.ts';
import { openApp } from './open-app.ts';
import { type CommonOptions, dataDir, withCommon } from './options.ts';
import { bar, clearProgress, say, showProgress } from './terminal.ts';
import { readFiles } from './up.ts';

export function registerLoad(program: Command): void {
  withCommon(program.command('load'))
    .description('load files and end')
    .argument('<files...>', 'files to load')
    .option('--stream <name>', 'stream for the files; named after each file where left out')
    .option(
      '--format <id>',
      `format of the files; detected where left out (${formats.map(format => format.id).join(', ')})`,
    )
    .addHelpText(
      'after',
      `
Examples:
  millrace load access.log.1 access.log
  millrace load events.ndjson --stream events --data /var/lib/millrace`,
    )
    .action(async (files: string[], options: CommonOptions & { stream?: string; format?: string }) => {
      const app = await openApp({
        dataDir: dataDir(options),
        projectDir: options.project,
        forTheMoment: true,
        onNotice: line => say(line),
      });
      try {
        await readFiles(app, files, { ...options, follow: false });
        await app.settled(share => showProgress(`${bar(share)} ${Math.floor(share * 100)} % of the views`));
        clearProgress();
      } finally {
        await app.close();
      }
    });
}
