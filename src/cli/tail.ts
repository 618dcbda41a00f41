// millrace tail: events of a stream as they come, from the process that runs on the data folder.
import type { Command } from 'commander';
import { MillraceError } from '../core/errors.ts';
import { findRunning, problemError } from '../running.ts';
import { type CommonOptions, dataDir, withCommon } from './options.ts';
import { print, say } from './terminal.ts';

export function registerTail(program: Command): void {
  withCommon(program.command('tail'))
    .description('print events of a stream as they come')
    .argument('<stream>', 'the stream')
    .option('--count <n>', 'end after this many events', Number)
    .addHelpText('after', '\nExamples:\n  millrace tail access\n  millrace tail access --count 10 | jq .path')
    .action(async (stream: string, options: CommonOptions & { count?: number }) => {
      const running = await findRunning(dataDir(options));
      if (!running) {
        throw new MillraceError('not-running', 'No Millrace runs on this data folder, so no events come.', {
          remedy: 'Start one with "millrace up", or ask what is there with "millrace sql".',
        });
      }
      const answer = await fetch(`${running.url}/v1/streams/${encodeURIComponent(stream)}/tail`);
      if (!answer.ok || !answer.body) throw await problemError(answer);
      let left = options.count ?? Number.POSITIVE_INFINITY;
      let rest = '';
      const decoder = new TextDecoder();
      for await (const chunk of answer.body) {
        rest += decoder.decode(chunk as Uint8Array, { stream: true });
        const messages = rest.split('\n\n');
        rest = messages.pop()!;
        for (const message of messages) {
          const data = /^data: (.*)$/m.exec(message)?.[1];
          if (data === undefined) continue;
          if (message.startsWith('event: skipped'))
            say(`… ${JSON.parse(data).events} events left out: they come faster than they are read`);
          else {
            print(data);
            if (--left <= 0) return;
          }
        }
      }
    });
}
