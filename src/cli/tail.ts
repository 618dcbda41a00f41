// millrace tail: events of a stream as they come, from the process that runs on the data folder.
import type { Command } from 'commander';
import { MillraceError } from '../core/errors.ts';
import { bodyOf, findRunning, problemError, type Running } from '../running.ts';
import { type CommonOptions, dataDir, withCommon } from './options.ts';
import { outputEnded, print, say } from './terminal.ts';

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
      try {
        await printEvents(running, stream, options.count ?? Number.POSITIVE_INFINITY);
      } catch (thrown) {
        if (!outputEnded.aborted) throw thrown;
      }
    });
}

async function printEvents(running: Running, stream: string, count: number): Promise<void> {
  const url = `${running.url}/v1/streams/${encodeURIComponent(stream)}/tail`;
  const answer = await fetch(url, { signal: outputEnded });
  if (!answer.ok || !answer.body) throw await problemError(answer);
  const cut = (): MillraceError =>
    new MillraceError('tail-cut', `The process ${running.pid} has ended, so no more events come.`, {
      remedy: 'Start it again with "millrace up".',
      canRetry: true,
    });
  let left = count;
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of bodyOf(answer, cut)) {
    rest += decoder.decode(chunk, { stream: true });
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
}
